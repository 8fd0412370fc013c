//! WebSocket frames, as much of them as a client needs that only sends and receives whole texts.

use std::ops::Range;

use anyhow::{Result, bail};

/// A part of a message that is not its first.
const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// The bit of a frame that is the last, or the only one, of its message.
const FINAL: u8 = 0x80;
/// The bit of a frame whose payload is masked, as those of clients are.
const MASKED: u8 = 0x80;

/// A frame that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    /// Where its payload lies in the input; the next frame begins at its end.
    pub(super) payload: Range<usize>,
}

/// Appends a frame of a client.
///
/// The mask is zero: the router has the same work with it as with another, the generator none.
pub(super) fn push(output: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    output.push(FINAL | opcode);
    let length = payload.len();
    if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 126) {
        output.push(MASKED | short);
    } else if let Ok(medium) = u16::try_from(length) {
        output.push(MASKED | 126);
        output.extend_from_slice(&medium.to_be_bytes());
    } else {
        output.push(MASKED | 127);
        output.extend_from_slice(&(length as u64).to_be_bytes());
    }
    output.extend_from_slice(&[0; 4]);
    output.extend_from_slice(payload);
}

/// A frame as it lies in the input.
struct Part {
    is_last: bool,
    frame: Frame,
}

/// Finds the server's message that begins at `start`; nothing when it has not come whole yet. The
/// parts of one that was sent in several frames are moved together.
pub(super) fn find(input: &mut Vec<u8>, start: usize) -> Result<Option<Frame>> {
    let Some(Part { mut is_last, frame }) = part(input, start)? else { return Ok(None) };
    let Frame { opcode, payload: Range { start: begin, mut end } } = frame;
    let mut heads = Vec::new();
    while !is_last {
        let Some(next) = part(input, end)? else { return Ok(None) };
        if next.frame.opcode != CONTINUATION {
            bail!("the service sent something else between the parts of a message");
        }
        heads.push(end..next.frame.payload.start);
        (is_last, end) = (next.is_last, next.frame.payload.end);
    }
    for head in heads.into_iter().rev() {
        end -= head.len();
        input.drain(head);
    }
    Ok(Some(Frame { opcode, payload: begin..end }))
}

fn part(input: &[u8], start: usize) -> Result<Option<Part>> {
    let rest = &input[start..];
    let &[first, second, ..] = rest else { return Ok(None) };
    if second & MASKED != 0 {
        bail!("the service sent a frame that is masked");
    }
    let (head, length) = match (second, rest) {
        (126, &[_, _, a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
        (127, &[_, _, a, b, c, d, e, f, g, h, ..]) => {
            (10, u64::from_be_bytes([a, b, c, d, e, f, g, h]))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, u64::from(short)),
    };
    if ((rest.len() - head) as u64) < length {
        return Ok(None);
    }
    let begin = start + head;
    let frame = Frame { opcode: first & !FINAL, payload: begin..begin + length as usize };
    Ok(Some(Part { is_last: first & FINAL != 0, frame }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server sends: the same without the mask.
    fn served(payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        push(&mut frame, TEXT, payload);
        frame[1] &= !MASKED;
        let mask = frame.len() - payload.len() - 4;
        frame.drain(mask..mask + 4);
        frame
    }

    #[test]
    fn a_frame_of_any_length_is_found_once_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut input = b"before".to_vec();
            input.extend(served(&payload));
            let whole = input.len();
            assert_eq!(find(&mut input[..whole - 1].to_vec(), 6).unwrap(), None, "{length}");
            input.extend_from_slice(b"after");
            let frame = find(&mut input, 6).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload), (TEXT, whole - length..whole));
        }
    }

    #[test]
    fn the_parts_of_a_message_are_moved_together() {
        let mut input = vec![TEXT, 2, b'a', b'b', CONTINUATION, 1, b'c'];
        assert_eq!(find(&mut input, 0).unwrap(), None);
        input.extend([FINAL | CONTINUATION, 2, b'd', b'e', b'x']);
        let frame = find(&mut input, 0).unwrap().unwrap();
        assert_eq!((frame.opcode, &input[frame.payload.clone()]), (TEXT, &b"abcde"[..]));
        assert_eq!(&input[frame.payload.end..], b"x");
    }

    #[test]
    fn a_frame_that_no_server_should_send_is_refused() {
        let mut masked = Vec::new();
        push(&mut masked, TEXT, b"x");
        assert!(find(&mut masked, 0).is_err());
        let text_in_text = [TEXT, 1, b'x', FINAL | TEXT, 1, b'y'];
        assert!(find(&mut text_in_text.to_vec(), 0).is_err());
    }
}
