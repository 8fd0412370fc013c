//! The commands of `wamp`.

use serde_json::{Value, json};
use sim_wamp::{CallError, Client, Credentials, MatchPolicy, Payload, SessionEvent};

use crate::kit::{Router, WEBSOCKET};

const LISTENERS: [&str; 2] =
    [WEBSOCKET, "[[listen]]\ntransport = \"rawsocket\"\nunix = \"wamp.sock\"\n"];

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("this is no JSON: {line}"))
}

#[tokio::test]
async fn call_reaches_a_command_and_brings_its_result_back() {
    let router = Router::start(&LISTENERS.concat()).await;
    for url in 0..LISTENERS.len() {
        let ann = router.ann(url);
        let mut callee = ann.start(&["register", "com.example.public.echo", "--exec", "cat"]);
        callee.says("registered `com.example.public.echo`").await;
        for serializer in ["json", "msgpack", "cbor"] {
            let call = ["call", "com.example.public.echo", "--serializer", serializer, "--json"];
            let args = ["1", "-2.5", "a b", "{\"c\":[null]}", "--kwarg", "k=v"];
            let printed = router.wamp(url).run(&[&call[..], &args].concat()).await;
            let expected = json!({ "args": [{
                "args": [1, -2.5, "a b", {"c": [null]}], "kwargs": {"k": "v"},
                "procedure": "com.example.public.echo"
            }], "kwargs": {} });
            assert_eq!(parsed(&printed), expected);
        }
        callee.stop().await;
        let said = ann.fail(&["call", "com.example.public.echo"]).await;
        assert!(said.starts_with("error: wamp.error.no_such_procedure: "), "{said}");
    }
    router.running.stop().await;
}

#[tokio::test]
async fn results_are_readable() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sh", "-c", "echo hello"]);
    callee.says("registered").await;
    assert_eq!(ann.run(&["call", "com.example.p"]).await, "hello");
    callee.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn events_arrive_as_lines_until_there_are_enough() {
    let router = Router::start(&LISTENERS.concat()).await;
    for url in 0..LISTENERS.len() {
        let guest = router.wamp(url);
        let arguments = ["subscribe", "com.example.public.", "--match", "prefix", "--count", "2"];
        let mut people = guest.start(&arguments);
        let mut programs = guest.start(&[&arguments[..], &["--json"]].concat());
        people.says("subscribed to `com.example.public.`").await;
        programs.says("subscribed to `com.example.public.`").await;
        let publish = ["publish", "com.example.public.a", "1", "b", "--kwarg", "k=2"];
        let nothing = router.ann(url).run(&publish).await;
        assert_eq!(nothing, "");
        let acknowledged = [&publish[..], &["--acknowledge", "--json", "--text"]].concat();
        let acknowledged = parsed(&router.ann(url).run(&acknowledged).await);
        let (code, printed, _) = people.ended().await;
        assert_eq!(code, Some(0));
        let lines =
            ["com.example.public.a 1 \"b\" k=2", "com.example.public.a \"1\" \"b\" k=\"2\""];
        assert_eq!(printed, lines);
        let (code, printed, _) = programs.ended().await;
        assert_eq!(code, Some(0));
        let [first, last] = [0, 1].map(|line| parsed(&printed[line]));
        assert_eq!((&first["args"], &first["kwargs"]), (&json!([1, "b"]), &json!({"k": 2})));
        assert_eq!(first["publisher"]["authid"], "ann");
        assert_eq!(last["publication"], acknowledged["publication"]);
    }
    router.running.stop().await;
}

#[tokio::test]
async fn event_may_be_kept_and_may_be_for_some_only() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let publish = |text: &'static str, more: &[&'static str]| {
        [&["publish", "com.example.public.news", text, "--acknowledge"][..], more].concat()
    };
    ann.run(&publish("old", &["--retain"])).await;
    let subscribe = ["subscribe", "com.example.public.news", "--get-retained", "--count"];
    let mut guest = router.wamp(0).start(&[&subscribe[..], &["2"]].concat());
    assert_eq!(guest.line().await, "com.example.public.news \"old\"");
    ann.run(&publish("no guests", &["--exclude-authrole", "guest"])).await;
    ann.run(&publish("only users", &["--eligible-authrole", "user"])).await;
    ann.run(&publish("all", &[])).await;
    assert_eq!(guest.line().await, "com.example.public.news \"all\"");
    assert_eq!(guest.ended().await.0, Some(0));
    router.running.stop().await;
}

#[tokio::test]
async fn results_come_one_after_the_other_and_errors_say_everything() {
    let router = Router::start(WEBSOCKET).await;
    let credentials = Credentials::Ticket { authid: "ann".into(), ticket: "secret-of-ann".into() };
    let client = Client::connect(&router.urls[0], "realm1", credentials).await.unwrap();
    let (session, mut incoming, connection) = client.split();
    session.register("com.example.", MatchPolicy::Prefix).await.unwrap();
    let serving = tokio::spawn(async move {
        while let Some(SessionEvent::Invocation(call)) = incoming.recv().await {
            if &*call.procedure == "com.example.bad" {
                let payload = Payload::from_json(Some("[1,\"two\\n\"]"), Some("{\"k\":null}"));
                let uri = "com.example.error".to_owned();
                call.respond(Err(CallError { uri, payload })).await;
                continue;
            }
            if call.receive_progress {
                call.responder.progress(Payload::text("first")).await;
            }
            call.respond(Ok(Payload::text("last"))).await;
        }
    });
    let ann = router.ann(0);
    let printed = ann.run(&["call", "com.example.good", "--progress"]).await;
    assert_eq!(printed, "first\nlast");
    let printed = ann.run(&["call", "com.example.good", "--progress", "--json"]).await;
    let lines: Vec<_> = printed.lines().map(parsed).collect();
    assert_eq!(lines[0], json!({"args": ["first"], "kwargs": {}, "progress": true}));
    assert_eq!(lines[1], json!({"args": ["last"], "kwargs": {}}));
    assert_eq!(ann.run(&["call", "com.example.good"]).await, "last");
    let said = ann.fail(&["call", "com.example.bad"]).await;
    assert_eq!(said, r#"error: com.example.error: 1 "two\n" k=null"#);
    connection.close().await;
    serving.await.unwrap();
    router.running.stop().await;
}

#[tokio::test]
async fn subscriber_ends_well_when_it_is_told_to() {
    let router = Router::start(WEBSOCKET).await;
    let mut guest = router.wamp(0).start(&["subscribe", "com.example.public.a"]);
    guest.says("subscribed").await;
    guest.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn ping_tells_the_times_of_its_round_trips() {
    let router = Router::start(&LISTENERS.concat()).await;
    for url in 0..LISTENERS.len() {
        let printed = router.wamp(url).run(&["ping", "--count", "3"]).await;
        assert!(printed.starts_with("3 round trips: min "), "{printed}");
        let times = parsed(&router.ann(url).run(&["ping", "--json"]).await);
        let [min, avg, max] =
            ["min_ms", "avg_ms", "max_ms"].map(|name| times[name].as_f64().unwrap());
        assert!(0.0 < min && min <= avg && avg <= max, "{times}");
        assert_eq!(times["count"], 10);
    }
    router.running.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_one_line() {
    let router = Router::start(WEBSOCKET).await;
    let nowhere = router.wamp(0).env("WAMP_URL", "unix:/no/such/socket");
    let said = nowhere.fail(&["ping"]).await;
    assert!(said.starts_with("error: cannot connect to `unix:/no/such/socket`: "), "{said}");
    let said = router.wamp(0).fail(&["ping", "--realm", "realm2"]).await;
    assert!(said.contains("`wamp.error.no_such_realm`"), "{said}");
    let (code, _, said) = router.wamp(0).start(&["call"]).ended().await;
    assert_eq!((code, said.len()), (Some(2), 1), "{said:?}");
    router.running.stop().await;
}
