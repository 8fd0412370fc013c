//! A subscriber of webhooks: it takes whatever is posted, in the order in which it came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::http::Head;

/// One delivery, whether or not its answer reached the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The path that it was posted to.
    pub path: String,
    /// Its signature, if it had one.
    pub signature: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The signature of a body, as our Games API writes it into the header `X-Simpl-Signature`.
///
/// # Panics
/// Never: every key will do.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mac = key.expect("every key will do").chain_update(body).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// Answers every POST with 200 and keeps it.
#[derive(Debug)]
pub struct Receiver {
    address: String,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
    count: watch::Receiver<usize>,
    server: JoinHandle<()>,
}

/// What the connections share.
#[derive(Clone)]
struct Desk {
    deliveries: Arc<Mutex<Vec<Delivery>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Receiver {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
        let address = listener.local_addr()?.to_string();
        let (sender, count) = watch::channel(0);
        let desk = Desk { deliveries: Arc::default(), count: Arc::new(sender) };
        let deliveries = Arc::clone(&desk.deliveries);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A connection ends with the service at its other end, at any place.
                connections.spawn(serve(stream, desk.clone()));
            }
        });
        Ok(Self { address, deliveries, count, server })
    }

    /// The address of a path such as `all`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// All deliveries to a path so far.
    #[must_use]
    pub fn deliveries(&self, path: &str) -> Vec<Delivery> {
        let is_wanted = |it: &&Delivery| it.path.strip_prefix('/') == Some(path);
        locked(&self.deliveries).iter().filter(is_wanted).cloned().collect()
    }

    /// Waits for a delivery that the caller wants; so many that came first are not looked at.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn wait_for(
        &mut self,
        skipped: usize,
        limit: Duration,
        mut is_wanted: impl FnMut(&Delivery) -> bool,
    ) -> Result<()> {
        let mut next = skipped;
        let deliveries = Arc::clone(&self.deliveries);
        let waited = self.count.wait_for(|count| {
            let news = next.min(*count)..*count;
            next = news.end;
            locked(&deliveries)[news].iter().any(&mut is_wanted)
        });
        tokio::time::timeout(limit, waited).await.context("not in time")??;
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn locked(deliveries: &Mutex<Vec<Delivery>>) -> MutexGuard<'_, Vec<Delivery>> {
    deliveries.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, desk: Desk) -> Result<()> {
    let mut input = Vec::new();
    while stream.read_buf(&mut input).await? > 0 {
        let Some((head, body)) = Head::find(&input)? else { continue };
        let end = body + head.content_length()?.context("a delivery in chunks")?;
        if input.len() < end {
            continue;
        }
        let delivery = Delivery {
            path: head.subject().to_owned(),
            signature: head.header("x-simpl-signature").map(str::to_owned),
            body: input[body..end].to_vec(),
        };
        input.drain(..end);
        let count = {
            let mut deliveries = locked(&desk.deliveries);
            deliveries.push(delivery);
            deliveries.len()
        };
        desk.count.send_modify(|known| *known = count.max(*known));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
    Ok(())
}
