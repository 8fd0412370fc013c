//! What a realm answers about itself, and what it does on request.

use serde_json::{Value, json};
use sim_wamp::{
    CallError, Invoke, MatchPolicy, Payload, Publication, RegisterOptions, Session, SessionEvent,
    uri,
};

use crate::kit::{Joined, Server, Way, args, soon};

async fn ask(session: &Session, procedure: &str, args: Value) -> Result<Value, CallError> {
    ask_with(session, procedure, args, json!({})).await
}

async fn ask_with(
    session: &Session,
    procedure: &str,
    args: Value,
    kwargs: Value,
) -> Result<Value, CallError> {
    let payload = Payload::from_json(Some(args.to_string()), Some(kwargs.to_string()));
    let answer = soon(session.call(&format!("wamp.{procedure}"), payload)).await?;
    let answer: Vec<Value> = answer.args().expect("every answer is a list");
    Ok(answer.into_iter().next().unwrap_or(Value::Null))
}

fn id(joined: &Joined) -> u64 {
    joined.session.info().session
}

/// Receives a meta event.
async fn notice(joined: &mut Joined) -> (String, Value) {
    let event = joined.event().await;
    (event.topic.to_string(), event.payload.args().expect("an event has arguments"))
}

fn error(result: Result<Value, CallError>) -> String {
    result.expect_err("the call is refused").uri
}

#[tokio::test]
async fn sessions_are_counted_listed_and_described() {
    let server = Server::start().await;
    let engine = server.engine().await;
    for way in Way::all() {
        let joined = server.join(way).await;
        let session = &joined.session;
        assert_eq!(ask(session, "session.count", json!([])).await, Ok(json!(2)));
        assert_eq!(ask(session, "session.count", json!([["player"]])).await, Ok(json!(1)));
        assert_eq!(
            ask(session, "session.list", json!([["service"]])).await,
            Ok(json!([id(&engine)]))
        );
        let mut details = ask(session, "session.get", json!([id(&joined)])).await.unwrap();
        let joined_at = details.as_object_mut().and_then(|it| it.remove("joined"));
        assert!(joined_at.is_some_and(|at| at.as_str().is_some_and(|at| at.ends_with('Z'))));
        let info = joined.session.info();
        let expected = json!({
            "session": info.session,
            "authid": "7",
            "authrole": "player",
            "authmethod": &*info.authmethod,
            "authprovider": &*info.authprovider,
        });
        assert_eq!(details, expected);
        assert_eq!(error(ask(session, "session.get", json!([1])).await), uri::NO_SUCH_SESSION);
        assert_eq!(error(ask(session, "session.get", json!(["x"])).await), uri::INVALID_ARGUMENT);
        assert_eq!(error(ask(session, "session.nothing", json!([])).await), uri::NO_SUCH_PROCEDURE);
        soon(session.leave()).await;
    }
}

#[tokio::test]
async fn sessions_are_sent_away_but_neither_the_caller_nor_the_program_s_own() {
    let server = Server::start().await;
    let engine = server.engine().await;
    let caller = server.join(Way::SOCKET).await;
    for way in Way::all() {
        let mut killed = Vec::new();
        for (procedure, args) in [
            ("session.kill", None),
            ("session.kill_by_authid", Some(json!(["7"]))),
            ("session.kill_by_authrole", Some(json!(["player"]))),
            ("session.kill_all", Some(json!([]))),
        ] {
            let mut victim = server.join(way).await;
            let args = args.unwrap_or_else(|| json!([id(&victim)]));
            let kwargs = json!({ "reason": "app.close.enough", "message": "go" });
            let answer = ask_with(&caller.session, procedure, args, kwargs).await.unwrap();
            assert_eq!(victim.goodbye().await, "app.close.enough", "{procedure} {way:?}");
            killed.push(match answer {
                Value::Array(ids) => ids == [json!(id(&victim))],
                Value::Number(count) => count.as_u64() == Some(1),
                other => other.is_null() && procedure == "session.kill",
            });
        }
        assert_eq!(killed, [true; 4]);
    }
    for own in [id(&caller), id(&engine)] {
        let refused = ask(&caller.session, "session.kill", json!([own])).await;
        assert_eq!(error(refused), uri::NO_SUCH_SESSION);
    }
    let bad = json!({ "reason": "no uri" });
    let refused = ask_with(&caller.session, "session.kill_all", json!([]), bad).await;
    assert_eq!(error(refused), uri::INVALID_URI);
    let mut victim = server.join(Way::SOCKET).await;
    ask(&caller.session, "session.kill", json!([id(&victim)])).await.unwrap();
    assert_eq!(victim.goodbye().await, uri::CLOSE_NORMAL);
}

#[tokio::test]
async fn registrations_are_found_described_and_taken_away() {
    let server = Server::start().await;
    let mut callee = server.join(Way::SOCKET).await;
    let other = server.join(Way::SOCKET).await;
    let shared = RegisterOptions {
        policy: MatchPolicy::Prefix,
        invoke: Invoke::Last,
        ..RegisterOptions::default()
    };
    let registration = soon(callee.session.register("app.p", shared)).await.unwrap();
    soon(other.session.register("app.p", shared)).await.unwrap();
    let session = &other.session;
    let list = json!({ "exact": [], "prefix": [registration], "wildcard": [] });
    assert_eq!(ask(session, "registration.list", json!([])).await, Ok(list));
    let prefix = json!({ "match": "prefix" });
    for (procedure, args, answer) in [
        ("registration.lookup", json!(["app.p", prefix]), json!(registration)),
        ("registration.lookup", json!(["app.p"]), Value::Null),
        ("registration.match", json!(["app.px.y"]), json!(registration)),
        ("registration.match", json!(["app.q"]), Value::Null),
        ("registration.count_callees", json!([registration]), json!(2)),
        ("registration.list_callees", json!([registration]), json!([id(&callee), id(&other)])),
    ] {
        assert_eq!(ask(session, procedure, args).await, Ok(answer), "{procedure}");
    }
    let details = ask(session, "registration.get", json!([registration])).await.unwrap();
    assert_eq!((&details["uri"], &details["match"]), (&json!("app.p"), &json!("prefix")));
    assert_eq!((&details["invoke"], &details["id"]), (&json!("last"), &json!(registration)));
    for procedure in ["get", "count_callees", "list_callees", "remove_callee"] {
        let refused = ask(session, &format!("registration.{procedure}"), json!([7, 7])).await;
        assert_eq!(error(refused), uri::NO_SUCH_REGISTRATION, "{procedure}");
    }
    let bad = ask(session, "registration.lookup", json!(["app.p", { "match": "x" }])).await;
    assert_eq!(error(bad), uri::INVALID_ARGUMENT);

    let callee_id = id(&callee);
    ask(session, "registration.remove_callee", json!([registration, callee_id])).await.unwrap();
    match soon(callee.incoming.recv()).await {
        Some(SessionEvent::Unregistered { registration: revoked, reason }) => {
            assert_eq!((revoked, &*reason), (registration, uri::CLOSE_NORMAL));
        }
        other => panic!("expected a revocation, not {other:?}"),
    }
    let again = ask(session, "registration.remove_callee", json!([registration, callee_id])).await;
    assert_eq!(error(again), uri::NO_SUCH_SESSION);
}

#[tokio::test]
async fn nobody_from_outside_takes_over_what_the_program_itself_offers() {
    let server = Server::start().await;
    let engine = server.engine().await;
    let registration = soon(engine.session.register("app.x", MatchPolicy::Exact)).await.unwrap();
    let other = server.join(Way::SOCKET).await;
    let force = RegisterOptions { force_reregister: true, ..RegisterOptions::default() };
    let refused = soon(other.session.register("app.x", force)).await;
    assert_eq!(refused.unwrap_err().uri, uri::PROCEDURE_ALREADY_EXISTS);
    let removal = json!([registration, id(&engine)]);
    let refused = ask(&other.session, "registration.remove_callee", removal).await;
    assert_eq!(error(refused), uri::NO_SUCH_SESSION);
    let second = server.engine().await;
    soon(second.session.register("app.x", force)).await.unwrap();
}

#[tokio::test]
async fn subscriptions_are_found_described_and_taken_away() {
    let server = Server::start().await;
    let mut subscriber = server.join(Way::SOCKET).await;
    let other = server.join(Way::SOCKET).await;
    let exact = soon(subscriber.session.subscribe("app.w.a.x", MatchPolicy::Exact)).await.unwrap();
    let wild = soon(other.session.subscribe("app.w..x", MatchPolicy::Wildcard)).await.unwrap();
    let session = &other.session;
    let list = json!({ "exact": [exact], "prefix": [], "wildcard": [wild] });
    assert_eq!(ask(session, "subscription.list", json!([])).await, Ok(list));
    for (procedure, args, answer) in [
        ("subscription.lookup", json!(["app.w..x", { "match": "wildcard" }]), json!(wild)),
        ("subscription.lookup", json!(["app.q"]), Value::Null),
        ("subscription.match", json!(["app.w.a.x"]), json!([exact, wild])),
        ("subscription.match", json!(["app.q"]), Value::Null),
        ("subscription.count_subscribers", json!([exact]), json!(1)),
        ("subscription.list_subscribers", json!([exact]), json!([id(&subscriber)])),
    ] {
        assert_eq!(ask(session, procedure, args).await, Ok(answer), "{procedure}");
    }
    let details = ask(session, "subscription.get", json!([wild])).await.unwrap();
    assert_eq!((&details["uri"], &details["match"]), (&json!("app.w..x"), &json!("wildcard")));
    for procedure in ["get", "count_subscribers", "list_subscribers", "remove_subscriber"] {
        let refused = ask(session, &format!("subscription.{procedure}"), json!([7, 7])).await;
        assert_eq!(error(refused), uri::NO_SUCH_SUBSCRIPTION, "{procedure}");
    }
    let removed = json!([exact, id(&subscriber)]);
    let reason = json!({ "reason": "app.why" });
    ask_with(session, "subscription.remove_subscriber", removed, reason).await.unwrap();
    match soon(subscriber.incoming.recv()).await {
        Some(SessionEvent::Unsubscribed { subscription, reason }) => {
            assert_eq!((subscription, &*reason), (exact, "app.why"));
        }
        other => panic!("expected a revocation, not {other:?}"),
    }
}

#[tokio::test]
async fn what_happens_to_registrations_and_subscriptions_is_announced() {
    let server = Server::start().await;
    let mut watcher = server.engine().await;
    for topic in ["wamp.registration.", "wamp.subscription."] {
        soon(watcher.session.subscribe(topic, MatchPolicy::Prefix)).await.unwrap();
    }
    // Of the second subscription it hears itself.
    for _ in 0..2 {
        notice(&mut watcher).await;
    }
    for way in Way::all() {
        let joined = server.join(way).await;
        let (session, me) = (&joined.session, id(&joined));
        let registration = soon(session.register("app.p", MatchPolicy::Exact)).await.unwrap();
        let (topic, details) = notice(&mut watcher).await;
        assert_eq!(
            (topic.as_str(), &details[1]["uri"]),
            (uri::ON_REGISTRATION_CREATE, &json!("app.p"))
        );
        soon(session.unregister(registration)).await.unwrap();
        let subscription = soon(session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        soon(session.leave()).await;
        for (expected, of) in [
            (uri::ON_REGISTER, registration),
            (uri::ON_UNREGISTER, registration),
            (uri::ON_REGISTRATION_DELETE, registration),
        ] {
            assert_eq!(notice(&mut watcher).await, (expected.to_owned(), json!([me, of])));
        }
        let (topic, details) = notice(&mut watcher).await;
        assert_eq!(
            (topic.as_str(), &details[1]["id"]),
            (uri::ON_SUBSCRIPTION_CREATE, &json!(subscription))
        );
        for expected in [uri::ON_SUBSCRIBE, uri::ON_UNSUBSCRIBE, uri::ON_SUBSCRIPTION_DELETE] {
            assert_eq!(
                notice(&mut watcher).await,
                (expected.to_owned(), json!([me, subscription]))
            );
        }
    }
}

#[tokio::test]
async fn testaments_are_published_when_their_session_is_gone() {
    let server = Server::start().await;
    let mut heir = server.engine().await;
    soon(heir.session.subscribe("app.will", MatchPolicy::Prefix)).await.unwrap();
    for way in Way::all() {
        let joined = server.join(way).await;
        let session = &joined.session;
        let add = "session.add_testament";
        for (topic, kwargs) in [
            ("app.will.last", json!({})),
            ("app.will.first", json!({ "scope": "detached" })),
            ("app.will.other", json!({ "publish_options": { "eligible_authrole": ["nobody"] } })),
        ] {
            let testament = json!([topic, [1], { "k": 2 }]);
            ask_with(session, add, testament, kwargs).await.unwrap();
        }
        for (testament, kwargs, refused) in [
            (json!(["other.x", [], {}]), json!({}), uri::NOT_AUTHORIZED),
            (json!(["wamp.x", [], {}]), json!({}), uri::INVALID_URI),
            (json!([7]), json!({}), uri::INVALID_ARGUMENT),
            (json!(["app.will", 7]), json!({}), uri::INVALID_ARGUMENT),
            (json!(["app.will"]), json!({ "scope": "x" }), uri::INVALID_ARGUMENT),
            (
                json!(["app.will"]),
                json!({ "publish_options": { "exclude": 1 } }),
                uri::INVALID_ARGUMENT,
            ),
        ] {
            let answer = ask_with(session, add, testament, kwargs).await;
            assert_eq!(error(answer), refused, "{way:?}");
        }
        drop(joined);
        for topic in ["app.will.first", "app.will.last"] {
            let event = heir.event().await;
            assert_eq!((&*event.topic, event.payload.kwargs_json()), (topic, r#"{"k":2}"#));
        }
    }
    let joined = server.join(Way::Local).await;
    for number in 0..64 {
        let testament = json!([format!("app.will.{number}")]);
        ask(&joined.session, "session.add_testament", testament).await.unwrap();
    }
    let many = ask(&joined.session, "session.add_testament", json!(["app.will.x"])).await;
    assert_eq!(error(many), uri::RESOURCE_EXHAUSTED);
    let flushed = ask(&joined.session, "session.flush_testaments", json!([])).await;
    assert_eq!(flushed, Ok(json!(64)));
    drop(joined);
    soon(heir.session.publish(Publication::new("app.will.end", args("[]")).including_me()))
        .await
        .unwrap();
    assert_eq!(&*heir.event().await.topic, "app.will.end");
}

#[tokio::test]
async fn history_answers_what_the_caller_would_have_received() {
    let server = Server::start().await;
    let engine = server.engine().await;
    let joined = server.join(Way::SOCKET).await;
    let session = &joined.session;
    let mut ids = Vec::new();
    for n in 0..5 {
        let topic = format!("app.history.{}", n % 2);
        let mut publication = Publication::new(topic, args(&format!("[{n}]"))).acknowledged();
        if n == 3 {
            publication.exclude_authid = vec!["7".to_owned()];
        }
        ids.push(soon(engine.session.publish(publication)).await.unwrap().unwrap());
    }
    let subscription = soon(session.subscribe("app.history.", MatchPolicy::Prefix)).await.unwrap();
    let events = async |kwargs: Value| {
        let answer = ask_with(session, "subscription.get_events", json!([subscription]), kwargs);
        let answer = answer.await.unwrap();
        let events = answer.as_array().unwrap().clone();
        events.iter().map(|event| event["args"][0].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // The last three, of which one was not for this user.
    assert_eq!(events(json!({})).await, [2, 4]);
    assert_eq!(events(json!({ "reverse": true, "limit": 1 })).await, [4]);
    assert_eq!(events(json!({ "after_publication": ids[2] })).await, [4]);
    assert_eq!(events(json!({ "until_publication": ids[2] })).await, [2]);
    assert_eq!(events(json!({ "topic": "app.history.1" })).await, [] as [u64; 0]);
    assert_eq!(events(json!({ "before_time": "2020-01-01T00:00:00Z" })).await, [] as [u64; 0]);
    assert_eq!(events(json!({ "from_time": "2020-01-01T00:00:00Z" })).await, [2, 4]);
    for bad in [json!({ "limit": 0 }), json!({ "from_time": "soon" }), json!({ "reverse": 1 })] {
        let refused =
            ask_with(session, "subscription.get_events", json!([subscription]), bad).await;
        assert_eq!(error(refused), uri::INVALID_ARGUMENT);
    }
    let stranger = server.join(Way::Local).await;
    let refused = ask(&stranger.session, "subscription.get_events", json!([subscription])).await;
    assert_eq!(error(refused), uri::NO_SUCH_SUBSCRIPTION, "only subscribers may ask");
    let all = ask(&engine.session, "subscription.get_events", json!([subscription])).await.unwrap();
    assert_eq!(all.as_array().map(Vec::len), Some(3), "the program itself sees everything");
}
