//! A small, strict WAMP client: JSON over a WebSocket, every frame checked and kept.

mod login;
mod messages;
mod socket;

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

pub use login::{Login, Refused, Welcome};
pub use messages::{Answer, Event};
use messages::{Incoming, code};
pub use socket::Received;
use socket::Socket;

use crate::service::DEADLINE;

/// One connection and, once logged in, one session.
#[derive(Debug)]
pub struct Wamp {
    socket: Socket,
    realm: String,
    welcome: Option<Welcome>,
    request_ids: RequestIds,
    answers: BTreeMap<u64, Answer>,
    events: VecDeque<Event>,
    subscriptions: BTreeMap<u64, String>,
    received: Vec<Value>,
}

/// How the ids of requests are chosen.
#[derive(Debug)]
enum RequestIds {
    /// One after the other, as the specification asks for.
    Sequential(u64),
    /// Anywhere in 0..2^53, as the stock browser does.
    Random,
}

impl Wamp {
    /// Opens the WebSocket without saying anything. A realm other than `realm1` stands behind a
    /// `#`.
    ///
    /// # Errors
    /// When the service does not accept it.
    pub async fn connect(url: &str) -> Result<Self> {
        let (url, realm) = url.split_once('#').unwrap_or((url, "realm1"));
        Ok(Self {
            socket: Socket::connect(url).await?,
            realm: realm.to_owned(),
            welcome: None,
            request_ids: RequestIds::Sequential(0),
            answers: BTreeMap::new(),
            events: VecDeque::new(),
            subscriptions: BTreeMap::new(),
            received: Vec::new(),
        })
    }

    /// Opens a session in the realm of the URL.
    ///
    /// # Errors
    /// When the service refuses it or breaks the protocol.
    pub async fn login(url: &str, login: Login<'_>) -> Result<Self> {
        let mut wamp = Self::connect(url).await?;
        match wamp.hello(None, login).await? {
            Ok(_) => Ok(wamp),
            Err(refused) => bail!("login refused: {refused:?}"),
        }
    }

    /// From now on chooses request ids as the stock browser does.
    pub fn use_random_request_ids(&mut self) {
        self.request_ids = RequestIds::Random;
    }

    /// What the router said at the welcome.
    ///
    /// # Errors
    /// When there is no session.
    pub fn welcome(&self) -> Result<&Welcome> {
        self.welcome.as_ref().context("there is no session")
    }

    /// All frames received so far, in order.
    #[must_use]
    pub fn received(&self) -> &[Value] {
        &self.received
    }

    /// Calls a procedure and waits for its answer; events that come meanwhile are kept.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn call(&mut self, uri: &str, args: Value) -> Result<Answer> {
        let id = self.send_call(uri, Some(args), None).await?;
        self.answer(id).await.with_context(|| format!("calling `{uri}`"))
    }

    /// Calls a procedure with keyword arguments.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn call_kw(&mut self, uri: &str, args: Value, kwargs: Value) -> Result<Answer> {
        let id = self.send_call(uri, Some(args), Some(kwargs)).await?;
        self.answer(id).await.with_context(|| format!("calling `{uri}`"))
    }

    /// Sends a call without waiting for its answer.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_call(
        &mut self,
        uri: &str,
        args: Option<Value>,
        kwargs: Option<Value>,
    ) -> Result<u64> {
        let id = self.next_request_id();
        let mut message = vec![json!(code::CALL), json!(id), json!({}), json!(uri)];
        message.extend(args);
        message.extend(kwargs);
        self.send(&Value::Array(message)).await?;
        Ok(id)
    }

    /// Calls with arguments written by hand, for what no JSON value can hold.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn call_with_text(&mut self, uri: &str, args: &str) -> Result<Answer> {
        let id = self.next_request_id();
        self.send_text(&format!("[{},{id},{{}},\"{uri}\",{args}]", code::CALL)).await?;
        self.answer(id).await.with_context(|| format!("calling `{uri}`"))
    }

    /// Waits for the answer to a request that was sent before.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn answer(&mut self, id: u64) -> Result<Answer> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return Ok(answer);
            }
            self.pump().await?;
        }
    }

    /// Subscribes and returns the subscription's id or the refusal.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn subscribe(&mut self, topic: &str, policy: &str) -> Result<Answer> {
        let id = self.send_subscribe(topic, policy).await?;
        let answer = self.answer(id).await?;
        if let Answer::Done(Some(subscription)) = answer {
            self.subscriptions.insert(subscription, topic.to_owned());
        }
        Ok(answer)
    }

    /// Sends a subscription without waiting for its answer.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_subscribe(&mut self, topic: &str, policy: &str) -> Result<u64> {
        let id = self.next_request_id();
        self.send(&json!([code::SUBSCRIBE, id, {"match": policy}, topic])).await?;
        Ok(id)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn unsubscribe(&mut self, subscription: u64) -> Result<Answer> {
        let id = self.next_request_id();
        self.send(&json!([code::UNSUBSCRIBE, id, subscription])).await?;
        self.answer(id).await
    }

    /// Publishes and waits for the acknowledgement.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn publish(&mut self, topic: &str, args: Value, kwargs: Value) -> Result<Answer> {
        let id = self.next_request_id();
        let options = json!({"acknowledge": true});
        self.send(&json!([code::PUBLISH, id, options, topic, args, kwargs])).await?;
        self.answer(id).await
    }

    /// Publishes without an acknowledgement, as the stock browser does.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn publish_quietly(&mut self, topic: &str, args: Value) -> Result<()> {
        let id = self.next_request_id();
        self.send(&json!([code::PUBLISH, id, {}, topic, args])).await
    }

    /// Registers a procedure.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn register(&mut self, uri: &str, policy: &str) -> Result<Answer> {
        let id = self.next_request_id();
        self.send(&json!([code::REGISTER, id, {"match": policy}, uri])).await?;
        self.answer(id).await
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn next_event(&mut self) -> Result<Event> {
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                if let Some(event) = self.events.pop_front() {
                    return anyhow::Ok(event);
                }
                self.pump().await?;
            }
        });
        waited.await.context("no event in time")?
    }

    /// Takes the events that have arrived, without waiting.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, message: &Value) -> Result<()> {
        self.send_text(&message.to_string()).await
    }

    /// Sends one text frame, whatever it says.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_text(&mut self, text: &str) -> Result<()> {
        self.socket.send_text(text).await
    }

    /// Sends one binary frame.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.socket.send_binary(bytes).await
    }

    /// Sends one text frame of bytes that need not be text.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_bytes_as_text(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.socket.send_bytes_as_text(bytes).await
    }

    /// Receives one frame as it is, or learns that the service closed the connection.
    ///
    /// # Errors
    /// When nothing comes in time, or something that is no JSON.
    pub async fn receive(&mut self) -> Result<Received> {
        let received = tokio::time::timeout(DEADLINE, self.socket.receive()).await;
        let received = received.context("no frame in time")??;
        if let Received::Frame(frame) = &received {
            self.received.push(frame.clone());
        }
        Ok(received)
    }

    /// Ends the session with GOODBYE and waits for the router's.
    ///
    /// # Errors
    /// When the router does not answer it.
    pub async fn goodbye(&mut self) -> Result<()> {
        self.send(&json!([code::GOODBYE, {}, "wamp.close.close_realm"])).await?;
        loop {
            match self.receive().await? {
                Received::Frame(frame) if frame[0] == code::GOODBYE => return Ok(()),
                Received::Frame(_) => {}
                Received::Closed(code) => bail!("closed ({code:?}) before the router's GOODBYE"),
            }
        }
    }

    /// Receives one message and puts it where it belongs.
    async fn pump(&mut self) -> Result<()> {
        let frame = match self.receive().await? {
            Received::Frame(frame) => frame,
            Received::Closed(code) => bail!("the service closed the connection ({code:?})"),
        };
        match Incoming::parse(&frame).with_context(|| format!("in the frame {frame}"))? {
            Incoming::Answer { request, answer } => {
                ensure!(self.answers.insert(request, answer).is_none(), "answered twice: {frame}");
            }
            Incoming::Event(event) => self.events.push_back(event),
        }
        Ok(())
    }

    fn next_request_id(&mut self) -> u64 {
        match &mut self.request_ids {
            RequestIds::Sequential(last) => {
                *last += 1;
                *last
            }
            RequestIds::Random => rand::random_range(0..1 << 53),
        }
    }
}
