//! Frames that break the protocol: an exact answer for the sender, nothing for anybody else.

use anyhow::{Result, bail};
use black_box::{Div, Environment, Login, Member, Received, Wamp};
use serde_json::{Value, json};

/// A sender whose frames are broken, and a pair that plays on.
struct Scene {
    div: Div,
    environment: Environment,
    bystander: Member,
}

impl Scene {
    async fn start() -> Result<Self> {
        let div = Div::start(&[]).await?;
        let environment = div.environment("default").await?;
        let mut bystander = div.member(&environment, "s2@div.edu").await?;
        bystander.follow_own().await?;
        Ok(Self { div, environment, bystander })
    }

    async fn sender(&self) -> Result<Wamp> {
        self.div.login("s1@div.edu").await
    }

    /// The bystander plays on and has seen nothing of it.
    async fn nobody_else_noticed(&mut self, case: &str) -> Result<()> {
        assert_eq!(self.bystander.events_so_far().await?, Vec::<String>::new(), "{case}");
        let period = self.environment.worlds[0].period;
        self.bystander.play(period, 2).await?;
        assert!(!self.bystander.events_so_far().await?.is_empty(), "{case}");
        Ok(())
    }
}

/// Reads until the service closes: the frames before, and the code of the close.
async fn last_words(wamp: &mut Wamp) -> Result<(Vec<Value>, Option<u16>)> {
    let mut frames = Vec::new();
    loop {
        match wamp.receive().await? {
            Received::Frame(frame) => frames.push(frame),
            Received::Closed(code) => return Ok((frames, code)),
        }
    }
}

async fn ends_with_protocol_violation(wamp: &mut Wamp, case: &str) -> Result<String> {
    let (frames, _) = last_words(wamp).await?;
    let Some(abort) = frames.last() else { bail!("{case}: closed without an ABORT") };
    assert_eq!(abort[0], 3, "{case}: {abort}");
    assert_eq!(abort[2], "wamp.error.protocol_violation", "{case}: {abort}");
    Ok(abort[1]["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_frame_out_of_protocol_ends_its_own_session_with_a_reason() -> Result<()> {
    let mut scene = Scene::start().await?;
    let deep = format!("[48,1,{{}},\"a.b\",{}{}]", "[".repeat(200_000), "]".repeat(200_000));
    let cases = [
        ("no JSON", "hello".to_owned()),
        ("half a message", "[48,1,{},\"a.b\"".to_owned()),
        ("a literal that is no JSON", "[48,1,{},\"a.b\",[NaN]]".to_owned()),
        ("no array", "{}".to_owned()),
        ("an empty array", "[]".to_owned()),
        ("a type that is no number", "[\"48\",1,{},\"a.b\"]".to_owned()),
        ("an unknown type", "[999,1]".to_owned()),
        ("too few elements", "[48]".to_owned()),
        ("an id that is text", "[48,\"1\",{},\"a.b\"]".to_owned()),
        ("a negative id", "[48,-1,{},\"a.b\"]".to_owned()),
        ("a procedure that is a number", "[48,1,{},5]".to_owned()),
        ("arguments that are an object", "[48,1,{},\"a.b\",{}]".to_owned()),
        ("a second HELLO", "[1,\"realm1\",{\"roles\":{\"caller\":{}}}]".to_owned()),
        ("an AUTHENTICATE nobody asked for", "[5,\"x\",{}]".to_owned()),
        ("a message only routers send", "[36,1,1,{}]".to_owned()),
        ("200,000 brackets", deep),
    ];
    for (case, text) in cases {
        let mut sender = scene.sender().await?;
        sender.send_text(&text).await?;
        let message = ends_with_protocol_violation(&mut sender, case).await?;
        assert!(!message.is_empty(), "{case}: no message");
        scene.nobody_else_noticed(case).await?;
    }
    Ok(())
}

#[tokio::test]
async fn before_the_welcome_only_a_hello_is_understood() -> Result<()> {
    let mut scene = Scene::start().await?;
    for (case, text) in [
        ("a call", "[48,1,{},\"world.simpl.sims.div.ready\"]"),
        ("a goodbye", "[6,{},\"wamp.close.normal\"]"),
        ("a hello without roles", "[1,\"realm1\",{\"authmethods\":[\"anonymous\"]}]"),
        ("a hello with a number for a realm", "[1,5,{\"roles\":{\"caller\":{}}}]"),
    ] {
        let mut sender = Wamp::connect(&scene.div.service.ws_url()).await?;
        sender.send_text(text).await?;
        ends_with_protocol_violation(&mut sender, case).await?;
        scene.nobody_else_noticed(case).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_frame_that_is_no_text_closes_its_own_connection() -> Result<()> {
    let mut scene = Scene::start().await?;

    let mut sender = scene.sender().await?;
    sender.send_binary(b"[48,1,{},\"a.b\"]".to_vec()).await?;
    last_words(&mut sender).await?;
    scene.nobody_else_noticed("binary").await?;

    let mut sender = scene.sender().await?;
    sender.send_bytes_as_text(b"[48,1,{},\"a.b\xff\"]".to_vec()).await?;
    last_words(&mut sender).await?;
    scene.nobody_else_noticed("not UTF-8").await
}

#[tokio::test]
async fn a_frame_over_the_limit_closes_its_own_connection() -> Result<()> {
    let mut scene = Scene::start().await?;
    let mut sender = scene.sender().await?;
    let text = format!("[48,1,{{}},\"a.b\",[\"{}\"]]", "x".repeat(4 << 20));
    // The service may be gone before all of it is written, and its close code with it.
    sender.send_text(&text).await.ok();
    let (frames, code) = last_words(&mut sender).await?;
    assert_eq!(frames, Vec::<Value>::new());
    assert!(matches!(code, Some(1009) | None), "closed with {code:?}");
    scene.nobody_else_noticed("4 MiB").await
}

#[tokio::test]
async fn a_malformed_uri_is_an_error_and_the_session_goes_on() -> Result<()> {
    let mut scene = Scene::start().await?;
    let mut sender = scene.sender().await?;
    for uri in ["", "with a space", "a..b", "a#b", ".a", "a."] {
        let answer = sender.call(uri, json!([])).await?;
        assert_eq!(answer.error_uri(), Some("wamp.error.invalid_uri"), "call `{uri}`");
        let answer = sender.publish(uri, json!([]), json!({})).await?;
        assert_eq!(answer.error_uri(), Some("wamp.error.invalid_uri"), "publish `{uri}`");
    }
    for uri in ["with a space", "a#b"] {
        let answer = sender.subscribe(uri, "exact").await?;
        assert_eq!(answer.error_uri(), Some("wamp.error.invalid_uri"), "subscribe `{uri}`");
    }
    let ready = format!("{}.ready", scene.div.root);
    assert_eq!(sender.call(&ready, json!([])).await?.value()?, json!(true));
    scene.nobody_else_noticed("malformed URIs").await
}

#[tokio::test]
async fn a_subscription_that_does_not_exist_cannot_be_ended() -> Result<()> {
    let scene = Scene::start().await?;
    let mut sender = scene.sender().await?;
    let answer = sender.unsubscribe(123_456).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.no_such_subscription"));
    Ok(())
}

#[tokio::test]
async fn a_goodbye_is_answered_by_a_goodbye() -> Result<()> {
    let scene = Scene::start().await?;
    let mut sender = scene.sender().await?;
    sender.goodbye().await
}

#[tokio::test]
async fn who_drops_the_connection_can_come_back() -> Result<()> {
    let mut scene = Scene::start().await?;
    for _ in 0..5 {
        let mut wamp = Wamp::connect(&scene.div.service.ws_url()).await?;
        wamp.send_text("[1,\"realm1\",{").await?;
        drop(wamp);
        drop(scene.sender().await?);
    }
    let login = Login::Ticket { authid: "s1@div.edu", ticket: "s1" };
    Wamp::login(&scene.div.service.ws_url(), login).await?;
    scene.nobody_else_noticed("dropped connections").await
}
