//! Calls, publications and the life of a session, whichever way it joined.

use sim_wamp::{CallError, MatchPolicy, Payload, Publication, uri};

use crate::kit::{Heard, Joined, Server, Way, args, soon};

/// Calls while the callee answers.
async fn call(
    caller: &Joined,
    callee: &mut Joined,
    uri: &str,
    answer: Result<Payload, CallError>,
) -> Result<Payload, CallError> {
    let answering = async { callee.invocation().await.respond(answer).await };
    let (result, ()) =
        soon(async { tokio::join!(caller.session.call(uri, args(r#"[1e30,"x"]"#)), answering) })
            .await;
    result
}

#[tokio::test]
async fn call_reaches_the_callee_and_its_answer_the_caller() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.add", MatchPolicy::Exact)).await.unwrap();
        let answer = Payload::from_json(Some("[3]"), Some(r#"{"k":1}"#));
        let result = call(&caller, &mut callee, "app.add", Ok(answer.clone())).await;
        assert_eq!(result, Ok(answer), "{one:?} {other:?}");
        let error = CallError::new("app.error.no", "no \"way\"");
        let result = call(&caller, &mut callee, "app.add", Err(error.clone())).await;
        assert_eq!(result, Err(error), "{one:?} {other:?}");
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn invocation_carries_the_called_uri_the_caller_and_the_raw_payload() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        let registration =
            soon(callee.session.register("app.w..run", MatchPolicy::Wildcard)).await.unwrap();
        // The caller's second request, the callee's first invocation.
        soon(caller.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        let calling = caller.session.call("app.w.17.run", args(r#"[17 , "ü"]"#));
        let answering = async {
            let invocation = callee.invocation().await;
            assert_eq!(&*invocation.procedure, "app.w.17.run");
            assert_eq!(invocation.registration, registration);
            assert_eq!(invocation.payload, args(r#"[17,"ü"]"#));
            let disclosed = invocation.caller.clone().unwrap();
            assert_eq!(disclosed.session, caller.session.info().session);
            assert_eq!((&*disclosed.authid, &*disclosed.authrole), ("7", "player"));
            assert_eq!((invocation.request, invocation.caller_request), (1, Some(2)));
            drop(invocation);
        };
        let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
        assert_eq!(result.unwrap_err().uri, uri::CANCELED, "a dropped call is canceled");
        soon(callee.session.unregister(registration)).await.unwrap();
        let gone = soon(caller.session.call("app.w.17.run", Payload::empty())).await;
        assert_eq!(gone.unwrap_err().uri, uri::NO_SUCH_PROCEDURE);
        let again = soon(callee.session.unregister(registration)).await;
        assert_eq!(again.unwrap_err().uri, uri::NO_SUCH_REGISTRATION);
    }
}

#[tokio::test]
async fn call_is_canceled_when_its_callee_leaves() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.never", MatchPolicy::Prefix)).await.unwrap();
        let leaving = async {
            let _open = callee.invocation().await;
            callee.session.leave().await;
        };
        let calling = caller.session.call("app.never.x", Payload::empty());
        let (result, ()) = soon(async { tokio::join!(calling, leaving) }).await;
        assert_eq!(result.unwrap_err().uri, uri::CANCELED);
        assert_eq!(callee.goodbye().await, uri::GOODBYE_AND_OUT);
        assert!(soon(callee.incoming.recv()).await.is_none());
        let dead = soon(callee.session.call("app.x", Payload::empty())).await;
        assert_eq!(dead.unwrap_err().uri, uri::SESSION_ENDED);
    }
}

#[tokio::test]
async fn events_reach_the_subscribers_of_all_three_policies_in_order() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (publisher, mut subscriber) = (server.join(one).await, server.join(other).await);
        let session = &subscriber.session;
        let exact = soon(session.subscribe("app.w.1.add", MatchPolicy::Exact)).await.unwrap();
        let prefix = soon(session.subscribe("app.w.1.a", MatchPolicy::Prefix)).await.unwrap();
        let again = soon(session.subscribe("app.w.1.a", MatchPolicy::Prefix)).await.unwrap();
        let wild = soon(session.subscribe("app.w..add", MatchPolicy::Wildcard)).await.unwrap();
        assert_eq!(prefix, again);
        let publication = Publication::new("app.w.1.add", args("[1]")).acknowledged();
        let id = soon(publisher.session.publish(publication)).await.unwrap().unwrap();
        for expected in [exact, prefix, wild] {
            let event = subscriber.event().await;
            assert_eq!((event.subscription, event.publication), (expected, id));
            assert_eq!((&*event.topic, event.payload.args_json()), ("app.w.1.add", "[1]"));
            let disclosed = event.publisher.unwrap();
            assert_eq!(disclosed.session, publisher.session.info().session);
        }
        for subscription in [exact, wild] {
            soon(subscriber.session.unsubscribe(subscription)).await.unwrap();
        }
        let batch =
            (0..100).map(|n| Publication::new(format!("app.w.1.a{n}"), args(&format!("[{n}]"))));
        soon(publisher.session.publish_all(batch.collect())).await.unwrap();
        for n in 0..100 {
            assert_eq!(subscriber.event().await.payload.args_json(), format!("[{n}]"));
        }
    }
}

#[tokio::test]
async fn publisher_hears_itself_only_when_it_wants_to() {
    let server = Server::start().await;
    for way in Way::all() {
        let mut joined = server.join(way).await;
        soon(joined.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        for publication in [
            Publication::new("app.t", args("[1]")),
            Publication::new("app.t", args("[2]")).including_me(),
        ] {
            assert_eq!(soon(joined.session.publish(publication)).await, Ok(None));
        }
        assert_eq!(joined.event().await.payload.args_json(), "[2]");
    }
}

#[tokio::test]
async fn without_disclosure_only_trusted_sessions_know_who_it_was() {
    let server = Server::with(sim_wamp::Limits::default(), false).await;
    for (one, other) in Way::pairs() {
        let mut engine = server.engine().await;
        let (publisher, mut subscriber) = (server.join(one).await, server.join(other).await);
        for session in [&engine.session, &subscriber.session] {
            soon(session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        }
        soon(publisher.session.publish(Publication::new("app.t", args("[1]")))).await.unwrap();
        assert!(subscriber.event().await.publisher.is_none());
        assert!(engine.event().await.publisher.is_some());
        let mut asking = Publication::new("app.t", args("[2]"));
        asking.disclose_me = true;
        soon(publisher.session.publish(asking)).await.unwrap();
        assert!(subscriber.event().await.publisher.is_some());
        engine.event().await;

        soon(engine.session.register("app.p", MatchPolicy::Exact)).await.unwrap();
        soon(subscriber.session.register("app.q", MatchPolicy::Exact)).await.unwrap();
        for (callee, uri, known) in
            [(&mut engine, "app.p", true), (&mut subscriber, "app.q", false)]
        {
            let answering = async {
                let invocation = callee.invocation().await;
                assert_eq!(invocation.caller.is_some(), known);
                invocation.respond(Ok(Payload::empty())).await;
            };
            let calling = publisher.session.call(uri, Payload::empty());
            let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
            result.unwrap();
        }
        soon(engine.session.leave()).await;
        soon(subscriber.session.leave()).await;
    }
}

#[tokio::test]
async fn joining_and_leaving_are_announced() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    for topic in [uri::ON_JOIN, uri::ON_LEAVE] {
        soon(engine.session.subscribe(topic, MatchPolicy::Exact)).await.unwrap();
    }
    for (way, method, provider) in
        [(Way::Local, "local", "local"), (Way::SOCKET, "ticket", "static")]
    {
        for politely in [true, false] {
            let joined = server.join(way).await;
            let id = joined.session.info().session;
            let event = engine.event().await;
            let expected = format!(
                r#"[{{"session":{id},"authid":"7","authrole":"player","authmethod":"{method}","authprovider":"{provider}"}}]"#
            );
            assert_eq!((&*event.topic, event.payload.args_json()), (uri::ON_JOIN, &*expected));
            assert!(event.publisher.is_none());
            if politely {
                soon(joined.session.leave()).await;
            }
            drop(joined);
            let event = engine.event().await;
            let expected = format!(r#"[{id},"7","player"]"#);
            assert_eq!((&*event.topic, event.payload.args_json()), (uri::ON_LEAVE, &*expected));
        }
    }
}

#[tokio::test]
async fn shutdown_says_goodbye_to_everybody_and_lets_nobody_in() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    let mut local = server.join(Way::Local).await;
    let mut remote = server.join(Way::SOCKET).await;
    let mut raw = server.raw_joined().await;
    // A peer that does not speak WAMP yet must not hold the shutdown up.
    let mut silent = server.raw().await;
    let watching = async {
        let text = raw.text().await;
        assert_eq!(text, r#"[6,{},"wamp.close.system_shutdown"]"#);
        assert_eq!(raw.hear().await, Heard::Close(1000));
        let text = silent.text().await;
        assert!(text.ends_with(r#""wamp.close.system_shutdown"]"#), "{text}");
        while silent.hear().await != Heard::Gone {}
        assert_eq!(raw.hear().await, Heard::Gone);
    };
    soon(async { tokio::join!(server.router.shutdown(), watching) }).await;
    for joined in [&mut engine, &mut local, &mut remote] {
        assert_eq!(joined.goodbye().await, uri::SYSTEM_SHUTDOWN);
    }
    assert!(server.router.attach("realm1", "x", "y").await.is_err());
    let refused = soon(tokio_tungstenite::connect_async(server.url())).await;
    assert!(refused.is_err());
    // A second shutdown has nothing to do.
    soon(server.router.shutdown()).await;
}

#[tokio::test]
async fn client_that_closes_has_sent_all_it_published() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    soon(engine.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let credentials =
        sim_wamp::Credentials::Ticket { authid: "seven@example.org".into(), ticket: "pass".into() };
    let client = sim_wamp::Client::connect(&server.url(), "realm1", credentials).await.unwrap();
    for n in 0..500 {
        let publication = Publication::new("app.t", args(&format!("[{n}]")));
        soon(client.session.publish(publication)).await.unwrap();
    }
    soon(client.close()).await;
    for n in 0..500 {
        assert_eq!(engine.event().await.payload.args_json(), format!("[{n}]"));
    }
}
