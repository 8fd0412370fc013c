//! What carries messages: one connection to one peer, on which whole messages travel as bytes.

mod any;
mod connect;
mod rawsocket;
mod stream;
#[cfg(test)]
mod testing;
mod tls;
mod websocket;

use std::future::Future;

use bytes::Bytes;

pub use any::{AnyReader, AnyTransport, AnyWriter};
pub(crate) use connect::shown;
pub use connect::{ConnectError, connect, connect_raw, connect_websocket};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use rawsocket::{Frame, parse};
pub use rawsocket::{
    HandshakeError, RawReader, RawSocket, RawWriter, Refusal, accept_raw, open_raw, refuse_raw,
};
pub use stream::BoxedStream;
pub use tls::{ClientTls, TlsError, TlsListener, channel_id, tls_acceptor, warning_of_dates};
pub use websocket::{
    Origin, OriginError, Origins, UpgradeRefused, Upgrading, WebSocket, WebSocketReader,
    WebSocketWriter, accept_websocket,
};

use crate::Serializer;

/// A connection to one peer that carries whole messages of one serialization.
///
/// Both routers and clients use it; a transport of one's own is served by `Router::serve`.
pub trait Transport: Send + 'static {
    /// The half that receives.
    type Reader: Reader;
    /// The half that sends.
    type Writer: Writer;

    /// Returns how messages are written on this connection.
    fn serializer(&self) -> Serializer;

    /// Returns what identifies the TLS connection below, by the binding `tls-exporter` of RFC
    /// 9266, or nothing where there is no TLS.
    fn channel_id(&self) -> Option<[u8; 32]> {
        None
    }

    /// Says whether the peer is known to answer pings, so that it may be asked for a sign of life.
    fn answers_pings(&self) -> bool {
        true
    }

    /// Takes the two halves apart.
    fn split(self) -> (Self::Reader, Self::Writer);
}

/// The half of a transport that receives.
pub trait Reader: Send + 'static {
    /// Receives the next; nothing is lost when the returned future is dropped.
    ///
    /// After an error the peer is not listened to any more: what it still sends is thrown away
    /// until it ends, which is [`Received::Closed`]. Whoever has sent last words waits for that,
    /// because unread input would reset the connection under them.
    fn receive(&mut self) -> impl Future<Output = Result<Received, TransportError>> + Send;
}

/// The half of a transport that sends.
pub trait Writer: Send + 'static {
    /// Puts a message into the buffer, and sends only what no longer fits.
    ///
    /// A message may be cut off where the returned future is dropped; then only
    /// [`close`](Self::close) can follow.
    fn feed(&mut self, message: Bytes) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Answers a [`Received::Ping`]; the answer is sent by the next flush.
    fn pong(&mut self, ping: Bytes) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Asks the peer for a sign of life; the question is sent by the next flush.
    fn ping(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Sends all that is buffered.
    fn flush(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Sends all that is buffered, says why the connection ends, where the transport can say it,
    /// and closes this direction.
    fn close(&mut self, close: Close) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// What a peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole message; a WebSocket has checked that texts are UTF-8, a raw socket has not.
    Message(Bytes),
    /// A question for a sign of life, which the owner of the writer has to answer.
    Ping(Bytes),
    /// A sign of life that needs no answer.
    Alive,
    /// The orderly end of what the peer sends.
    Closed,
}

/// What a connection takes of its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The longest message that is received, in bytes; a longer one is
    /// [`TransportError::TooLong`] before it has arrived.
    ///
    /// Raw sockets tell the peer, in powers of two from 512 bytes to 16 MiB: there, the limit is
    /// the next lower of these.
    pub message_bytes: usize,
}

/// Why a connection is closed: a WebSocket's close code and a short text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// The code, as RFC 6455 (section 7.4) numbers them; transports without codes leave it out.
    pub code: u16,
    /// The text, at most 123 bytes long.
    pub reason: &'static str,
}

impl Close {
    /// The orderly end.
    pub const NORMAL: Self = Self { code: 1000, reason: "" };
    /// The router goes away.
    pub const GOING_AWAY: Self = Self { code: 1001, reason: "going away" };
    /// The peer broke the protocol.
    pub const PROTOCOL_VIOLATION: Self = Self { code: 1002, reason: "protocol violation" };
    /// The peer sent a kind of frame that its serialization does not have.
    pub const UNSUPPORTED_FRAME: Self = Self { code: 1003, reason: "wrong kind of frame" };
    /// The peer sent a text that is not UTF-8.
    pub const NOT_UTF8: Self = Self { code: 1007, reason: "text is not UTF-8" };
    /// The peer reads too slowly.
    pub const TOO_SLOW: Self = Self { code: 1008, reason: "reading too slowly" };
    /// The peer has shown no sign of life for too long.
    pub const SILENT: Self = Self { code: 1008, reason: "no sign of life" };
    /// The peer sent a message that is too long.
    pub const TOO_LONG: Self = Self { code: 1009, reason: "message too long" };
}

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// A message or frame is longer than allowed.
    #[error("message is longer than the limit allows")]
    TooLong,
    /// A text is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A frame is of a kind that the serialization does not have.
    #[error("frame is of the wrong kind for `{0}`")]
    WrongFrame(&'static str),
    /// The peer broke the rules of the transport itself.
    #[error("peer broke the rules of the transport: {0}")]
    Broken(String),
    /// The connection is gone.
    #[error("the connection is gone")]
    Gone(#[source] std::io::Error),
}

impl TransportError {
    /// Returns the last words to the peer, or nothing if there is nobody left to hear them.
    #[must_use]
    pub fn close(&self) -> Option<Close> {
        match self {
            Self::TooLong => Some(Close::TOO_LONG),
            Self::NotUtf8 => Some(Close::NOT_UTF8),
            Self::WrongFrame(_) => Some(Close::UNSUPPORTED_FRAME),
            Self::Broken(_) => Some(Close { code: 1002, reason: "broken frame" }),
            Self::Gone(_) => None,
        }
    }
}
