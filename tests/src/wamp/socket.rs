//! The WebSocket below a session.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What came over the socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A text frame with JSON.
    Frame(Value),
    /// The other side closed, with this code if it gave one.
    Closed(Option<u16>),
}

/// A WebSocket that speaks `wamp.2.json`.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// Opens a WebSocket with the subprotocol of WAMP over JSON.
pub(crate) async fn open(url: &str, config: WebSocketConfig) -> Result<WebSocketStream<TcpStream>> {
    let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next());
    let address = address.with_context(|| format!("`{url}` is no WebSocket URL"))?;
    let tcp =
        TcpStream::connect(address).await.with_context(|| format!("connecting to `{url}`"))?;
    tcp.set_nodelay(true)?;
    let mut request = url.into_client_request()?;
    let protocol = HeaderValue::from_static("wamp.2.json");
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let opened = tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await;
    let (stream, response) = opened.with_context(|| format!("opening `{url}`"))?;
    match response.headers().get("Sec-WebSocket-Protocol") {
        Some(chosen) if chosen == "wamp.2.json" => Ok(stream),
        other => bail!("the service chose the subprotocol {other:?}"),
    }
}

impl Socket {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        // What is too large is for the service to say.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        Ok(Self { stream: open(url, config).await? })
    }

    pub(super) async fn send_text(&mut self, text: &str) -> Result<()> {
        self.stream.send(Message::text(text)).await.context("sending a frame")
    }

    pub(super) async fn send_binary(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.stream.send(Message::binary(bytes)).await.context("sending a frame")
    }

    pub(super) async fn send_bytes_as_text(&mut self, bytes: Vec<u8>) -> Result<()> {
        let frame = Frame::message(bytes, OpCode::Data(Data::Text), true);
        self.stream.send(Message::Frame(frame)).await.context("sending a frame")
    }

    pub(super) async fn receive(&mut self) -> Result<Received> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text);
                    return Ok(Received::Frame(frame.with_context(|| format!("in `{text}`"))?));
                }
                Some(Ok(Message::Close(close))) => {
                    // Lets tungstenite answer the close before the socket goes.
                    self.stream.flush().await.ok();
                    return Ok(Received::Closed(close.map(|close| close.code.into())));
                }
                Some(Ok(Message::Binary(_))) => bail!("a binary frame in a JSON session"),
                Some(Ok(_)) => {}
                None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => {
                    return Ok(Received::Closed(None));
                }
                // A service that drops a peer need not say goodbye.
                Some(Err(Error::Protocol(_) | Error::Io(_))) => return Ok(Received::Closed(None)),
                Some(Err(error)) => return Err(error).context("receiving a frame"),
            }
        }
    }
}
