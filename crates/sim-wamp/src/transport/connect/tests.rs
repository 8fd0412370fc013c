//! Connecting to real servers on this machine, and to what is none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::super::testing::{Identity, LIMITS, Server, echo, message, say, soon};
use super::*;
use crate::transport::{
    Close, Origins, Reader, Received, Transport, Writer, accept_raw, tls_acceptor,
};

async fn open_all(url: &str, tls: &ClientTls) -> Result<AnyTransport, ConnectError> {
    soon(connect(url, &Serializer::ALL, tls, LIMITS)).await
}

async fn error(url: &str) -> String {
    format!("{:#}", anyhow::Error::from(open_all(url, &ClientTls::default()).await.unwrap_err()))
}

/// Sends messages there and back, closes, and returns what identifies the channel.
async fn talk(transport: AnyTransport) -> Option<[u8; 32]> {
    let channel_id = transport.channel_id();
    let (mut reader, mut writer) = transport.split();
    for length in [0, 1, 5_000, 65_536] {
        let sent = "x".repeat(length);
        say(&mut writer, sent.clone()).await;
        assert_eq!(message(&mut reader).await, sent);
    }
    writer.ping().await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Alive);
    soon(writer.close(Close::NORMAL)).await.unwrap();
    assert_eq!(soon(reader.receive()).await.unwrap(), Received::Closed);
    channel_id
}

/// A server whose raw sockets send back what comes; returns its address.
async fn raw_server(tls: Option<TlsAcceptor>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            match &tls {
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else { continue };
                    let socket = accept_raw(stream, LIMITS).await.unwrap();
                    tokio::spawn(echo(socket));
                }
                None => {
                    tokio::spawn(echo(accept_raw(stream, LIMITS).await.unwrap()));
                }
            }
        }
    });
    address
}

/// A server that answers requests with these bytes.
async fn canned(answer: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"\r\n\r\n") {
                heard.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn websockets_carry_messages_both_ways() {
    let mut server = Server::start(None, Origins::Any).await;
    for serializer in Serializer::ALL {
        let offers = [serializer, Serializer::Json];
        let transport =
            soon(connect(&server.url("ws"), &offers, &ClientTls::default(), LIMITS)).await;
        let transport = transport.unwrap();
        assert_eq!(transport.serializer(), serializer);
        assert_eq!(tokio::spawn(talk(transport)).await.unwrap(), None);
        let (peer, channel_id) = soon(server.opened.recv()).await.unwrap();
        assert!(peer.is_some() && channel_id.is_none());
    }
}

#[tokio::test]
async fn websockets_over_tls_know_the_same_channel_id_at_both_ends() {
    let identity = Identity::new();
    let tls = ClientTls::trusting(&identity.pem).unwrap();
    let mut server = Server::start(Some(&identity), Origins::Any).await;
    for serializer in Serializer::ALL {
        let transport = soon(connect(&server.url("wss"), &[serializer], &tls, LIMITS)).await;
        let ours = talk(transport.unwrap()).await;
        let (peer, theirs) = soon(server.opened.recv()).await.unwrap();
        assert!(peer.is_some());
        assert!(ours.is_some() && ours == theirs);
    }
}

#[tokio::test]
async fn clients_that_do_not_finish_the_tls_handshake_hold_up_nobody() {
    let identity = Identity::new();
    let tls = ClientTls::trusting(&identity.pem).unwrap();
    let server = Server::start(Some(&identity), Origins::Any).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let mut foreign = TcpStream::connect(server.address).await.unwrap();
    foreign.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut alert = Vec::new();
    soon(foreign.read_to_end(&mut alert)).await.unwrap();
    assert_eq!(alert[0], 21, "an alert");
    talk(open_all(&server.url("wss"), &tls).await.unwrap()).await;
}

#[tokio::test]
async fn raw_sockets_carry_messages_over_tcp_tls_and_unix_sockets() {
    let identity = Identity::new();
    let tls = ClientTls::trusting(&identity.pem).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(echo(accept_raw(stream, LIMITS).await.unwrap()));
        }
    });
    let plain = raw_server(None).await;
    let acceptor = tls_acceptor(&identity.certificates(), &identity.key()).unwrap();
    let secure = raw_server(Some(acceptor)).await.port();
    for (url, secure) in [
        (format!("tcp://{plain}"), false),
        (format!("tls://localhost:{secure}"), true),
        (format!("tcps://localhost:{secure}/"), true),
        (format!("unix:{}", path.display()), false),
        (format!("unix://{}", path.display()), false),
    ] {
        let transport = open_all(&url, &tls).await.unwrap();
        assert_eq!(transport.serializer(), Serializer::Json);
        assert_eq!(talk(transport).await.is_some(), secure, "{url}");
    }
}

#[tokio::test]
async fn raw_socket_is_tried_with_each_serialization() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut wish = [0; 4];
            stream.read_exact(&mut wish).await.unwrap();
            let answer = if wish[1] & 0x0F == 3 { 0xF3 } else { 0x10 };
            stream.write_all(&[0x7F, answer, 0, 0]).await.unwrap();
        }
    });
    let transport = open_all(&url, &ClientTls::default()).await.unwrap();
    assert_eq!(transport.serializer(), Serializer::Cbor);
    for (offers, offered) in [(&Serializer::ALL[..2], "json, msgpack"), (&[], "")] {
        let refused = soon(connect(&url, offers, &ClientTls::default(), LIMITS)).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!("the router at `{url}` speaks none of the offered serializations: {offered}")
        );
    }
}

#[tokio::test]
async fn servers_that_are_not_trusted_are_refused() {
    let (identity, other) = (Identity::new(), Identity::new());
    let wrong_root = ClientTls::trusting(&other.pem).unwrap();
    let right_root = ClientTls::trusting(&identity.pem).unwrap();
    let server = Server::start(Some(&identity), Origins::Any).await;
    let acceptor = tls_acceptor(&identity.certificates(), &identity.key()).unwrap();
    let raw = raw_server(Some(acceptor)).await;
    let websocket = format!("wss://{}/ws", server.address);
    for (url, tls) in [
        (server.url("wss"), &wrong_root),
        (server.url("wss"), &ClientTls::default()),
        (websocket, &right_root),
        (format!("tls://{raw}"), &right_root),
        (format!("tls://localhost:{}", raw.port()), &wrong_root),
    ] {
        let refused = open_all(&url, tls).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Tls { .. }), "{url}: {refused}");
        let text = format!("{:#}", anyhow::Error::from(refused));
        let begin = format!("cannot open TLS to `{url}`: invalid peer certificate: ");
        assert!(text.starts_with(&begin), "{text}");
    }
    let plain = Server::start(None, Origins::Any).await;
    let refused = open_all(&plain.url("wss"), &right_root).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls { .. }), "{refused}");
}

#[tokio::test]
async fn what_is_not_there_or_is_no_router_is_named() {
    // The port is taken, but nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    for url in [format!("ws://127.0.0.1:{port}/ws"), format!("tcp://127.0.0.1:{port}")] {
        let text = error(&url).await;
        assert!(
            text.starts_with(&format!("cannot connect to `{url}`: Connection refused")),
            "{text}"
        );
    }
    let text = error("unix:/nowhere/at/all").await;
    assert!(text.starts_with("cannot connect to `unix:/nowhere/at/all`: No such file"), "{text}");
    let url = format!("tcp://{}:1", "x".repeat(300));
    let text = error(&url).await;
    assert!(text.starts_with("cannot find the address of the host in `tcp://xxx"), "{text}");

    let server = Server::start(None, Origins::Any).await;
    let url = format!("ws://u:secret@{}/other?token=secret", server.address);
    let shown = format!("ws://{}/other", server.address);
    let expected = format!("`{shown}` opens no WebSocket but answers with the status 404: ");
    assert_eq!(error(&url).await, expected);
    let url = format!("tcp://{}", server.address);
    assert_eq!(
        error(&url).await,
        format!(
            "the handshake of the raw socket to `{url}` failed: the peer opens no raw socket: it \
             begins with `0x48`, not with `0x7f`"
        )
    );
    let raw = raw_server(None).await;
    let text = error(&format!("ws://{raw}")).await;
    assert!(text.starts_with("the handshake of the WebSocket to"), "{text}");
}

#[tokio::test]
async fn text_of_a_refusal_is_shown() {
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nno\r\nx";
    let url = format!("ws://{}/ws", canned(answer).await);
    let expected = format!("`{url}` opens no WebSocket but answers with the status 400: no");
    assert_eq!(error(&url).await, expected);
}

#[tokio::test]
async fn schemes_of_the_other_transport_are_refused() {
    let tls = ClientTls::default();
    let refused = connect_websocket("tcp://localhost:1", &Serializer::ALL, &tls, LIMITS).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "cannot connect to `tcp://localhost:1`: a WebSocket has the scheme `ws` or `wss`"
    );
    let refused = connect_raw("ws://localhost:1", &Serializer::ALL, &tls, LIMITS).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "cannot connect to `ws://localhost:1`: a raw socket has the scheme `tcp`, `tls` or `unix`"
    );
}

#[test]
fn urls_name_host_port_and_way() {
    let host = |name: &str, port, tls| Host { name: name.to_owned(), port, tls };
    let websocket = |url: &str, host| Target::WebSocket { host, uri: url.parse().unwrap() };
    for (url, target) in [
        ("ws://a.example", websocket("ws://a.example", host("a.example", 80, false))),
        ("WSS://a.example/x?y", websocket("wss://a.example/x?y", host("a.example", 443, true))),
        ("ws://u:p@[::1]:81/", websocket("ws://u:p@[::1]:81/", host("::1", 81, false))),
        ("tcp://1.2.3.4:81", Target::Raw(host("1.2.3.4", 81, false))),
        ("tls://a.example:81/", Target::Raw(host("a.example", 81, true))),
        ("tcps://a.example:81", Target::Raw(host("a.example", 81, true))),
        ("unix:/a/b c", Target::Unix("/a/b c".into())),
        ("unix:///a", Target::Unix("/a".into())),
    ] {
        assert_eq!(Target::parse(url).unwrap(), target, "{url}");
    }
}

#[test]
fn urls_of_no_use_are_named_without_their_secrets() {
    for (url, shown, reason) in [
        ("", "", "a router has the scheme `ws`, `wss`, `tcp`, `tls` or `unix`"),
        ("http://a", "http://a", "a router has the scheme `ws`, `wss`, `tcp`, `tls` or `unix`"),
        ("localhost", "localhost", "a router has the scheme `ws`, `wss`, `tcp`, `tls` or `unix`"),
        ("ws://a b", "ws://a b", "this is not a URL"),
        ("ws://u:secret@a:x/y?secret", "ws://a:x/y", "its port is not one"),
        ("ws://a:99999", "ws://a:99999", "its port is not one"),
        ("tcp://u:secret@a", "tcp://a", "give the port of the raw socket"),
        ("tcp://a:1/x", "tcp://a:1/x", "a raw socket has host and port and nothing more"),
        ("unix:a", "unix:a", "give the absolute path of the socket, as in `unix:/path`"),
        ("unix://a/b", "unix://a/b", "give the absolute path of the socket, as in `unix:/path`"),
    ] {
        let error = Target::parse(url).unwrap_err().to_string();
        let error = error.strip_prefix("cannot connect to ").unwrap();
        assert_eq!(error, format!("`{shown}`: {reason}"));
    }
}
