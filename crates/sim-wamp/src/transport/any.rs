//! A WebSocket or a raw socket, as one type.

use bytes::Bytes;

use super::{
    BoxedStream, Close, RawReader, RawSocket, RawWriter, Reader, Received, Transport,
    TransportError, WebSocket, WebSocketReader, WebSocketWriter, Writer,
};
use crate::Serializer;

/// What [`connect`](super::connect) opens: the transport that the URL names.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is taken apart as soon as it is open")]
pub enum AnyTransport {
    /// A WebSocket.
    WebSocket(WebSocket<BoxedStream>),
    /// A raw socket.
    RawSocket(RawSocket<BoxedStream>),
}

/// The half of an [`AnyTransport`] that receives.
#[derive(Debug)]
pub enum AnyReader {
    /// That of a WebSocket.
    WebSocket(WebSocketReader<BoxedStream>),
    /// That of a raw socket.
    RawSocket(RawReader<BoxedStream>),
}

/// The half of an [`AnyTransport`] that sends.
#[derive(Debug)]
pub enum AnyWriter {
    /// That of a WebSocket.
    WebSocket(WebSocketWriter<BoxedStream>),
    /// That of a raw socket.
    RawSocket(RawWriter<BoxedStream>),
}

impl Transport for AnyTransport {
    type Reader = AnyReader;
    type Writer = AnyWriter;

    fn serializer(&self) -> Serializer {
        match self {
            Self::WebSocket(transport) => transport.serializer(),
            Self::RawSocket(transport) => transport.serializer(),
        }
    }

    fn channel_id(&self) -> Option<[u8; 32]> {
        match self {
            Self::WebSocket(transport) => transport.channel_id(),
            Self::RawSocket(transport) => transport.channel_id(),
        }
    }

    fn answers_pings(&self) -> bool {
        match self {
            Self::WebSocket(transport) => transport.answers_pings(),
            Self::RawSocket(transport) => transport.answers_pings(),
        }
    }

    fn split(self) -> (AnyReader, AnyWriter) {
        match self {
            Self::WebSocket(transport) => {
                let (reader, writer) = transport.split();
                (AnyReader::WebSocket(reader), AnyWriter::WebSocket(writer))
            }
            Self::RawSocket(transport) => {
                let (reader, writer) = transport.split();
                (AnyReader::RawSocket(reader), AnyWriter::RawSocket(writer))
            }
        }
    }
}

impl Reader for AnyReader {
    async fn receive(&mut self) -> Result<Received, TransportError> {
        match self {
            Self::WebSocket(reader) => reader.receive().await,
            Self::RawSocket(reader) => reader.receive().await,
        }
    }
}

impl Writer for AnyWriter {
    async fn feed(&mut self, message: Bytes) -> Result<(), TransportError> {
        match self {
            Self::WebSocket(writer) => writer.feed(message).await,
            Self::RawSocket(writer) => writer.feed(message).await,
        }
    }

    async fn pong(&mut self, ping: Bytes) -> Result<(), TransportError> {
        match self {
            Self::WebSocket(writer) => writer.pong(ping).await,
            Self::RawSocket(writer) => writer.pong(ping).await,
        }
    }

    async fn ping(&mut self) -> Result<(), TransportError> {
        match self {
            Self::WebSocket(writer) => writer.ping().await,
            Self::RawSocket(writer) => writer.ping().await,
        }
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        match self {
            Self::WebSocket(writer) => writer.flush().await,
            Self::RawSocket(writer) => writer.flush().await,
        }
    }

    async fn close(&mut self, close: Close) -> Result<(), TransportError> {
        match self {
            Self::WebSocket(writer) => writer.close(close).await,
            Self::RawSocket(writer) => writer.close(close).await,
        }
    }
}
