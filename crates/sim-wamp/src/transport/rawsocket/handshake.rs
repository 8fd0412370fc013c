//! The handshake of raw sockets: four bytes from the client, four from the router.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frame::LONGEST;
use super::{Lengths, RawSocket};
use crate::Serializer;
use crate::transport::FrameLimits;

/// The first byte, with which no HTTP request begins.
const MAGIC: u8 = 0x7F;
/// The lowest limit that can be told.
const SHORTEST: usize = 1 << 9;

/// Why a router refuses a raw socket, as it tells the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Refusal {
    /// It does not know the serialization.
    #[error("the serialization is not supported")]
    Serializer = 1,
    /// It does not want to send messages that short.
    #[error("the maximum length of messages is not acceptable")]
    Length = 2,
    /// The client used bits that have no meaning yet.
    #[error("reserved bits are in use")]
    Reserved = 3,
    /// It has too many connections.
    #[error("there are too many connections")]
    Connections = 4,
}

/// Why a raw socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer does not speak this protocol.
    #[error("the peer opens no raw socket: it begins with `{0:#04x}`, not with `0x7f`")]
    Foreign(u8),
    /// The router refused the client.
    #[error("the router refused the raw socket: {0}")]
    Refused(Refusal),
    /// The router's answer has no meaning.
    #[error("the router's answer `{0:02x?}` to the handshake has no meaning")]
    Answer([u8; 4]),
    /// The connection is gone.
    #[error("the connection was lost during the handshake")]
    Gone(#[source] io::Error),
}

/// Takes a client's raw socket, with the serialization that it wants.
///
/// There is no limit of time: set one around it.
///
/// # Errors
/// When the client breaks the handshake, wants a serialization that is not known, or is gone. It
/// is told where it can be.
pub async fn accept_raw<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    limits: FrameLimits,
) -> Result<RawSocket<S>, HandshakeError> {
    let [magic, wish, reserved @ ..] = read(&mut stream).await?;
    if magic != MAGIC {
        return Err(HandshakeError::Foreign(magic));
    }
    let refusal = match Serializer::from_raw_socket_number(wish & 0x0F) {
        Some(_) if reserved != [0, 0] => Refusal::Reserved,
        Some(serializer) => {
            write(&mut stream, offer(limits, serializer)).await?;
            return Ok(RawSocket::new(stream, serializer, limits, wish));
        }
        None => Refusal::Serializer,
    };
    refuse_raw(&mut stream, refusal).await?;
    Err(HandshakeError::Refused(refusal))
}

/// Refuses a client, for a reason that [`accept_raw`] does not know of.
///
/// # Errors
/// When the client is gone.
pub async fn refuse_raw<S: AsyncWrite + Unpin>(
    stream: &mut S,
    refusal: Refusal,
) -> Result<(), HandshakeError> {
    write(stream, (refusal as u8) << 4).await?;
    stream.shutdown().await.map_err(HandshakeError::Gone)
}

/// Opens a raw socket as a client.
///
/// There is no limit of time: set one around it.
///
/// # Errors
/// When the router refuses it, breaks the handshake, or is gone.
pub async fn open_raw<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    serializer: Serializer,
    limits: FrameLimits,
) -> Result<RawSocket<S>, HandshakeError> {
    write(&mut stream, offer(limits, serializer)).await?;
    let answer = read(&mut stream).await?;
    let [magic, offer, reserved @ ..] = answer;
    if magic != MAGIC {
        return Err(HandshakeError::Foreign(magic));
    }
    if reserved != [0, 0] {
        return Err(HandshakeError::Answer(answer));
    }
    if offer & 0x0F == serializer.raw_socket_number() {
        return Ok(RawSocket::new(stream, serializer, limits, offer));
    }
    Err(match offer {
        0x10 => HandshakeError::Refused(Refusal::Serializer),
        0x20 => HandshakeError::Refused(Refusal::Length),
        0x30 => HandshakeError::Refused(Refusal::Reserved),
        0x40 => HandshakeError::Refused(Refusal::Connections),
        _ => HandshakeError::Answer(answer),
    })
}

impl<S> RawSocket<S> {
    /// Makes a raw socket after the handshake, in which the peer has sent this second byte.
    fn new(stream: S, serializer: Serializer, limits: FrameLimits, peer: u8) -> Self {
        let told = SHORTEST << exponent(limits);
        let limits =
            Lengths { receive: limits.message_bytes.min(told), send: SHORTEST << (peer >> 4) };
        Self { stream, serializer, limits, channel_id: None }
    }
}

/// Returns the second byte of our side.
fn offer(limits: FrameLimits, serializer: Serializer) -> u8 {
    exponent(limits) << 4 | serializer.raw_socket_number()
}

/// Returns the four bits that tell the peer how long its messages may be, in powers of two.
fn exponent(limits: FrameLimits) -> u8 {
    let told = limits.message_bytes.clamp(SHORTEST, LONGEST).ilog2() - SHORTEST.ilog2();
    u8::try_from(told).expect("at most 15")
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; 4], HandshakeError> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await.map_err(HandshakeError::Gone)?;
    Ok(bytes)
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, second: u8) -> Result<(), HandshakeError> {
    stream.write_all(&[MAGIC, second, 0, 0]).await.map_err(HandshakeError::Gone)?;
    stream.flush().await.map_err(HandshakeError::Gone)
}
