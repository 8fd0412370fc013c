//! Every way into the router.

use sim_wamp::transport::{ClientTls, FrameLimits, connect};
use sim_wamp::{Client, ClientOptions, Credentials, Serializer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::{PRIVATE_KEY, Router, WEBSOCKET, soon, write};

/// A directory with a certificate for this machine, and what trusts it.
fn certified() -> (TempDir, ClientTls) {
    let directory = TempDir::new().expect("there is a place");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).expect("the names are names");
    write(directory.path(), "server.pem", &pair.cert.pem());
    write(directory.path(), "server.key", &pair.signing_key.serialize_pem());
    (directory, ClientTls::trusting(&pair.cert.pem()).expect("it is a certificate"))
}

#[tokio::test]
async fn all_of_them_are_open_when_it_says_so() {
    let (directory, tls) = certified();
    let tcp = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let certificate = "tls = { certificate = \"server.pem\", key = \"server.key\" }\n";
    let listeners = [
        format!("{tcp}transport = \"websocket\"\n"),
        format!("{tcp}transport = \"websocket\"\npath = \"/a/b\"\n{certificate}"),
        format!("{tcp}transport = \"rawsocket\"\n"),
        format!("{tcp}transport = \"rawsocket\"\n{certificate}"),
        "[[listen]]\ntransport = \"rawsocket\"\nunix = \"wamp.sock\"\n".to_owned(),
    ];
    let router = Router::start_in(directory, &listeners.concat(), "").await;
    let socket = format!("unix:{}", router.directory.path().join("wamp.sock").display());
    for (url, (start, end)) in router.urls.iter().zip([
        ("ws://127.0.0.1:", "/ws"),
        ("wss://127.0.0.1:", "/a/b"),
        ("tcp://127.0.0.1:", ""),
        ("tls://127.0.0.1:", ""),
        (&socket, ""),
    ]) {
        assert!(url.starts_with(start) && url.ends_with(end) && !url.contains(":0"), "{url}");
        for serializer in Serializer::ALL {
            let options = ClientOptions {
                serializers: vec![serializer],
                tls: tls.clone(),
                ..ClientOptions::default()
            };
            let client = Client::connect_with(url, "realm1", &Credentials::Anonymous, options);
            let client = client.await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
            assert_eq!(&*client.session.info().authrole, "guest");
            client.close().await;
        }
    }
    // The program trusts nobody but those whom it is told to trust.
    let ca = router.directory.path().join("server.pem");
    // A key of its own is bound to the connection of TLS at both of its ends.
    let key = write(router.directory.path(), "key", PRIVATE_KEY);
    for url in [1, 3] {
        let dan = router.wamp(url).env("WAMP_PRIVATE_KEY_FILE", key.to_str().unwrap());
        let publish = ["publish", "com.example.topic", "--acknowledge", "--ca"];
        dan.run(&[&publish[..], &[ca.to_str().unwrap()]].concat()).await;
    }
    let said = router.wamp(3).fail(&["ping"]).await;
    assert!(said.starts_with("error: cannot open TLS to `tls://"), "{said}");
    router.running.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out_where_the_listener_says_so() {
    let origins = "origins = [\"https://app.example\"]\n";
    let router = Router::start(&format!("{WEBSOCKET}{origins}{WEBSOCKET}")).await;
    for (listener, origin, expected) in [
        (0, "Origin: https://app.example\r\n", "101"),
        (0, "Origin: https://evil.example\r\n", "403"),
        (0, "", "101"),
        (1, "Origin: https://evil.example\r\n", "101"),
    ] {
        let address = router.urls[listener].trim_start_matches("ws://").trim_end_matches("/ws");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: router.example\r\n{origin}Upgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        soon(stream.read_exact(&mut status)).await.unwrap();
        let status = String::from_utf8_lossy(&status).into_owned();
        assert_eq!(status, format!("HTTP/1.1 {expected}"), "{listener} {origin}");
    }
    router.running.stop().await;
}

#[tokio::test]
async fn whoever_connects_and_says_nothing_is_closed() {
    let rawsocket = WEBSOCKET.replace("websocket", "rawsocket");
    let limits = "limits = { handshake = \"200ms\" }\n";
    let router = Router::start(&format!("{limits}{WEBSOCKET}{rawsocket}")).await;
    for url in &router.urls {
        let address = url.split("://").nth(1).unwrap().trim_end_matches("/ws");
        for said in ["", "GE"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            // A connection that is closed over unread bytes is reset.
            drop(soon(stream.read_to_end(&mut heard)).await);
            assert!(heard.len() < 200, "{heard:?}");
        }
    }
    router.running.stop().await;
}

#[tokio::test]
async fn requests_that_are_no_websocket_are_answered() {
    let router = Router::start(WEBSOCKET).await;
    let tls = ClientTls::default();
    let limits = FrameLimits { message_bytes: 1 << 20 };
    let url = router.urls[0].replace("/ws", "/other");
    let error = connect(&url, &[Serializer::Json], &tls, limits).await.unwrap_err();
    assert!(error.to_string().contains("status 404"), "{error}");
    router.running.stop().await;
}
