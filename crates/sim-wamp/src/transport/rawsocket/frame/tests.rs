//! Frames as values: any chopping, any bytes, each rule.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let kind = prop_oneof![Just(Kind::Message), Just(Kind::Ping), Just(Kind::Pong)];
    let frame = (kind, vec(any::<u8>(), 0..600))
        .prop_map(|(kind, payload)| Frame { kind, payload: payload.into() });
    vec(frame, 0..8)
}

fn header(bytes: [u8; 4], limit: usize) -> Result<Option<Frame>, String> {
    parse(&mut BytesMut::from(&bytes[..]), limit).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn any_sequence_survives_any_chopping(
        sent in frames(),
        cuts in vec(1_usize..700, 1..50),
    ) {
        let mut wire = BytesMut::new();
        for frame in &sent {
            put(&mut wire, frame.kind, &frame.payload);
        }
        let (mut buffer, mut received) = (BytesMut::new(), Vec::new());
        for cut in cuts.iter().cycle() {
            buffer.extend_from_slice(&wire.split_to(wire.len().min(*cut)));
            while let Some(frame) = parse(&mut buffer, 600).unwrap() {
                received.push(frame);
            }
            if wire.is_empty() {
                break;
            }
        }
        prop_assert_eq!(received, sent);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn any_bytes_are_a_frame_or_wait_or_are_refused(
        bytes in vec(any::<u8>(), 0..64),
        limit in 0_usize..64,
    ) {
        let mut buffer = BytesMut::from(&bytes[..]);
        match parse(&mut buffer, limit) {
            Ok(Some(frame)) => {
                prop_assert!(frame.payload.len() <= limit);
                let mut again = BytesMut::new();
                put(&mut again, frame.kind, &frame.payload);
                again.extend_from_slice(&buffer);
                prop_assert_eq!(&again[..], &bytes[..]);
            }
            Ok(None) | Err(_) => prop_assert_eq!(&buffer[..], &bytes[..]),
        }
    }
}

#[test]
fn length_counts_up_to_the_limit() {
    assert_eq!(header([0, 0, 2, 0], 512), Ok(None));
    assert_eq!(header([0, 0, 2, 1], 512), Err(TransportError::TooLong.to_string()));
    assert_eq!(header([1, 0, 2, 1], 512), Err(TransportError::TooLong.to_string()));
    assert_eq!(header([0, 0xFF, 0xFF, 0xFF], 512), Err(TransportError::TooLong.to_string()));
    assert_eq!(header([8, 0, 0, 0], LONGEST - 1), Err(TransportError::TooLong.to_string()));
    assert_eq!(header([8, 0, 0, 0], LONGEST), Ok(None));
    let empty = Frame { kind: Kind::Message, payload: Bytes::new() };
    assert_eq!(header([0; 4], 0), Ok(Some(empty)));
}

#[test]
fn reserved_types_and_bits_are_refused() {
    let refused = |bytes, what: &str| {
        let error = format!("peer broke the rules of the transport: {what}");
        assert_eq!(header(bytes, 512), Err(error));
    };
    for kind in 3..8 {
        refused([kind, 0, 0, 1], &format!("frame of the reserved type `{kind}`"));
    }
    for bits in [0x10, 0x20, 0x40, 0x80, 0xF0] {
        refused([bits, 0, 0, 1], &format!("frame header `{bits:#04x}` has reserved bits set"));
    }
    refused([8, 0, 0, 1], "frame has more than 2^24 bytes");
}

#[test]
fn longest_frame_takes_the_extra_bit() {
    for (length, head) in [(LONGEST - 1, [1, 0xFF, 0xFF, 0xFF]), (LONGEST, [9, 0, 0, 0])] {
        let payload = vec![7; length];
        let mut buffer = BytesMut::new();
        put(&mut buffer, Kind::Ping, &payload);
        assert_eq!(buffer[..HEADER], head);
        let frame = parse(&mut buffer, LONGEST).unwrap().unwrap();
        assert_eq!((frame.kind, frame.payload.len()), (Kind::Ping, length));
        assert!(buffer.is_empty());
    }
}
