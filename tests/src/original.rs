//! A stand-in for the original Games API: its answers, its defects and its unreliable webhooks.

mod accounts;
mod api;
mod check;
mod courier;
mod exchange;
mod hooks;
mod lists;
mod rows;
mod schema;

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::body::Body;
use axum::http::{Method, Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::api::Api;
use self::courier::Courier;
use self::exchange::Asked;
use crate::rest::http_client;
use crate::service::DEADLINE;
use crate::target::free_port;

/// The original, as far as a client can tell. It lives in the memory of the test.
#[derive(Debug)]
pub struct Original {
    address: SocketAddr,
    api_url: String,
    desk: Desk,
    server: Option<JoinHandle<()>>,
}

/// What all connections share.
#[derive(Debug, Clone)]
struct Desk {
    api: Arc<Mutex<Api>>,
    courier: Arc<Mutex<Courier>>,
    gate: Arc<watch::Sender<Gate>>,
    told: Arc<Mutex<Vec<Value>>>,
}

/// Which writes are let through.
#[derive(Debug, Default)]
struct Gate {
    /// How many more are answered before all others are held; nothing when none is held.
    left: Option<usize>,
    /// How many are held.
    held: usize,
    /// All that were answered, as `POST decisions/`.
    answered: Vec<String>,
}

impl Original {
    /// Starts with nothing but the staff account. The seed of its luck is printed, which shows when
    /// the test fails; the variable `ORIGINAL_SEED` sets it.
    ///
    /// # Errors
    /// When there is no free port, or the seed is no number.
    pub async fn start() -> Result<Self> {
        let seed = match std::env::var_os("ORIGINAL_SEED") {
            Some(text) => {
                let number = text.to_str().and_then(|text| text.parse().ok());
                number.context("`ORIGINAL_SEED` must be a number")?
            }
            None => rand::random::<u64>(),
        };
        writeln!(std::io::stdout(), "deliveries are shuffled with ORIGINAL_SEED={seed}")?;
        let desk = Desk {
            api: Arc::new(Mutex::new(Api::new())),
            courier: Arc::new(Mutex::new(Courier::new(http_client()?, seed))),
            gate: Arc::default(),
            told: Arc::default(),
        };
        let listener = TcpListener::bind(("127.0.0.1", free_port()?)).await.context("listening")?;
        let address = listener.local_addr()?;
        let server = Some(tokio::spawn(serve(listener, desk.clone())));
        Ok(Self { address, api_url: format!("http://{address}/apis/"), desk, server })
    }

    /// The base URL, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Goes away as a killed process does: connections break, deliveries under way are lost.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            server.await.ok();
        }
        locked(&self.desk.courier).stop();
    }

    /// Comes back on the same port with all its rows.
    ///
    /// # Errors
    /// When somebody else has taken the port.
    pub async fn start_again(&mut self) -> Result<()> {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.context("listening again")?;
        self.server = Some(tokio::spawn(serve(listener, self.desk.clone())));
        Ok(())
    }

    /// Loses what it would have told subscribers of the next so many changes.
    pub fn lose_deliveries(&self, count: usize) {
        locked(&self.desk.courier).lose(count);
    }

    /// Everything that subscribers are told of, in the order in which it happened.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        locked(&self.desk.told).clone()
    }

    /// Answers so many more writes, and holds all after them until [`Self::let_writes_through`].
    pub fn hold_writes_after(&self, count: usize) {
        self.desk.gate.send_modify(|gate| {
            gate.left = Some(count);
            gate.answered.clear();
        });
    }

    /// Waits until a write is held.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn held(&self) -> Result<()> {
        let mut gate = self.desk.gate.subscribe();
        let waited = gate.wait_for(|gate| gate.held > 0);
        tokio::time::timeout(DEADLINE, waited).await.context("no write came to be held")??;
        Ok(())
    }

    /// Holds no writes any more. Those that were held are carried out, if their clients still wait.
    pub fn let_writes_through(&self) {
        self.desk.gate.send_modify(|gate| gate.left = None);
    }

    /// The writes that were answered since the last [`Self::hold_writes_after`], such as
    /// `POST decisions/`.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        self.desk.gate.borrow().answered.clone()
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn serve(listener: TcpListener, desk: Desk) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(serve_connection(stream, desk.clone()));
    }
}

async fn serve_connection(stream: TcpStream, desk: Desk) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request.map(Body::new)).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    // Whoever breaks a connection learns of it at the other end.
    connection.serve_connection(TokioIo::new(stream), service).await.ok();
}

impl Desk {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let Some(asked) = Asked::read(request).await else {
            return exchange::Answer::page(400).into_response();
        };
        let path = asked.path().strip_prefix("/apis/").unwrap_or_default();
        let is_read = matches!(asked.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let is_write = !is_read && !path.starts_with("hooks/") && path != "authcheck/";
        if is_write {
            self.pass_gate().await;
        }
        let answer = {
            let mut api = locked(&self.api);
            let answer = api.answer(&asked);
            let mut courier = locked(&self.courier);
            for change in std::mem::take(&mut api.changes) {
                locked(&self.told).push(json!({"event": change.event, "data": change.data}));
                courier.send(&self.api, &change, api.hooks.subscribers(&change.event));
            }
            answer
        };
        if is_write {
            let line = format!("{} {path}", asked.method);
            self.gate.send_modify(|gate| gate.answered.push(line));
        }
        answer.into_response()
    }

    async fn pass_gate(&self) {
        let mut is_held = true;
        self.gate.send_modify(|gate| {
            is_held = gate.left == Some(0);
            gate.left = gate.left.map(|left| left.saturating_sub(1));
            gate.held += usize::from(is_held);
        });
        if is_held {
            let _held = Held(&self.gate);
            // It ends with the sender, which is here.
            self.gate.subscribe().wait_for(|gate| gate.left.is_none()).await.ok();
        }
    }
}

/// A write that is held, until it is let through or its client is gone.
struct Held<'a>(&'a watch::Sender<Gate>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|gate| gate.held -= 1);
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
