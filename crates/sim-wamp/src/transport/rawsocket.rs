//! Raw sockets: messages behind their length, on any stream.

mod frame;
mod handshake;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};

pub(crate) use frame::{Frame, parse};
use frame::{Kind, put};
pub use handshake::{HandshakeError, Refusal, accept_raw, open_raw, refuse_raw};

use super::stream::poll_drained;
use super::{Close, Reader, Received, Transport, TransportError, Writer};
use crate::Serializer;

/// How much is read at once, at least a quarter of it.
const CHUNK: usize = 4096;
/// How much is buffered before it is sent without being asked to.
const EAGER: usize = 64 << 10;
/// What a buffer may keep of its memory while nothing is in it.
const KEPT: usize = 4096;

/// A raw socket of WAMP: a handshake of four bytes, then messages behind their length.
///
/// Messages are whatever bytes the peer sent; that texts are UTF-8 is left to whoever reads them.
pub struct RawSocket<S> {
    stream: S,
    serializer: Serializer,
    limits: Lengths,
    channel_id: Option<[u8; 32]>,
}

/// The longest messages of both directions, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths {
    receive: usize,
    send: usize,
}

/// The half of a [`RawSocket`] that receives.
pub struct RawReader<S> {
    stream: ReadHalf<S>,
    buffer: BytesMut,
    limit: usize,
    failed: bool,
}

/// The half of a [`RawSocket`] that sends.
pub struct RawWriter<S> {
    stream: WriteHalf<S>,
    buffer: BytesMut,
    limit: usize,
}

impl<S> RawSocket<S> {
    /// Says what identifies the TLS connection below.
    #[must_use]
    pub fn with_channel_id(self, channel_id: Option<[u8; 32]>) -> Self {
        Self { channel_id, ..self }
    }
}

impl<S> fmt::Debug for RawSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSocket")
            .field("serializer", &self.serializer)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for RawReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReader").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for RawWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawWriter").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for RawSocket<S> {
    type Reader = RawReader<S>;
    type Writer = RawWriter<S>;

    fn serializer(&self) -> Serializer {
        self.serializer
    }

    fn channel_id(&self) -> Option<[u8; 32]> {
        self.channel_id
    }

    /// Many raw sockets take a ping for a message that is too long, and hang up.
    fn answers_pings(&self) -> bool {
        false
    }

    fn split(self) -> (RawReader<S>, RawWriter<S>) {
        let Lengths { receive, send } = self.limits;
        let (reader, writer) = split(self.stream);
        let buffer = BytesMut::new();
        (
            RawReader { stream: reader, buffer, limit: receive, failed: false },
            RawWriter { stream: writer, buffer: BytesMut::new(), limit: send },
        )
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Reader for RawReader<S> {
    async fn receive(&mut self) -> Result<Received, TransportError> {
        if self.failed {
            return poll_fn(|cx| poll_drained(&mut self.stream, cx)).await;
        }
        let received = self.next().await;
        self.failed = received.is_err();
        received
    }
}

impl<S: AsyncRead> RawReader<S> {
    async fn next(&mut self) -> Result<Received, TransportError> {
        loop {
            if let Some(frame) = parse(&mut self.buffer, self.limit)? {
                return Ok(self.received(frame));
            }
            // The length that the peer has declared does not count before its bytes are here.
            if self.buffer.capacity() - self.buffer.len() < CHUNK / 4 {
                self.buffer.reserve(CHUNK);
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(TransportError::Gone)? == 0 {
                return if self.buffer.is_empty() {
                    Ok(Received::Closed)
                } else {
                    Err(TransportError::Gone(io::ErrorKind::UnexpectedEof.into()))
                };
            }
        }
    }

    fn received(&mut self, frame: Frame) -> Received {
        if frame.payload.len() > KEPT {
            // The memory of a long message goes with it.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        match frame.kind {
            Kind::Message => Received::Message(frame.payload),
            Kind::Ping => Received::Ping(frame.payload),
            Kind::Pong => Received::Alive,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Writer for RawWriter<S> {
    async fn feed(&mut self, message: Bytes) -> Result<(), TransportError> {
        self.put(Kind::Message, &message).await
    }

    async fn pong(&mut self, ping: Bytes) -> Result<(), TransportError> {
        self.put(Kind::Pong, &ping).await
    }

    async fn ping(&mut self) -> Result<(), TransportError> {
        self.put(Kind::Ping, &[]).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.send().await?;
        self.stream.flush().await.map_err(TransportError::Gone)
    }

    async fn close(&mut self, _: Close) -> Result<(), TransportError> {
        self.send().await?;
        self.stream.shutdown().await.map_err(TransportError::Gone)
    }
}

impl<S: AsyncWrite> RawWriter<S> {
    async fn put(&mut self, kind: Kind, payload: &[u8]) -> Result<(), TransportError> {
        if payload.len() > self.limit {
            return Err(TransportError::TooLong);
        }
        put(&mut self.buffer, kind, payload);
        if self.buffer.len() > EAGER { self.send().await } else { Ok(()) }
    }

    /// Sends what is in the buffer.
    async fn send(&mut self) -> Result<(), TransportError> {
        let long = self.buffer.len() > KEPT;
        self.stream.write_all_buf(&mut self.buffer).await.map_err(TransportError::Gone)?;
        if long {
            self.buffer = BytesMut::new();
        }
        Ok(())
    }
}
