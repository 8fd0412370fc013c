//! The program `sim-router`: its start and its end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::{Value, json};
use sim_wamp::{Client, Credentials, MatchPolicy, Payload, SessionEvent};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::{REALM, Router, WEBSOCKET, run, sim_router, soon, write};

#[tokio::test]
async fn sessions_are_told_goodbye_at_the_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let router = Router::start(WEBSOCKET).await;
        let url = &router.urls[0];
        let client = Client::connect(url, "realm1", Credentials::Anonymous).await.unwrap();
        let (_session, mut incoming, _connection) = client.split();
        let mut subscriber = router.wamp(0).start(&["subscribe", "com.example.public.a"]);
        subscriber.says("subscribed").await;
        router.running.signal(signal);
        let Some(SessionEvent::Goodbye { reason }) = soon(incoming.recv()).await else {
            panic!("no goodbye");
        };
        assert_eq!(reason, "wamp.close.system_shutdown");
        let (code, _, said) = subscriber.ended().await;
        let expected = "error: the router has ended the session: wamp.close.system_shutdown";
        assert_eq!((code, said.concat().as_str()), (Some(1), expected));
        assert_eq!(router.running.ended().await.0, Some(0));
    }
}

#[tokio::test]
async fn topics_have_the_history_that_the_configuration_says() {
    let history = "[[history]]\nuri = \"com.example.\"\nmatch = \"prefix\"\nlimit = 2\n";
    let router = Router::start(&format!("{history}{WEBSOCKET}")).await;
    for number in ["1", "2", "3"] {
        router.ann(0).run(&["publish", "com.example.topic", number, "--acknowledge"]).await;
    }
    let credentials = Credentials::Ticket { authid: "ann".into(), ticket: "secret-of-ann".into() };
    let client = Client::connect(&router.urls[0], "realm1", credentials).await.unwrap();
    let session = &client.session;
    let subscription = session.subscribe("com.example.topic", MatchPolicy::Exact).await.unwrap();
    let ask = Payload::from_args(&[subscription]).unwrap();
    let events = session.call("wamp.subscription.get_events", ask).await.unwrap();
    let (events,): (Vec<Value>,) = events.args().unwrap();
    let numbers: Vec<_> = events.iter().map(|event| &event["args"][0]).collect();
    assert_eq!(numbers, [&json!(2), &json!(3)]);
    client.close().await;
    router.running.stop().await;
}

#[tokio::test]
async fn second_signal_ends_it_at_once() {
    let rawsocket = WEBSOCKET.replace("websocket", "rawsocket");
    let mut router = Router::start(&format!("limits = {{ closing = \"1h\" }}\n{rawsocket}")).await;
    let address = router.urls[0].trim_start_matches("tcp://");
    let mut silent = TcpStream::connect(address).await.unwrap();
    let hello = b"[1,\"realm1\",{\"roles\":{\"caller\":{}}}]";
    let length = u8::try_from(hello.len()).unwrap();
    silent.write_all(&[0x7f, 0xf1, 0, 0, 0, 0, 0, length]).await.unwrap();
    silent.write_all(hello).await.unwrap();
    // The answer to the handshake, and the head of WELCOME.
    soon(silent.read_exact(&mut [0; 8])).await.unwrap();
    router.running.signal(Signal::TERM);
    router.running.says("another signal ends the program at once").await;
    router.running.signal(Signal::TERM);
    router.running.says("some sessions were cut off").await;
    assert_eq!(router.running.ended().await.0, Some(0));
}

#[tokio::test]
async fn printed_example_is_a_configuration() {
    let directory = TempDir::new().unwrap();
    let printed = sim_router(&["--print-config"]).await;
    assert!(printed.status.success());
    let path = write(directory.path(), "router.toml", &String::from_utf8(printed.stdout).unwrap());
    let path = path.to_str().unwrap();
    let checked = sim_router(&["--check", "--config", path]).await;
    assert!(checked.status.success());
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(text, format!("`{path}` is valid: listeners 1, realms 1\n"));
}

#[tokio::test]
async fn all_that_is_wrong_with_a_configuration_is_told() {
    let directory = TempDir::new().unwrap();
    let path =
        write(directory.path(), "router.toml", "a = 1\n[[listen]]\nb = 1\n[limits]\nc = 1\n");
    let path = path.to_str().unwrap();
    for args in [&["--config", path][..], &["--config", path, "--check"]] {
        let refused = sim_router(args).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stdout.is_empty());
        let said = String::from_utf8(refused.stderr).unwrap();
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines[0], format!("error: `{path}` cannot be used:"));
        let places = ["  line 1: `a`", "  line 1: `realms`", "  line 2: `listen[0].transport`"];
        for place in places.iter().chain(&["  line 3: `listen[0].b`", "  line 5: `limits.c`"]) {
            assert!(lines.iter().any(|line| line.starts_with(place)), "{place}: {said}");
        }
        assert_eq!(lines.len(), 6, "{said}");
    }
    let missing = sim_router(&["--config", "/no/such/file"]).await;
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(said.starts_with("error: cannot read the configuration `/no/such/file`: "), "{said}");
}

#[tokio::test]
async fn address_that_is_taken_is_told() {
    let router = Router::start(WEBSOCKET).await;
    let address = router.urls[0].trim_start_matches("ws://").trim_end_matches("/ws");
    let directory = TempDir::new().unwrap();
    let other = run(directory.path(), &WEBSOCKET.replace("127.0.0.1:0", address), "");
    let (code, _, said) = other.ended().await;
    assert_eq!(code, Some(1));
    let expected = format!("error: cannot listen on `{address}`: choose another `address`");
    assert!(said.iter().any(|line| line.starts_with(&expected)), "{said:?}");
    router.running.stop().await;
}

#[tokio::test]
async fn secrets_that_everybody_can_read_are_warned_of() {
    let directory = TempDir::new().unwrap();
    let place = directory.path();
    let user = "[[realms.users]]\nauthid = \"fay\"\nrole = \"user\"\nticket_file = \"ticket\"\n";
    let open = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let ticket = write(place, "ticket", "secret\n");
    let config = write(place, "router.toml", &format!("{WEBSOCKET}{REALM}{user}"));
    let args = ["--check", "--config", config.to_str().unwrap()];
    for (modes, expected) in [((0o600, 0o640), 0), ((0o604, 0o600), 1), ((0o644, 0o644), 2)] {
        open(&config, modes.0);
        open(&ticket, modes.1);
        let checked = sim_router(&args).await;
        let said = String::from_utf8(checked.stderr).unwrap();
        assert!(checked.status.success(), "{said}");
        let warned = said.matches("everybody on this machine can read the secrets").count();
        assert_eq!(warned, expected, "{said}");
    }
}
