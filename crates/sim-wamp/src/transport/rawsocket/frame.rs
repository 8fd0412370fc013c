//! The frames of raw sockets: `RRRR XTTT`, 24 bits of length, payload.

#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::transport::TransportError;

/// What stands in front of a payload, in bytes.
pub(super) const HEADER: usize = 4;
/// The longest payload that a frame can have; its length is the only one that takes the bit `X`.
pub(super) const LONGEST: usize = 1 << 24;

/// What was between two headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) payload: Bytes,
}

/// What a frame is for; the discriminants are the bits `TTT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A message of WAMP.
    Message = 0,
    /// A question for a sign of life.
    Ping = 1,
    /// The answer, with the same payload.
    Pong = 2,
}

/// Takes the next frame off the front of the buffer, or nothing while it is not whole.
///
/// # Errors
/// When the header is not that of a frame, or the payload will be longer than `limit`.
pub(crate) fn parse(buffer: &mut BytesMut, limit: usize) -> Result<Option<Frame>, TransportError> {
    let Some(&[first, length @ ..]) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
    let kind = match first & 0b111 {
        0 => Kind::Message,
        1 => Kind::Ping,
        2 => Kind::Pong,
        kind => return Err(broken(format!("frame of the reserved type `{kind}`"))),
    };
    if first & 0xF0 != 0 {
        return Err(broken(format!("frame header `{first:#04x}` has reserved bits set")));
    }
    let [high, middle, low] = length.map(usize::from);
    let mut length = high << 16 | middle << 8 | low;
    if first & 0b1000 != 0 {
        if length != 0 {
            return Err(broken("frame has more than 2^24 bytes".to_owned()));
        }
        length = LONGEST;
    }
    if length > limit {
        return Err(TransportError::TooLong);
    }
    if buffer.len() - HEADER < length {
        return Ok(None);
    }
    buffer.advance(HEADER);
    Ok(Some(Frame { kind, payload: buffer.split_to(length).freeze() }))
}

/// Appends a frame; its payload is no longer than [`LONGEST`].
pub(super) fn put(buffer: &mut BytesMut, kind: Kind, payload: &[u8]) {
    let length = match payload.len() {
        LONGEST => 1 << 27,
        length => u32::try_from(length).expect("at most 2^24"),
    };
    buffer.reserve(HEADER + payload.len());
    buffer.put_u32((kind as u32) << 24 | length);
    buffer.put_slice(payload);
}

fn broken(what: String) -> TransportError {
    TransportError::Broken(what)
}
