//! What the router answers to bytes that no WAMP library would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame as RawFrame, FrameHeader};

use crate::kit::{Heard, Server, soon};

fn abort(message: &str) -> Heard {
    Heard::Text(format!(r#"[3,{{"message":"{message}"}},"wamp.error.protocol_violation"]"#))
}

/// A text frame whose bytes are anything.
fn text_frame(bytes: &[u8]) -> Frame {
    let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    Frame::Frame(RawFrame::from_payload(header, bytes.to_vec().into()))
}

#[tokio::test]
async fn violations_are_aborted_with_their_name() {
    let server = Server::start().await;
    let deep = format!("[48,1,{{}},\"app.x\",{}{}]", "[".repeat(200_000), "]".repeat(200_000));
    for (text, message) in [
        ("nonsense", "message is not valid JSON"),
        (r#"{"a":1}"#, "message is not a list"),
        ("[999,1]", "message has the unknown type `999`"),
        (r#"[48,"x",{},"app.x"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,1,{},"app.x",7]"#, "`args` must be a list"),
        (r#"[1,"realm1",{"roles":{}}]"#, "message HELLO is not allowed here"),
        (r#"[5,"x",{}]"#, "message AUTHENTICATE is not allowed here"),
        (r#"[50,1,{}]"#, "message RESULT is not allowed here"),
        (r#"[8,48,1,{},"app.x"]"#, "message ERROR is not allowed here"),
        (&deep, "message is nested more than 120 deep"),
    ] {
        let mut raw = server.raw_joined().await;
        raw.send(text).await;
        assert_eq!(raw.hear().await, abort(message), "{message}");
        assert_eq!(raw.hear().await, Heard::Close(1002), "{message}");
        assert_eq!(raw.hear().await, Heard::Gone);
    }
}

#[tokio::test]
async fn nothing_is_done_before_welcome() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send(r#"[48,1,{},"app.x"]"#).await;
    assert_eq!(raw.hear().await, abort("message CALL is not allowed here"));
    let mut raw = server.raw().await;
    raw.send(r#"[1,"realm1",{"roles":{},"authmethods":["ticket"],"authid":"x"}]"#).await;
    assert_eq!(raw.text().await, r#"[4,"ticket",{}]"#);
    raw.send(r#"[32,1,{},"app.x"]"#).await;
    assert_eq!(raw.hear().await, abort("message SUBSCRIBE is not allowed here"));
}

#[tokio::test]
async fn call_with_the_id_of_an_open_call_is_a_violation() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    soon(engine.session.register("app.x", sim_wamp::MatchPolicy::Exact)).await.unwrap();
    let mut raw = server.raw_joined().await;
    raw.send(r#"[48,1,{},"app.x"]"#).await;
    let _open = engine.invocation().await;
    raw.send(r#"[48,1,{},"app.x"]"#).await;
    assert_eq!(raw.hear().await, abort("request id `1` is that of a call which is still open"));
    assert_eq!(raw.hear().await, Heard::Close(1000));
}

#[tokio::test]
async fn binary_and_broken_text_close_the_socket() {
    let server = Server::start().await;
    let mut raw = server.raw_joined().await;
    raw.frame(Frame::Binary(vec![1, 2, 3].into())).await;
    assert_eq!(raw.hear().await, abort("frame is of the wrong kind for `json`"));
    assert_eq!(raw.hear().await, Heard::Close(1003));
    for frame in [b"[48,1,{},\"\xff\"]".as_slice(), b"\xc3", b"\xed\xa0\x80"] {
        let mut raw = server.raw_joined().await;
        raw.frame(text_frame(frame)).await;
        assert_eq!(raw.hear().await, Heard::Close(1007), "{frame:?}");
    }
}

#[tokio::test]
async fn recorded_frames_of_a_stock_browser_are_answered_alike() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    soon(engine.session.register("app.", sim_wamp::MatchPolicy::Prefix)).await.unwrap();
    let mut raw = server.raw_joined().await;
    raw.send(r#"[32,9007199254740991,{"match":"prefix"},"app.w.1.add_child"]"#).await;
    let text = raw.text().await;
    assert!(text.starts_with("[33,9007199254740991,"), "{text}");
    let subscription: u64 = text.trim_end_matches(']').rsplit(',').next().unwrap().parse().unwrap();

    raw.send(r#"[16,5,{},"app.w.1.connected",[]]"#).await;
    raw.send(r#"[48,0,{},"app.w.1.get_scenarios"]"#).await;
    let invocation = engine.invocation().await;
    assert!(!invocation.payload.has_args());
    invocation.respond(Ok(crate::kit::args("[[]]"))).await;
    assert_eq!(raw.text().await, "[50,0,{},[[]]]");

    let payload = sim_wamp::Payload::from_json(Some(r#"[3,"world",{}]"#), Some(r#"{"pk":1}"#));
    let publication = sim_wamp::Publication::new("app.w.1.add_child", payload).acknowledged();
    let id = soon(engine.session.publish(publication)).await.unwrap().unwrap();
    let engine_id = engine.session.info().session;
    assert_eq!(
        raw.text().await,
        format!(
            r#"[36,{subscription},{id},{{"publisher":{engine_id},"publisher_authid":"engine","publisher_authrole":"service","topic":"app.w.1.add_child"}},[3,"world",{{}}],{{"pk":1}}]"#
        )
    );
    raw.send(r#"[16,6,{"acknowledge":true},"nope",[]]"#).await;
    assert_eq!(
        raw.text().await,
        r#"[8,16,6,{},"wamp.error.not_authorized",["session is not authorized to publish to `nope`"]]"#
    );
    engine.session.leave().await;
    raw.send(r#"[48,7,{},"app.w.1.x",[]]"#).await;
    assert_eq!(
        raw.text().await,
        r#"[8,48,7,{},"wamp.error.no_such_procedure",["no callee registered for procedure <app.w.1.x>"]]"#
    );
    raw.send(r#"[6,{},"wamp.close.normal"]"#).await;
    assert_eq!(raw.text().await, r#"[6,{},"wamp.close.goodbye_and_out"]"#);
    assert_eq!(raw.hear().await, Heard::Close(1000));
}

/// Sends an HTTP request and returns the head and body of the answer.
async fn http(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).await.expect("the router listens");
    let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
    let request = if head.contains("Upgrade:") {
        request.replace("Connection: close", "Connection: Upgrade")
    } else {
        request
    };
    stream.write_all(request.as_bytes()).await.expect("the router reads");
    stream.shutdown().await.expect("the router is there");
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.expect("the answer is text");
    answer
}

#[tokio::test]
async fn plain_get_is_told_to_upgrade() {
    let server = Server::start().await;
    let answer = http(&server, "GET /ws HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.ends_with("HTTP Upgrade header missing"), "{answer}");
}

#[tokio::test]
async fn subprotocol_must_be_offered() {
    let server = Server::start().await;
    let upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for head in [upgrade.to_owned(), format!("{upgrade}\r\nSec-WebSocket-Protocol: wamp.2.unknown")]
    {
        let answer = http(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.ends_with(
                "one of the subprotocols `wamp.2.json`, `wamp.2.msgpack` and `wamp.2.cbor`"
            ),
            "{answer}"
        );
    }
}
