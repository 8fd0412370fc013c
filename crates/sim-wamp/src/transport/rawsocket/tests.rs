//! Raw sockets between two ends: handshakes, limits, the end.

use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::super::testing::{LIMITS, Noted, message, now, say, soon};
use super::*;
use crate::transport::FrameLimits;

fn limits(message_bytes: usize) -> FrameLimits {
    FrameLimits { message_bytes }
}

/// Two ends that have shaken hands.
async fn pair(client: usize, router: usize) -> (RawSocket<DuplexStream>, RawSocket<DuplexStream>) {
    let (one, other) = duplex(1 << 20);
    let (client, router) = tokio::join!(
        open_raw(one, Serializer::MsgPack, limits(client)),
        accept_raw(other, limits(router))
    );
    (client.unwrap(), router.unwrap())
}

/// A router's end, and the bare stream of its client.
async fn bare() -> (RawSocket<DuplexStream>, DuplexStream) {
    let (mut peer, stream) = duplex(1 << 16);
    peer.write_all(&[0x7F, 0xF1, 0, 0]).await.unwrap();
    let socket = soon(accept_raw(stream, LIMITS)).await.unwrap();
    let mut answer = [0; 4];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [0x7F, 0x71, 0, 0]);
    (socket, peer)
}

#[tokio::test]
async fn router_answers_each_handshake() {
    let refused = |refusal| format!("the router refused the raw socket: {refusal}");
    for (asked, answered, result) in [
        ([0x7F, 0xF1, 0, 0], vec![0x7F, 0x71, 0, 0], Ok(Serializer::Json)),
        ([0x7F, 0x02, 0, 0], vec![0x7F, 0x72, 0, 0], Ok(Serializer::MsgPack)),
        ([0x7F, 0x53, 0, 0], vec![0x7F, 0x73, 0, 0], Ok(Serializer::Cbor)),
        ([0x7F, 0xF0, 0, 0], vec![0x7F, 0x10, 0, 0], Err(refused(Refusal::Serializer))),
        ([0x7F, 0xF4, 0, 0], vec![0x7F, 0x10, 0, 0], Err(refused(Refusal::Serializer))),
        ([0x7F, 0xFF, 1, 0], vec![0x7F, 0x10, 0, 0], Err(refused(Refusal::Serializer))),
        ([0x7F, 0xF1, 1, 0], vec![0x7F, 0x30, 0, 0], Err(refused(Refusal::Reserved))),
        ([0x7F, 0xF1, 0, 1], vec![0x7F, 0x30, 0, 0], Err(refused(Refusal::Reserved))),
        (
            *b"GET ",
            vec![],
            Err("the peer opens no raw socket: it begins with `0x47`, not with `0x7f`".to_owned()),
        ),
    ] {
        let (mut peer, stream) = duplex(64);
        peer.write_all(&asked).await.unwrap();
        let accepted = soon(accept_raw(stream, LIMITS)).await;
        let accepted = accepted.map(|socket| socket.serializer());
        assert_eq!(accepted.map_err(|error| error.to_string()), result, "{asked:?}");
        let mut answer = Vec::new();
        soon(peer.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, answered, "{asked:?}");
    }
}

#[tokio::test]
async fn client_understands_each_answer() {
    let refused = |refusal| Err(format!("the router refused the raw socket: {refusal}"));
    let meaningless = |answer: &str| {
        Err(format!("the router's answer `[{answer}]` to the handshake has no meaning"))
    };
    for (answer, result) in [
        ([0x7F, 0x03, 0, 0], Ok(512)),
        ([0x7F, 0xF3, 0, 0], Ok(1 << 24)),
        ([0x7F, 0x10, 0, 0], refused(Refusal::Serializer)),
        ([0x7F, 0x20, 0, 0], refused(Refusal::Length)),
        ([0x7F, 0x30, 0, 0], refused(Refusal::Reserved)),
        ([0x7F, 0x40, 0, 0], refused(Refusal::Connections)),
        ([0x7F, 0x00, 0, 0], meaningless("7f, 00, 00, 00")),
        ([0x7F, 0x50, 0, 0], meaningless("7f, 50, 00, 00")),
        ([0x7F, 0xF1, 0, 0], meaningless("7f, f1, 00, 00")),
        ([0x7F, 0xF3, 0, 1], meaningless("7f, f3, 00, 01")),
        (
            *b"HTTP",
            Err("the peer opens no raw socket: it begins with `0x48`, not with `0x7f`".to_owned()),
        ),
    ] {
        let (mut peer, stream) = duplex(64);
        peer.write_all(&answer).await.unwrap();
        let opened = soon(open_raw(stream, Serializer::Cbor, LIMITS)).await;
        let opened = opened.map(|socket| socket.limits.send).map_err(|error| error.to_string());
        assert_eq!(opened, result, "{answer:?}");
        let mut asked = [0; 4];
        peer.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked, [0x7F, 0x73, 0, 0]);
    }
}

#[tokio::test]
async fn handshake_ends_with_the_connection() {
    let (peer, stream) = duplex(64);
    drop(peer);
    assert!(matches!(soon(accept_raw(stream, LIMITS)).await, Err(HandshakeError::Gone(_))));
    let (mut peer, stream) = duplex(64);
    peer.write_all(&[0x7F, 0xF1]).await.unwrap();
    drop(peer);
    assert!(matches!(soon(accept_raw(stream, LIMITS)).await, Err(HandshakeError::Gone(_))));
    let (mut peer, mut stream) = duplex(64);
    refuse_raw(&mut stream, Refusal::Connections).await.unwrap();
    let mut answer = Vec::new();
    soon(peer.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, [0x7F, 0x40, 0, 0]);
}

#[tokio::test]
async fn limits_are_told_in_powers_of_two() {
    for (wanted, told, kept) in [
        (100, 512, 100),
        (512, 512, 512),
        (1023, 512, 512),
        (1 << 20, 1 << 20, 1 << 20),
        ((1 << 20) + 1, 1 << 20, 1 << 20),
        (usize::MAX, 1 << 24, 1 << 24),
    ] {
        let (client, router) = pair(wanted, 512).await;
        assert_eq!(client.limits, Lengths { receive: kept, send: 512 });
        assert_eq!(router.limits, Lengths { receive: 512, send: told });
    }
}

#[tokio::test]
async fn message_of_the_longest_length_passes_and_a_longer_one_is_not_sent() {
    let (client, router) = pair(512, 1024).await;
    let ((mut reader, _writer), (_reader, mut writer)) = (client.split(), router.split());
    for longer in [vec![1; 513], vec![1; 100_000]] {
        assert!(matches!(writer.feed(longer.clone().into()).await, Err(TransportError::TooLong)));
        assert!(matches!(writer.pong(longer.into()).await, Err(TransportError::TooLong)));
    }
    say(&mut writer, vec![2; 512]).await;
    assert_eq!(message(&mut reader).await, vec![2; 512]);
    say(&mut writer, "").await;
    assert_eq!(message(&mut reader).await, "");
}

#[tokio::test]
async fn message_that_is_too_long_is_refused_and_the_rest_is_thrown_away() {
    let (socket, mut peer) = bare().await;
    let (mut reader, mut writer) = socket.split();
    let sending = async {
        peer.write_all(&[0, 1, 0, 1]).await.unwrap();
        peer.write_all(&vec![0; 65_537]).await.unwrap();
        peer.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).await.unwrap();
        drop(peer);
        heard
    };
    let receiving = async {
        assert!(matches!(reader.receive().await, Err(TransportError::TooLong)));
        writer.feed("bye".into()).await.unwrap();
        writer.close(Close::TOO_LONG).await.unwrap();
        assert_eq!(reader.receive().await.unwrap(), Received::Closed);
    };
    let (heard, ()) = soon(async { tokio::join!(sending, receiving) }).await;
    assert_eq!(heard, b"\0\0\0\x03bye");
}

#[tokio::test]
async fn declared_length_takes_no_memory_before_its_bytes_are_here() {
    let (mut client, router) = duplex(1 << 20);
    client.write_all(&[0x7F, 0xF1, 0, 0, 8, 0, 0, 0, 1, 2, 3]).await.unwrap();
    let router = accept_raw(router, limits(1 << 24)).await.unwrap();
    let (mut reader, _writer) = router.split();
    assert!(now(reader.receive()).await.is_none());
    assert!(reader.buffer.len() == 7 && reader.buffer.capacity() <= 2 * CHUNK);
    client.write_all(&vec![0; 100_000]).await.unwrap();
    assert!(now(reader.receive()).await.is_none());
    assert!(reader.buffer.len() == 100_007 && reader.buffer.capacity() <= 3 * 100_007);
}

#[tokio::test]
async fn long_messages_take_their_memory_with_them() {
    let (client, router) = pair(1 << 20, 1 << 20).await;
    let ((mut reader, _writer), (_reader, mut writer)) = (client.split(), router.split());
    for _ in 0..3 {
        say(&mut writer, vec![7; 200_000]).await;
        assert_eq!(message(&mut reader).await.len(), 200_000);
    }
    assert!(reader.buffer.capacity() <= CHUNK && writer.buffer.capacity() <= KEPT);
}

#[tokio::test]
async fn messages_that_are_fed_together_are_written_together() {
    let (peer, stream) = duplex(1 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let stream = Noted { stream, writes: Arc::clone(&writes) };
    let (client, router) = tokio::join!(
        open_raw(stream, Serializer::Json, limits(1 << 24)),
        accept_raw(peer, limits(1 << 24))
    );
    let (mut reader, _writer) = router.unwrap().split();
    let (_reader, mut writer) = client.unwrap().split();
    writes.lock().unwrap().clear();
    for _ in 0..100 {
        writer.feed(vec![b'x'; 96].into()).await.unwrap();
    }
    writer.ping().await.unwrap();
    assert!(writes.lock().unwrap().is_empty());
    writer.flush().await.unwrap();
    assert_eq!(*writes.lock().unwrap(), [100 * 100 + 4]);
    writer.feed(vec![b'y'; EAGER].into()).await.unwrap();
    assert_eq!(*writes.lock().unwrap(), [100 * 100 + 4, EAGER + 4]);
    for _ in 0..100 {
        assert_eq!(message(&mut reader).await.len(), 96);
    }
    assert_eq!(reader.receive().await.unwrap(), Received::Ping(Bytes::new()));
    assert_eq!(message(&mut reader).await.len(), EAGER);
}

#[tokio::test]
async fn pings_are_asked_and_answered_with_their_payload() {
    let (socket, mut peer) = bare().await;
    let (mut reader, mut writer) = socket.split();
    peer.write_all(b"\x01\0\0\x02hi\x02\0\0\x01x").await.unwrap();
    let Received::Ping(ping) = soon(reader.receive()).await.unwrap() else { panic!("no ping") };
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Alive);
    writer.pong(ping).await.unwrap();
    writer.ping().await.unwrap();
    writer.flush().await.unwrap();
    let mut heard = [0; 10];
    soon(peer.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"\x02\0\0\x02hi\x01\0\0\0");
}

#[tokio::test]
async fn end_is_orderly_only_between_messages() {
    for (bytes, orderly) in [
        (&b""[..], true),
        (b"\0\0\0\x01x", true),
        (b"\0", false),
        (b"\0\0\0\x01", false),
        (b"\0\0\0\x02x", false),
    ] {
        let (socket, mut peer) = bare().await;
        let (mut reader, _writer) = socket.split();
        peer.write_all(bytes).await.unwrap();
        drop(peer);
        let mut end = soon(reader.receive()).await;
        if let Ok(Received::Message(_)) = end {
            end = soon(reader.receive()).await;
        }
        match end {
            Ok(end) => assert!(orderly && end == Received::Closed, "{bytes:?}"),
            Err(TransportError::Gone(_)) => assert!(!orderly, "{bytes:?}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn closing_ends_one_direction() {
    let (client, router) = pair(512, 512).await;
    let ((mut hears, mut says), (mut reader, mut writer)) = (client.split(), router.split());
    writer.feed("last".into()).await.unwrap();
    writer.close(Close::NORMAL).await.unwrap();
    assert_eq!(message(&mut hears).await, "last");
    assert_eq!(soon(hears.receive()).await.unwrap(), Received::Closed);
    say(&mut says, "too").await;
    says.close(Close::NORMAL).await.unwrap();
    assert_eq!(message(&mut reader).await, "too");
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
}

#[tokio::test]
async fn last_words_reach_a_peer_that_is_still_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    peer.write_all(&[0x7F, 0x01, 0, 0]).await.unwrap();
    let (mut reader, mut writer) = soon(accept_raw(stream, limits(512))).await.unwrap().split();
    let serving = async {
        assert!(matches!(reader.receive().await, Err(TransportError::TooLong)));
        writer.feed("bye".into()).await.unwrap();
        writer.close(Close::TOO_LONG).await.unwrap();
        assert_eq!(reader.receive().await.unwrap(), Received::Closed);
    };
    let sending = async {
        peer.write_all(&[0, 0xFF, 0xFF, 0xFF]).await.unwrap();
        for _ in 0..1000 {
            peer.write_all(&[0; 10_000]).await.unwrap();
        }
        peer.shutdown().await.unwrap();
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let ((), heard) = soon(async { tokio::join!(serving, sending) }).await;
    assert_eq!(heard, b"\x7F\x01\0\0\0\0\0\x03bye");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_when_receiving_is_given_up_at_any_time(
        sent in vec(vec(any::<u8>(), 0..3000), 1..10),
        cuts in vec(1_usize..2000, 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(async {
            let (socket, mut peer) = bare().await;
            let (mut reader, _writer) = socket.split();
            let mut wire = BytesMut::new();
            for message in &sent {
                put(&mut wire, Kind::Message, message);
            }
            let mut received = Vec::new();
            let mut keep = |next| match next {
                Ok(Received::Message(message)) => received.push(message.to_vec()),
                other => assert_eq!(other.unwrap(), Received::Closed),
            };
            for cut in cuts.iter().cycle() {
                let piece = wire.split_to(wire.len().min(*cut));
                peer.write_all(&piece).await.unwrap();
                while let Some(next) = now(reader.receive()).await {
                    keep(next);
                }
                if wire.is_empty() {
                    break;
                }
            }
            drop(peer);
            for _ in 0..=sent.len() {
                keep(reader.receive().await);
            }
            received
        });
        prop_assert_eq!(received, sent);
    }
}
