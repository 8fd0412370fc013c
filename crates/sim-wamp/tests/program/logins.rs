//! Every way to log in, over a WebSocket and over a Unix socket.

use tempfile::TempDir;

use crate::kit::{EVE, PRIVATE_KEY, Router, WEBSOCKET, write};

const LISTENERS: [&str; 2] =
    [WEBSOCKET, "[[listen]]\ntransport = \"rawsocket\"\nunix = \"wamp.sock\"\n"];

#[tokio::test]
async fn every_user_logs_in_by_environment_or_file() {
    let router = Router::start_in(TempDir::new().unwrap(), &LISTENERS.concat(), EVE).await;
    let directory = router.directory.path();
    let file = |name: &str, text: &str| write(directory, name, text).display().to_string();
    let key = file("key", &format!("{PRIVATE_KEY}\n"));
    let (ticket, secret, password) = (
        file("ticket", "secret-of-ann\n"),
        file("secret", "secret-of-bea\r\n"),
        file("password", "secret-of-eve"),
    );
    for url in 0..LISTENERS.len() {
        for (authid, variable, value) in [
            ("ann", "WAMP_TICKET", "secret-of-ann"),
            ("ann", "WAMP_TICKET_FILE", &ticket),
            ("bea", "WAMP_SECRET", "secret-of-bea"),
            ("bea", "WAMP_SECRET_FILE", &secret),
            ("cal", "WAMP_SECRET", "secret-of-cal"),
            ("dan", "WAMP_PRIVATE_KEY_FILE", &key),
            ("eve", "WAMP_PASSWORD", "secret-of-eve"),
            ("eve", "WAMP_PASSWORD_FILE", &password),
        ] {
            let wamp = router.wamp(url).env("WAMP_AUTHID", authid).env(variable, value);
            wamp.run(&["publish", "com.example.topic", "--acknowledge"]).await;
        }
        let publish = ["publish", "com.example.topic", "--acknowledge"];
        let said = router.wamp(url).fail(&publish).await;
        assert!(said.starts_with("error: wamp.error.not_authorized: "), "{said}");
    }
    // A key tells by itself who has it.
    let dan = router.wamp(0).env("WAMP_PRIVATE_KEY_FILE", &key);
    dan.run(&["publish", "com.example.topic", "--acknowledge"]).await;
    router.running.stop().await;
}

#[tokio::test]
async fn wrong_secret_is_one_clear_line() {
    let router = Router::start_in(TempDir::new().unwrap(), WEBSOCKET, EVE).await;
    let other_key = write(router.directory.path(), "key", &"07".repeat(32));
    for (authid, variable, value) in [
        ("ann", "WAMP_TICKET", "wrong"),
        ("zoe", "WAMP_TICKET", "secret-of-ann"),
        ("bea", "WAMP_SECRET", "wrong"),
        ("cal", "WAMP_SECRET", "wrong"),
        ("dan", "WAMP_PRIVATE_KEY_FILE", other_key.to_str().unwrap()),
        ("eve", "WAMP_PASSWORD", "wrong"),
    ] {
        let wamp = router.wamp(0).env("WAMP_AUTHID", authid).env(variable, value);
        let said = wamp.fail(&["ping"]).await;
        let expected = "error: the router aborted the session with `wamp.error.";
        assert!(said.starts_with(expected), "{said}");
    }
    router.running.stop().await;
}

#[tokio::test]
async fn login_that_is_no_login_does_not_reach_the_router() {
    let router = Router::start(WEBSOCKET).await;
    let nobody = router.wamp(0);
    let said = nobody.fail(&["ping", "--authid", "ann"]).await;
    assert!(said.starts_with("error: nothing proves that this is `ann`: give"), "{said}");
    let said = nobody.fail(&["ping", "--ticket-file", "/no/such/file", "--authid", "ann"]).await;
    assert!(said.starts_with("error: cannot read the secret in `/no/such/file`: "), "{said}");
    let said = router.ann(0).fail(&["ping", "--secret", "x"]).await;
    assert!(said.ends_with("--ticket, --secret"), "{said}");
    router.running.stop().await;
}

#[tokio::test]
async fn realms_know_nothing_of_each_others_users_and_rules() {
    let other = r#"
[[realms]]
name = "realm2"
[[realms.users]]
authid = "ann"
role = "user"
ticket = "other-secret-of-ann"
[[realms.roles]]
name = "user"
[[realms.roles.rules]]
uri = "com.example.other"
allow = ["publish"]
"#;
    let router = Router::start_in(TempDir::new().unwrap(), WEBSOCKET, other).await;
    let there = |ticket| {
        let ann = router.wamp(0).env("WAMP_AUTHID", "ann").env("WAMP_TICKET", ticket);
        ann.env("WAMP_REALM", "realm2")
    };
    let publish = |topic: &'static str| ["publish", topic, "--acknowledge"];
    router.ann(0).run(&publish("com.example.topic")).await;
    there("other-secret-of-ann").run(&publish("com.example.other")).await;
    let said = there("other-secret-of-ann").fail(&publish("com.example.topic")).await;
    assert!(said.starts_with("error: wamp.error.not_authorized: "), "{said}");
    let said = there("secret-of-ann").fail(&["ping"]).await;
    assert!(said.contains("`wamp.error.authentication_failed`"), "{said}");
    let said = router.wamp(0).env("WAMP_REALM", "realm2").fail(&["ping"]).await;
    assert!(said.starts_with("error: the router aborted the session with "), "{said}");
    router.running.stop().await;
}
