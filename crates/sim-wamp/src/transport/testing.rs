//! What the tests of several transports need.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{
    Close, FrameLimits, Origins, Reader, Received, TlsListener, Transport, Writer,
    accept_websocket, tls_acceptor,
};

pub(super) const LIMITS: FrameLimits = FrameLimits { message_bytes: 1 << 16 };

/// Waits, but not for ever.
pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens in time")
}

/// Polls once.
pub(super) async fn now<F: Future>(future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

/// Receives the next message.
pub(super) async fn message(reader: &mut impl Reader) -> Bytes {
    match soon(reader.receive()).await {
        Ok(Received::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// Sends a message at once.
pub(super) async fn say(writer: &mut impl Writer, message: impl Into<Bytes>) {
    soon(writer.feed(message.into())).await.unwrap();
    soon(writer.flush()).await.unwrap();
}

/// Sends back what comes, until the peer closes.
pub(super) async fn echo(transport: impl Transport) {
    let (mut reader, mut writer) = transport.split();
    loop {
        match reader.receive().await.unwrap() {
            Received::Message(message) => writer.feed(message).await.unwrap(),
            Received::Ping(ping) => writer.pong(ping).await.unwrap(),
            Received::Alive => {}
            Received::Closed => return writer.close(Close::NORMAL).await.unwrap(),
        }
        writer.flush().await.unwrap();
    }
}

/// A certificate for `localhost`, signed by itself, and its key.
pub(super) struct Identity {
    pub(super) pem: String,
    directory: tempfile::TempDir,
}

impl Identity {
    pub(super) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let identity = Self { pem: made.cert.pem(), directory };
        std::fs::write(identity.certificates(), &identity.pem).unwrap();
        std::fs::write(identity.key(), made.signing_key.serialize_pem()).unwrap();
        identity
    }

    pub(super) fn certificates(&self) -> PathBuf {
        self.directory.path().join("certificates.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }
}

/// An axum server whose `/ws` sends back what comes.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) opened: mpsc::UnboundedReceiver<Opened>,
}

/// The peer's address and the channel id of a WebSocket.
type Opened = (Option<SocketAddr>, Option<[u8; 32]>);

/// Routes `/ws` to what sends back what comes.
pub(super) fn app(origins: Origins) -> (axum::Router, mpsc::UnboundedReceiver<Opened>) {
    let (sender, opened) = mpsc::unbounded_channel();
    let endpoint = move |request: Request| async move {
        let (response, upgrading) = accept_websocket(request, &origins, LIMITS)?;
        tokio::spawn(async move {
            let peer = upgrading.peer();
            let transport = upgrading.ready().await.unwrap();
            sender.send((peer, transport.channel_id())).unwrap();
            echo(transport).await;
        });
        Ok::<_, super::UpgradeRefused>(response)
    };
    (axum::Router::new().route("/ws", get(endpoint)), opened)
}

impl Server {
    pub(super) async fn start(tls: Option<&Identity>, origins: Origins) -> Self {
        let (app, opened) = app(origins);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if let Some(identity) = tls {
            let acceptor = tls_acceptor(&identity.certificates(), &identity.key()).unwrap();
            let listener = TlsListener::new(listener, acceptor).tap_io(|_| ());
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        } else {
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
        Self { address, opened }
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/ws", self.address.port())
    }
}

/// A stream that notes how long each write is.
#[derive(Debug)]
pub(super) struct Noted<S> {
    pub(super) stream: S,
    pub(super) writes: Arc<Mutex<Vec<usize>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.lock().unwrap().push(bytes.len());
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
