//! WebSockets: messages as text or binary frames.

mod accept;
mod origins;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as SocketError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};

pub use accept::{UpgradeRefused, Upgrading, accept_websocket};
pub use origins::{Origin, OriginError, Origins};

use super::stream::poll_drained;
use super::{Close, FrameLimits, Reader, Received, Transport, TransportError, Writer};
use crate::Serializer;

/// Buffers of a socket: an idle session keeps little more than the first.
const READ_BUFFER: usize = 2048;
const WRITE_BUFFER: usize = 4096;
/// The longest frame that is sent: the library copies it whole into a buffer that stays as large,
/// for every receiver of an event.
const FRAGMENT: usize = 64 << 10;

/// A WebSocket whose messages are texts in JSON, or binary in another serialization.
///
/// The other kind of frame is refused, and so is compression. Pings are answered by the
/// [`Reader`] itself.
pub struct WebSocket<S> {
    stream: WebSocketStream<S>,
    serializer: Serializer,
    channel_id: Option<[u8; 32]>,
}

/// The half of a [`WebSocket`] that receives.
pub struct WebSocketReader<S> {
    shared: Shared<S>,
    serializer: Serializer,
    failed: bool,
}

/// The half of a [`WebSocket`] that sends.
pub struct WebSocketWriter<S> {
    shared: Shared<S>,
    kind: Data,
}

/// Both halves need the whole, because receiving answers pings; it is locked while being polled.
type Shared<S> = Arc<Mutex<WebSocketStream<S>>>;

impl FrameLimits {
    /// Returns these limits as the WebSocket library takes them.
    #[must_use]
    pub fn websocket_config(self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(self.message_bytes))
            .max_frame_size(Some(self.message_bytes))
    }
}

impl<S> WebSocket<S> {
    /// Makes a transport of an open WebSocket, whose limits are those of its config; see
    /// [`FrameLimits::websocket_config`].
    #[must_use]
    pub fn new(stream: WebSocketStream<S>, serializer: Serializer) -> Self {
        Self { stream, serializer, channel_id: None }
    }

    /// Says what identifies the TLS connection below.
    #[must_use]
    pub fn with_channel_id(self, channel_id: Option<[u8; 32]>) -> Self {
        Self { channel_id, ..self }
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("serializer", &self.serializer).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for WebSocketReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketReader").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for WebSocketWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketWriter").finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    type Reader = WebSocketReader<S>;
    type Writer = WebSocketWriter<S>;

    fn serializer(&self) -> Serializer {
        self.serializer
    }

    fn channel_id(&self) -> Option<[u8; 32]> {
        self.channel_id
    }

    fn split(self) -> (WebSocketReader<S>, WebSocketWriter<S>) {
        let shared = Arc::new(Mutex::new(self.stream));
        let kind = if self.serializer.is_text() { Data::Text } else { Data::Binary };
        let writer = WebSocketWriter { shared: Arc::clone(&shared), kind };
        (WebSocketReader { shared, serializer: self.serializer, failed: false }, writer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Reader for WebSocketReader<S> {
    async fn receive(&mut self) -> Result<Received, TransportError> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketReader<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, TransportError>> {
        let mut stream = lock(&self.shared);
        loop {
            let frame = match ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) if !self.failed => {
                    self.failed = true;
                    return Poll::Ready(Err(broken(error)));
                }
                // The library has given up, yet the peer may still be sending.
                _ if self.failed => return poll_drained(stream.get_mut(), cx),
                Some(Err(_)) | None => return Poll::Ready(Ok(Received::Closed)),
            };
            return Poll::Ready(match (frame, self.serializer.is_text()) {
                (Frame::Close(_), _) => {
                    // The library answers a close frame when it is next asked for something.
                    drop(stream.poll_next_unpin(cx));
                    Ok(Received::Closed)
                }
                _ if self.failed => continue,
                (Frame::Text(text), true) => Ok(Received::Message(text.into())),
                (Frame::Binary(bytes), false) => Ok(Received::Message(bytes)),
                (Frame::Text(_) | Frame::Binary(_), _) => {
                    self.failed = true;
                    Err(TransportError::WrongFrame(self.serializer.name()))
                }
                // The library does not return raw frames.
                (Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_), _) => Ok(Received::Alive),
            });
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Writer for WebSocketWriter<S> {
    async fn feed(&mut self, mut message: Bytes) -> Result<(), TransportError> {
        let mut kind = self.kind;
        while message.len() > FRAGMENT {
            self.put(data(message.split_to(FRAGMENT), kind, false)).await.map_err(broken)?;
            kind = Data::Continue;
        }
        self.put(data(message, kind, true)).await.map_err(broken)
    }

    async fn pong(&mut self, ping: Bytes) -> Result<(), TransportError> {
        self.put(Frame::Pong(ping)).await.map_err(broken)
    }

    async fn ping(&mut self) -> Result<(), TransportError> {
        self.put(Frame::Ping(Bytes::new())).await.map_err(broken)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        poll_fn(|cx| lock(&self.shared).poll_flush_unpin(cx)).await.map_err(broken)
    }

    async fn close(&mut self, close: Close) -> Result<(), TransportError> {
        let reason = Utf8Bytes::from_static(close.reason);
        match self.put(Frame::Close(Some(CloseFrame { code: close.code.into(), reason }))).await {
            // In the second case, the peer has closed first and gets its answer.
            Ok(()) | Err(SocketError::Protocol(ProtocolError::SendAfterClosing)) => {
                self.flush().await
            }
            Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => Ok(()),
            Err(error) => Err(broken(error)),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketWriter<S> {
    /// Puts a frame into the buffer once there is room.
    async fn put(&mut self, frame: Frame) -> Result<(), SocketError> {
        let mut frame = Some(frame);
        poll_fn(|cx| {
            let mut stream = lock(&self.shared);
            ready!(stream.poll_ready_unpin(cx))?;
            Poll::Ready(frame.take().map_or(Ok(()), |frame| stream.start_send_unpin(frame)))
        })
        .await
    }
}

/// Makes a raw frame, because a text would have its UTF-8 checked, for every receiver once more.
fn data(payload: Bytes, kind: Data, is_final: bool) -> Frame {
    Frame::Frame(RawFrame::message(payload, OpCode::Data(kind), is_final))
}

fn lock<S>(shared: &Shared<S>) -> MutexGuard<'_, WebSocketStream<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what an error of the WebSocket library means for the connection.
fn broken(error: SocketError) -> TransportError {
    let gone = |kind: io::ErrorKind| TransportError::Gone(kind.into());
    match error {
        SocketError::Capacity(_) => TransportError::TooLong,
        SocketError::Utf8(_) => TransportError::NotUtf8,
        SocketError::Io(error) => TransportError::Gone(error),
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            gone(io::ErrorKind::UnexpectedEof)
        }
        SocketError::Protocol(ProtocolError::SendAfterClosing)
        | SocketError::ConnectionClosed
        | SocketError::AlreadyClosed => gone(io::ErrorKind::NotConnected),
        SocketError::Protocol(error) => TransportError::Broken(error.to_string()),
        error => TransportError::Gone(io::Error::other(error)),
    }
}
