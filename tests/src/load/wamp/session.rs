//! One session that costs little: messages are written by hand and looked at as text.

use anyhow::{Context, Result, bail, ensure};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::super::socket::Socket;
use super::code;
use super::router::Router;
use super::text::{head, numbers};

/// How many sessions join at the same time.
const JOINING: usize = 64;

/// How many requests are sent before their answers are read.
const REQUESTS: usize = 256;

/// A joined session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) socket: Socket,
    pub(super) id: u64,
    requests: u64,
}

impl Session {
    /// Connects, logs in and joins.
    pub(super) async fn join(router: &Router) -> Result<Self> {
        Self::join_with(router, None).await
    }

    /// The same with a receive buffer of the system of this size.
    pub(super) async fn join_with(router: &Router, receive_buffer: Option<u32>) -> Result<Self> {
        let socket = Socket::open(&router.endpoint, receive_buffer).await?;
        let mut session = Self { socket, id: 0, requests: 0 };
        let (realm, login) = (quoted(&router.realm), router.next_login());
        let methods = match &login {
            Some(login) => format!("[\"ticket\"],\"authid\":{}", quoted(&login.authid)),
            None => "[\"anonymous\"]".to_owned(),
        };
        let roles = "{\"caller\":{},\"callee\":{},\"publisher\":{},\"subscriber\":{}}";
        session.push(&format!("[1,{realm},{{\"roles\":{roles},\"authmethods\":{methods}}}]"));
        if let Some(login) = login {
            session.expect(code::CHALLENGE).await.context("logging in")?;
            session.push(&format!("[5,{},{{}}]", quoted(&login.ticket)));
        }
        session.id = session.expect(code::WELCOME).await.context("logging in")?;
        Ok(session)
    }

    /// Lets many sessions join, some at a time.
    pub(super) async fn join_many(router: &Router, count: usize) -> Result<Vec<Self>> {
        let joining = stream::iter(0..count).map(|_| Self::join(router));
        joining.buffer_unordered(JOINING).try_collect().await
    }

    /// Says goodbye and closes, each waiting for the router to do so as well.
    pub(super) async fn leave(mut self) -> Result<()> {
        self.push("[6,{},\"wamp.close.close_realm\"]");
        self.socket.flush().await?;
        while let Some(text) = self.socket.try_receive().await? {
            if matches!(head(text), Some((code::GOODBYE, _))) {
                break;
            }
        }
        self.socket.close().await
    }

    /// Subscribes to a topic.
    pub(super) async fn subscribe(&mut self, topic: &str) -> Result<()> {
        self.requests += 1;
        self.push(&format!("[32,{},{{}},\"{topic}\"]", self.requests));
        self.expect(code::SUBSCRIBED).await.with_context(|| format!("subscribing to `{topic}`"))?;
        Ok(())
    }

    /// Registers procedures.
    pub(super) async fn register(&mut self, procedures: &[String]) -> Result<()> {
        for batch in procedures.chunks(REQUESTS) {
            for procedure in batch {
                self.requests += 1;
                self.push(&format!("[64,{},{{}},\"{procedure}\"]", self.requests));
            }
            for procedure in batch {
                let answered = self.expect(code::REGISTERED).await;
                answered.with_context(|| format!("registering `{procedure}` or one near it"))?;
            }
        }
        Ok(())
    }

    /// Calls a procedure that returns its arguments.
    pub(super) async fn call(&mut self, procedure: &str) -> Result<()> {
        self.requests += 1;
        let id = self.requests;
        self.push(&format!("[48,{id},{{}},\"{procedure}\",[{id}]]"));
        let text = self.socket.receive().await?;
        let is_echo = head(text) == Some((code::RESULT, id)) && numbers(text) == Some((id, 0));
        ensure!(is_echo, "call {id} of `{procedure}` was answered with `{}`", shown(text));
        Ok(())
    }

    /// Puts a publication without acknowledgment behind what is to be written.
    pub(super) fn push_publication(&mut self, topic: &str, args: &str) {
        self.requests += 1;
        self.push(&format!("[16,{},{{}},\"{topic}\",[{args}]]", self.requests));
    }

    pub(super) fn push(&mut self, text: &str) {
        self.socket.push(text);
    }

    /// Waits for something on a session to which the router has nothing to say meanwhile.
    pub(super) async fn until<T>(&mut self, waited: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            done = waited => Ok(done),
            text = self.socket.receive() => bail!("the router sent `{}`", shown(text?)),
        }
    }

    /// Answers pings for as long as the connection stands; fails when it ends.
    pub(super) async fn idle(mut self) -> Result<()> {
        self.until(std::future::pending()).await
    }

    /// Writes what was pushed and waits for a message of this code; returns its first number.
    async fn expect(&mut self, code: u64) -> Result<u64> {
        let text = self.socket.receive().await?;
        match head(text) {
            Some((found, id)) if found == code => Ok(id),
            _ => bail!("the router answered with `{}`", shown(text)),
        }
    }
}

/// A message as a person reads it.
pub(super) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(300)]).into_owned()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
