//! WebSockets between two ends, and the requests that open them.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control};

use super::super::testing::{LIMITS, Noted, Server, app, message, say, soon};
use super::*;

const LIMIT: usize = LIMITS.message_bytes;

/// Our end as a server, and the bare WebSocket of its client.
async fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    serializer: Serializer,
    (ours, theirs): (S, DuplexStream),
) -> (WebSocketReader<S>, WebSocketWriter<S>, WebSocketStream<DuplexStream>) {
    let config = Some(LIMITS.websocket_config());
    let ours = WebSocketStream::from_raw_socket(ours, Role::Server, config).await;
    let theirs = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let (reader, writer) = WebSocket::new(ours, serializer).split();
    (reader, writer, theirs)
}

async fn pair(
    serializer: Serializer,
) -> (WebSocketReader<DuplexStream>, WebSocketWriter<DuplexStream>, WebSocketStream<DuplexStream>) {
    over(serializer, duplex(1 << 20)).await
}

fn frame(opcode: OpCode, is_final: bool, payload: impl Into<Bytes>) -> Frame {
    let header = FrameHeader { is_final, opcode, ..FrameHeader::default() };
    Frame::Frame(RawFrame::from_payload(header, payload.into()))
}

fn text(is_final: bool, payload: impl Into<Bytes>) -> Frame {
    frame(OpCode::Data(Data::Text), is_final, payload)
}

fn more(is_final: bool, payload: impl Into<Bytes>) -> Frame {
    frame(OpCode::Data(Data::Continue), is_final, payload)
}

/// Sends frames and returns what the first that is no message becomes.
async fn refused(serializer: Serializer, frames: Vec<Frame>) -> TransportError {
    let (mut reader, mut writer, mut peer) = pair(serializer).await;
    for frame in frames {
        peer.send(frame).await.unwrap();
    }
    let error = soon(reader.receive()).await.unwrap_err();
    let close = error.close().unwrap();
    soon(writer.close(close)).await.unwrap();
    let heard = soon(peer.next()).await.unwrap().unwrap();
    let reason = Utf8Bytes::from_static(close.reason);
    assert_eq!(heard, Frame::Close(Some(CloseFrame { code: close.code.into(), reason })));
    drop(peer);
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
    error
}

#[tokio::test]
async fn messages_are_frames_of_the_serializations_kind() {
    let (mut reader, mut writer, mut peer) = pair(Serializer::Json).await;
    peer.send(Frame::text("[1]")).await.unwrap();
    assert_eq!(message(&mut reader).await, "[1]");
    say(&mut writer, "[2]").await;
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::text("[2]"));
    for serializer in [Serializer::MsgPack, Serializer::Cbor] {
        let (mut reader, mut writer, mut peer) = pair(serializer).await;
        peer.send(Frame::binary(&b"\xff\0"[..])).await.unwrap();
        assert_eq!(message(&mut reader).await, &b"\xff\0"[..]);
        say(&mut writer, &b"\0\xff"[..]).await;
        assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::binary(&b"\0\xff"[..]));
    }
}

#[tokio::test]
async fn frames_of_the_wrong_kind_are_refused() {
    for (serializer, wrong) in [
        (Serializer::Json, Frame::binary(&b"[1]"[..])),
        (Serializer::MsgPack, Frame::text("[1]")),
        (Serializer::Cbor, Frame::text("[1]")),
    ] {
        let error = refused(serializer, vec![wrong, Frame::text("x"), Frame::binary("x")]).await;
        assert!(matches!(error, TransportError::WrongFrame(name) if name == serializer.name()));
        assert_eq!(error.close().unwrap().code, 1003);
    }
}

#[tokio::test]
async fn message_of_the_longest_length_passes_and_longer_ones_are_refused() {
    let (mut reader, _writer, mut peer) = pair(Serializer::MsgPack).await;
    let binary = |is_final, length| frame(OpCode::Data(Data::Binary), is_final, vec![0; length]);
    peer.send(binary(true, LIMIT)).await.unwrap();
    assert_eq!(message(&mut reader).await.len(), LIMIT);
    peer.send(binary(false, LIMIT - 1)).await.unwrap();
    peer.send(more(true, "x")).await.unwrap();
    assert_eq!(message(&mut reader).await.len(), LIMIT);
    for frames in [
        vec![binary(true, LIMIT + 1)],
        vec![binary(true, 10 * LIMIT)],
        vec![binary(false, LIMIT), more(true, "x")],
    ] {
        let error = refused(Serializer::MsgPack, frames).await;
        assert!(matches!(error, TransportError::TooLong), "{error}");
        assert_eq!(error.close().unwrap().code, 1009);
    }
    // The length alone is enough, even one that no memory could hold.
    let (mut reader, _writer, mut peer) = pair(Serializer::MsgPack).await;
    let declared = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    peer.get_mut().write_all(declared).await.unwrap();
    let error = soon(reader.receive()).await.unwrap_err();
    assert!(matches!(error, TransportError::TooLong), "{error}");
}

#[tokio::test]
async fn texts_that_are_not_utf8_are_refused() {
    for frames in [
        vec![text(true, &b"\"\xff\""[..])],
        vec![text(true, &b"\xc3"[..])],
        vec![text(true, &b"\xed\xa0\x80"[..])],
        vec![text(false, &b"\xc3"[..]), more(true, &b"x"[..])],
    ] {
        let error = refused(Serializer::Json, frames).await;
        assert!(matches!(error, TransportError::NotUtf8), "{error}");
        assert_eq!(error.close().unwrap().code, 1007);
    }
}

#[tokio::test]
async fn fragments_are_joined_with_control_frames_in_between() {
    let (mut reader, _writer, mut peer) = pair(Serializer::Json).await;
    peer.send(text(false, &b"[\"\xc3"[..])).await.unwrap();
    peer.send(Frame::Ping("who".into())).await.unwrap();
    peer.send(more(false, &b"\xa9"[..])).await.unwrap();
    peer.send(Frame::Pong("me".into())).await.unwrap();
    peer.send(more(true, "\"]")).await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Alive);
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Alive);
    assert_eq!(message(&mut reader).await, "[\"é\"]");
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::Pong("who".into()));
}

#[tokio::test]
async fn broken_frames_are_refused() {
    let compressed = {
        let header =
            FrameHeader { rsv1: true, opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        Frame::Frame(RawFrame::from_payload(header, "x".into()))
    };
    let ping = OpCode::Control(Control::Ping);
    for frames in [
        vec![compressed],
        vec![frame(ping, false, "x")],
        vec![frame(ping, true, vec![0; 126])],
        vec![frame(OpCode::Data(Data::Reserved(3)), true, "x")],
        vec![frame(OpCode::Control(Control::Reserved(11)), true, "x")],
        vec![more(true, "x")],
        vec![text(false, "x"), text(true, "x")],
        vec![frame(OpCode::Control(Control::Close), true, "x")],
    ] {
        let what = format!("{frames:?}");
        let error = refused(Serializer::Json, frames).await;
        assert!(matches!(error, TransportError::Broken(_)), "{what}: {error}");
        assert_eq!(error.close().unwrap().code, 1002);
    }
    let (mut reader, _writer, mut peer) = pair(Serializer::Json).await;
    peer.get_mut().write_all(b"\x81\x01x").await.unwrap();
    let error = soon(reader.receive()).await.unwrap_err();
    assert!(matches!(error, TransportError::Broken(_)), "a client's frames are masked: {error}");
}

#[tokio::test]
async fn pings_are_asked_for_and_answered() {
    let (mut reader, mut writer, mut peer) = pair(Serializer::Json).await;
    writer.ping().await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::Ping(Bytes::new()));
    peer.flush().await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Alive);
    writer.pong("unasked".into()).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::Pong("unasked".into()));
}

#[tokio::test]
async fn messages_that_are_fed_together_are_written_together() {
    let (stream, theirs) = duplex(1 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let ours = Noted { stream, writes: Arc::clone(&writes) };
    let (_reader, mut writer, _peer) = over(Serializer::Json, (ours, theirs)).await;
    for _ in 0..40 {
        writer.feed(vec![b'x'; 98].into()).await.unwrap();
    }
    assert!(writes.lock().unwrap().is_empty());
    writer.flush().await.unwrap();
    assert_eq!(*writes.lock().unwrap(), [40 * 100]);
}

#[tokio::test]
async fn long_messages_are_fragments_and_keep_no_more_memory_than_one() {
    let (ours, theirs) = duplex(2 * FRAGMENT);
    let (_reader, mut writer, mut peer) = over(Serializer::Json, (ours, theirs)).await;
    for length in [FRAGMENT, FRAGMENT + 1, 3 * FRAGMENT, 10 * FRAGMENT] {
        let sent = "é".repeat(length / 2);
        let (_, heard) =
            soon(async { tokio::join!(say(&mut writer, sent.clone()), peer.next()) }).await;
        assert_eq!(heard.unwrap().unwrap(), Frame::text(sent));
    }
    let (ours, mut theirs) = duplex(4 * FRAGMENT);
    let (_reader, mut writer, _) = over(Serializer::Json, (ours, duplex(1).0)).await;
    say(&mut writer, vec![b'x'; 2 * FRAGMENT + 1]).await;
    drop(writer);
    let frame = FRAGMENT + 10;
    let mut wire = vec![0; 2 * frame + 3];
    soon(theirs.read_exact(&mut wire)).await.unwrap();
    assert_eq!(wire[..10], *b"\x01\x7f\0\0\0\0\0\x01\0\0");
    assert_eq!(wire[frame..frame + 10], *b"\0\x7f\0\0\0\0\0\x01\0\0");
    assert_eq!(wire[2 * frame..], *b"\x80\x01x");
}

#[tokio::test]
async fn close_of_ours_tells_the_reason_and_waits_for_the_answer() {
    let (mut reader, mut writer, mut peer) = pair(Serializer::Json).await;
    writer.feed("[1]".into()).await.unwrap();
    soon(writer.close(Close::GOING_AWAY)).await.unwrap();
    assert!(matches!(writer.feed("[2]".into()).await, Err(TransportError::Gone(_))));
    soon(writer.close(Close::NORMAL)).await.unwrap();
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::text("[1]"));
    let close = CloseFrame { code: CloseCode::Away, reason: "going away".into() };
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::Close(Some(close)));
    peer.flush().await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
}

#[tokio::test]
async fn close_of_the_peers_is_answered_at_once() {
    let (mut reader, mut writer, mut peer) = pair(Serializer::Json).await;
    let close = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
    peer.send(Frame::Close(Some(close.clone()))).await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
    assert_eq!(soon(peer.next()).await.unwrap().unwrap(), Frame::Close(Some(close)));
    assert!(matches!(writer.feed("[2]".into()).await, Err(TransportError::Gone(_))));
    soon(writer.close(Close::NORMAL)).await.unwrap();
}

#[tokio::test]
async fn client_answers_the_close_of_the_server_before_the_connection_ends() {
    let (ours, theirs) = duplex(1 << 16);
    let ours = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let mut server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    let (mut reader, _writer) = WebSocket::new(ours, Serializer::Json).split();
    server.send(Frame::Close(None)).await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
    assert_eq!(soon(server.next()).await.unwrap().unwrap(), Frame::Close(None));
    drop(server);
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
}

#[tokio::test]
async fn end_without_a_close_frame_is_no_orderly_one() {
    let (mut reader, _writer, peer) = pair(Serializer::Json).await;
    drop(peer);
    let error = soon(reader.receive()).await.unwrap_err();
    assert!(matches!(error, TransportError::Gone(_)), "{error}");
    assert!(error.close().is_none());
}

#[tokio::test]
async fn last_words_reach_a_peer_that_is_still_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let config = Some(LIMITS.websocket_config());
    let stream = WebSocketStream::from_raw_socket(stream, Role::Server, config).await;
    let (mut reader, mut writer) = WebSocket::new(stream, Serializer::MsgPack).split();
    let serving = async move {
        let error = reader.receive().await.unwrap_err();
        writer.close(error.close().unwrap()).await.unwrap();
        assert_eq!(reader.receive().await.unwrap(), Received::Closed);
    };
    let sending = async {
        let length = 10_000_000_u64.to_be_bytes();
        peer.write_all(&[0x82, 0xFF]).await.unwrap();
        peer.write_all(&length).await.unwrap();
        for _ in 0..1000 {
            peer.write_all(&[0; 10_000]).await.unwrap();
        }
        peer.shutdown().await.unwrap();
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let ((), heard) = soon(async { tokio::join!(serving, sending) }).await;
    assert_eq!(heard, b"\x88\x12\x03\xf1message too long");
}

/// Sends the head of an HTTP request, and bytes right behind it, and returns the head and body of
/// the answer with the stream.
async fn http(server: &Server, head: &str, behind: &[u8]) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut bytes = format!("{head}\r\nHost: here\r\n\r\n").into_bytes();
    bytes.extend_from_slice(behind);
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(stream.read_u8()).await.unwrap());
    }
    let mut answer = String::from_utf8(answer).unwrap().to_lowercase();
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    soon(stream.read_exact(&mut body)).await.unwrap();
    answer.push_str(std::str::from_utf8(&body).unwrap());
    (answer, stream)
}

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn requests_that_open_no_websocket_are_told_why() {
    let server = Server::start(None, Origins::only(["https://a.example"]).unwrap()).await;
    let json = format!("{UPGRADE}\r\nSec-WebSocket-Protocol: wamp.2.json");
    let must_offer = "the WebSocket must offer one of the subprotocols `wamp.2.json`, \
                      `wamp.2.msgpack` and `wamp.2.cbor`";
    for (head, status, text) in [
        ("GET /ws HTTP/1.1".to_owned(), 426, "HTTP Upgrade header missing"),
        (json.replace("Version: 13", "Version: 8"), 426, "the WebSocket must be of version 13"),
        (
            json.replace("-Key:", "-Lock:"),
            400,
            "the request opens no WebSocket: WebSocket protocol error: No \"Sec-WebSocket-Key\" \
             header",
        ),
        (
            json.replace("Upgrade: websocket", "Upgrade: h2c"),
            400,
            "the request opens no WebSocket: WebSocket protocol error: No \"Upgrade: websocket\" \
             header",
        ),
        (
            json.replace("keep-alive, Upgrade", "close"),
            400,
            "the request opens no WebSocket: WebSocket protocol error: No \"Connection: upgrade\" \
             header",
        ),
        (UPGRADE.to_owned(), 400, must_offer),
        (format!("{UPGRADE}\r\nSec-WebSocket-Protocol: wamp.2.flatbuffers, x"), 400, must_offer),
        (
            format!("{json}\r\nOrigin: https://b.example"),
            403,
            "pages of the origin `https://b.example` may not connect to this server",
        ),
    ] {
        let (answer, _) = http(&server, &head, b"").await;
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{head}: {answer}");
        assert!(answer.ends_with(text), "{head}: {answer}");
        let upgrade = answer.contains("upgrade: websocket\r\nsec-websocket-version: 13\r\n");
        assert_eq!(upgrade, status == 426, "{answer}");
    }
    for origin in ["https://a.example", "http://here"] {
        let (answer, _) = http(&server, &format!("{json}\r\nOrigin: {origin}"), b"").await;
        assert!(answer.starts_with("http/1.1 101 "), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn first_subprotocol_of_the_client_that_is_known_wins() {
    let server = Server::start(None, Origins::Any).await;
    for (offers, chosen) in [
        ("wamp.2.json", "wamp.2.json"),
        ("wamp.2.cbor,wamp.2.json", "wamp.2.cbor"),
        ("wamp.1, wamp.2.msgpack , wamp.2.cbor", "wamp.2.msgpack"),
        ("soap\r\nSec-WebSocket-Protocol: wamp.2.json", "wamp.2.json"),
    ] {
        let head = format!("{UPGRADE}\r\nSec-WebSocket-Protocol: {offers}");
        let (answer, _) = http(&server, &head, b"").await;
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(answer.contains(&format!("sec-websocket-protocol: {chosen}\r\n")), "{answer}");
        assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"));
    }
}

#[tokio::test]
async fn compression_is_declined() {
    let server = Server::start(None, Origins::Any).await;
    let head = format!(
        "{UPGRADE}\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    );
    let (answer, _) = http(&server, &head, b"").await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
}

#[tokio::test]
async fn frames_right_behind_the_request_are_received_and_the_peer_is_known() {
    let mut server = Server::start(None, Origins::Any).await;
    let head = format!("{UPGRADE}\r\nSec-WebSocket-Protocol: wamp.2.json");
    let (_, mut stream) = http(&server, &head, b"\x81\x83\0\0\0\0[1]").await;
    let mut frame = [0; 5];
    soon(stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(&frame, b"\x81\x03[1]");
    let opened = soon(server.opened.recv()).await.unwrap();
    assert_eq!(opened, (Some(stream.local_addr().unwrap()), None));
}

#[tokio::test]
async fn streams_that_are_not_of_tcp_are_upgraded_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let (app, _opened) = app(Origins::Any);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let head = format!("{UPGRADE}\r\nHost: here\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n");
    let mut bytes = head.into_bytes();
    // A whole frame behind the request, and a piece of one.
    bytes.extend_from_slice(b"\x81\x83\0\0\0\0[1]\x81\x83\0\0");
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x03[1]") {
        answer.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    stream.write_all(b"\0\0[2]").await.unwrap();
    let mut frame = [0; 5];
    soon(stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(&frame, b"\x81\x03[2]");
}
