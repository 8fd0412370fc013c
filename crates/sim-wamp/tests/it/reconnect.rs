//! Agents: what they keep when sessions are lost, and when they stop.

mod home;
mod procedures;
mod topics;

use std::time::Duration;

use sim_wamp::{
    CallError, CallOptions, ClientOptions, Credentials, Error, MatchPolicy, Missed, Payload,
    Publication, RefusedKind, RegisterOptions, Request, SessionEvent, Setback, Status, uri,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::kit::{Server, Way, args, soon};
use home::{Home, Wire, agent, rejoined};

/// Answers with its only argument.
async fn echo(request: Request) -> Result<String, CallError> {
    let (text,) = request.args()?;
    Ok(text)
}

#[tokio::test]
async fn agent_takes_procedures_and_topics_along_when_the_router_restarts() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let session = agent.session().unwrap().info().session;
    let _echo = soon(agent.register("app.echo", MatchPolicy::Exact, echo)).await.unwrap();
    let mut topic = soon(agent.subscribe("app.", MatchPolicy::Prefix)).await.unwrap();
    let mut status = agent.status();
    let address = home.stop().await;
    let lost = soon(status.wait_for(|status| matches!(status, Status::Connecting { .. }))).await;
    match lost {
        Some(Status::Connecting { last_error: Some(Setback::Ended { reason }), .. }) => {
            assert_eq!(reason, uri::SYSTEM_SHUTDOWN);
        }
        // The agent may have tried already.
        Some(Status::Connecting { last_error: Some(Setback::Join(_)), .. }) => {}
        other => panic!("expected to be told why, not {other:?}"),
    }

    let topics = [uri::ON_REGISTER, uri::ON_SUBSCRIBE];
    let mut home = Home::start_at(address, &topics).await;
    // Of the watcher's own second subscription.
    let mut seen = vec![home.watcher.event().await.topic];
    while seen.len() < 3 {
        seen.push(home.watcher.event().await.topic);
    }
    seen.sort();
    assert_eq!(
        seen.iter().map(|it| &**it).collect::<Vec<_>>(),
        [uri::ON_REGISTER, uri::ON_SUBSCRIBE, uri::ON_SUBSCRIBE]
    );
    assert_ne!(rejoined(&agent, session).await, session);
    let result = soon(home.watcher.session.call("app.echo", args(r#"["again"]"#))).await;
    assert_eq!(result, Ok(args(r#"["again"]"#)));
    for number in 1..=3 {
        let publication = Publication::new("app.t", args(&format!("[{number}]")));
        soon(home.watcher.session.publish(publication)).await.unwrap();
    }
    let missed = soon(topic.recv()).await.unwrap().unwrap_err();
    assert_eq!(missed, Missed { dropped: 0, reconnected: true });
    for number in 1..=3 {
        assert_eq!(soon(topic.next::<u8>()).await, Some(Ok(number)));
    }
    soon(agent.close()).await;
}

#[tokio::test]
async fn broken_connections_neither_lose_nor_double_what_the_agent_has() {
    let mut home = Home::start().await;
    let wire = Wire::to(home.address).await;
    let agent = agent(&*wire.url).start();
    let _echo = soon(agent.register("app.echo", MatchPolicy::Exact, echo)).await.unwrap();
    let mut topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    home.follow(uri::ON_SUBSCRIBE).await;
    home.follow(uri::ON_REGISTER).await;
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_SUBSCRIBE);
    let mut session = agent.session().unwrap().info().session;
    for round in 0..3 {
        wire.cut(false);
        session = rejoined(&agent, session).await;
        for _ in 0..2 {
            home.watcher.event().await;
        }
        let publication = Publication::new("app.t", args(&format!("[{round}]")));
        soon(home.watcher.session.publish(publication)).await.unwrap();
        let missed = soon(topic.recv()).await.unwrap().unwrap_err();
        assert!(missed.reconnected);
        assert_eq!(soon(topic.next::<u8>()).await, Some(Ok(round)));
        let answer: String = soon(agent.call("app.echo", &("a",))).await.unwrap();
        assert_eq!(answer, "a");
    }
    assert_eq!(home.count("wamp.registration.list").await, 1);
    // The watcher has two.
    assert_eq!(home.count("wamp.subscription.list").await, 3);
    soon(agent.close()).await;
}

#[tokio::test]
async fn calls_under_way_fail_with_their_session_and_are_not_made_again() {
    let mut home = Home::start().await;
    let wire = Wire::to(home.address).await;
    let agent = agent(&*wire.url).start();
    soon(home.watcher.session.register("app.", MatchPolicy::Prefix)).await.unwrap();
    let first = soon(agent.joined()).await.unwrap().info().session;
    let patient = agent.when_joined();
    for handle in [&*agent, &patient] {
        let session = agent.session().unwrap().info().session;
        let cutting = async {
            let invocation = home.watcher.invocation().await;
            wire.cut(false);
            rejoined(&agent, session).await;
            match home.watcher.incoming.recv().await {
                Some(SessionEvent::Interrupt(_)) => invocation,
                other => panic!("expected an interrupt, not {other:?}"),
            }
        };
        let calling = handle.call::<()>("app.work", &());
        let (result, open) = soon(async { tokio::join!(calling, cutting) }).await;
        assert_eq!(result.unwrap_err().uri, uri::SESSION_ENDED);
        drop(open);
    }
    assert_ne!(agent.session().unwrap().info().session, first);
    // The next that comes is the next that was called.
    let answering = async {
        let invocation = home.watcher.invocation().await;
        assert_eq!(&*invocation.procedure, "app.other");
        invocation.respond(Ok(args("[7]"))).await;
    };
    let calling = agent.call::<u8>("app.other", &());
    let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
    assert_eq!(result, Ok(7));
}

#[tokio::test]
async fn what_waits_for_a_session_is_sent_in_the_first_one() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let agent = agent(format!("tcp://{address}")).start();
    assert_eq!(agent.call::<()>("app.echo", &()).await.unwrap_err().uri, uri::SESSION_ENDED);
    assert_eq!(agent.publish("app.t", &(1,)).await.unwrap_err().uri, uri::SESSION_ENDED);
    let starting = async {
        let mut home = Home::start_at(address, &["app.t"]).await;
        let event = home.watcher.event().await;
        assert_eq!(event.payload, args("[1]"));
        home
    };
    let waiting = agent.when_joined();
    let publishing = waiting.publish("app.t", &(1,));
    let registering = agent.register("app.echo", MatchPolicy::Exact, echo);
    let all = async { tokio::join!(starting, publishing, registering) };
    let (_home, published, registered) = soon(all).await;
    published.unwrap();
    let _echo = registered.unwrap();
    let answer: String = soon(waiting.call("app.echo", &("b",))).await.unwrap();
    assert_eq!(answer, "b");
}

#[tokio::test]
async fn refused_logins_are_tried_once() {
    let home = Home::start().await;
    let wrong = Credentials::Ticket { authid: "ann".into(), ticket: "wrong".into() };
    let right = Credentials::Ticket { authid: "ann".into(), ticket: "secret".into() };
    for (realm, credentials, expected) in [
        ("realm1", wrong, uri::AUTHENTICATION_FAILED),
        ("realm1", Credentials::Anonymous, uri::NO_MATCHING_AUTH_METHOD),
        ("realm9", right, uri::NO_SUCH_REALM),
    ] {
        let wire = Wire::to(home.address).await;
        let agent = sim_wamp::Agent::builder(&*wire.url, realm).credentials(credentials).start();
        match soon(agent.status().wait_for(Status::is_final)).await {
            Some(Status::Failed { last_error: Setback::Join(error) }) => {
                assert!(
                    matches!(&*error, Error::Aborted { reason, .. } if reason == expected),
                    "{error:?}"
                );
            }
            other => panic!("expected a failure, not {other:?}"),
        }
        assert_eq!(wire.connections(), 1);
        let refused = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap_err();
        assert_eq!(refused.uri, uri::SESSION_ENDED);
        assert!(refused.payload.args_json().contains(expected), "{refused}");
    }
}

#[tokio::test]
async fn another_router_takes_over_from_one_that_refuses_or_is_gone() {
    let (one, other) = (Home::start().await, Home::start().await);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("tcp://{}", free.local_addr().unwrap());
    drop(free);
    let agent = agent(nobody).url("http://of.no.use").url(one.url()).url(other.url()).start();
    let session = soon(agent.joined()).await.unwrap().info().session;
    assert_eq!(one.count("wamp.session.list").await, 2);
    one.stop().await;
    rejoined(&agent, session).await;
    assert_eq!(other.count("wamp.session.list").await, 2);
}

#[tokio::test]
async fn procedure_that_a_lost_session_still_holds_is_asked_for_until_it_is_free() {
    let mut home = Home::start().await;
    let wire = Wire::to(home.address).await;
    let agent = agent(&*wire.url).start();
    let _echo = soon(agent.register("app.echo", MatchPolicy::Exact, echo)).await.unwrap();
    let session = agent.session().unwrap().info().session;
    let mut status = agent.status();
    wire.cut(true);
    let refused =
        |status: &Status| matches!(status, Status::Joined { refused, .. } if !refused.is_empty());
    let Some(Status::Joined { refused, info }) = soon(status.wait_for(refused)).await else {
        panic!("the agent is joined");
    };
    assert_ne!(info.session, session);
    assert_eq!((refused[0].kind, &*refused[0].uri), (RefusedKind::Registration, "app.echo"));
    assert_eq!(refused[0].error.uri, uri::PROCEDURE_ALREADY_EXISTS);
    home.follow(uri::ON_REGISTER).await;
    wire.release();
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_REGISTER);
    let granted =
        |status: &Status| matches!(status, Status::Joined { refused, .. } if refused.is_empty());
    assert!(soon(status.wait_for(granted)).await.is_some());
    let answer: String = soon(agent.call("app.echo", &("c",))).await.unwrap();
    assert_eq!(answer, "c");
}

#[tokio::test]
async fn procedure_that_was_taken_over_is_not_taken_back_by_force() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    let force = RegisterOptions { force_reregister: true, ..RegisterOptions::default() };
    let _echo = soon(agent.register("app.echo", force, echo)).await.unwrap();
    let taken = soon(home.watcher.session.register("app.echo", force)).await.unwrap();
    let mut status = agent.status();
    let refused_with = |wanted: &'static str| {
        move |status: &Status| match status {
            Status::Joined { refused, .. } => refused.iter().any(|it| it.error.uri == wanted),
            _ => false,
        }
    };
    // First that it was taken, then that it is not given back.
    assert!(
        soon(status.wait_for(refused_with(uri::PROCEDURE_ALREADY_EXISTS))).await.is_some(),
        "the agent asks again"
    );
    home.follow(uri::ON_REGISTER).await;
    soon(home.watcher.session.unregister(taken)).await.unwrap();
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_REGISTER);
    let answer: String = soon(agent.call("app.echo", &("d",))).await.unwrap();
    assert_eq!(answer, "d");
}

#[tokio::test]
async fn agent_that_was_sent_away_comes_back_if_it_may() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let session = agent.session().unwrap().info().session;
    home.router.kill("realm1", "ann").await;
    rejoined(&agent, session).await;
}

#[tokio::test]
async fn agent_is_the_same_over_every_transport_and_serialization() {
    let server = Server::start().await;
    for way in Way::all() {
        let Way::Remote(transport, serializer) = way else { continue };
        let credentials =
            Credentials::Ticket { authid: "seven@example.org".into(), ticket: "pass".into() };
        let options = ClientOptions { serializers: vec![serializer], ..ClientOptions::default() };
        let agent = agent(server.url_of(transport)).credentials(credentials).options(options);
        let agent = agent.start();
        let _echo = soon(agent.register("app.echo", MatchPolicy::Exact, echo)).await.unwrap();
        let mut topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        let mut watcher = server.engine().await;
        let subscribing = watcher.session.subscribe(uri::ON_SUBSCRIBE, MatchPolicy::Exact);
        soon(subscribing).await.unwrap();
        watcher.event().await;
        server.router.kill("realm1", "7").await;
        assert_eq!(&*watcher.event().await.topic, uri::ON_SUBSCRIBE);
        soon(watcher.session.publish(Publication::new("app.t", args("[5]")))).await.unwrap();
        assert!(soon(topic.next::<u8>()).await.unwrap().is_err(), "{way:?}");
        assert_eq!(soon(topic.next::<u8>()).await, Some(Ok(5)), "{way:?}");
        // Once the topic is there again, the procedure that came before it is, too.
        let answer: String = soon(agent.call("app.echo", &("\u{fc}",))).await.unwrap();
        assert_eq!(answer, "\u{fc}", "{way:?}");
        soon(agent.close()).await;
    }
}

#[tokio::test]
async fn leaving_withdraws_procedures_and_lets_open_calls_finish() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    let handle = agent.handle();
    let (go_on, waits) = tokio::sync::watch::channel(false);
    let slow = move |_: Request| {
        let mut waits = waits.clone();
        async move {
            waits.wait_for(|go_on| *go_on).await.expect("the test lives");
            Ok("done")
        }
    };
    let _slow = soon(agent.register("app.slow", MatchPolicy::Exact, slow)).await.unwrap();
    home.follow(uri::ON_UNREGISTER).await;
    home.follow(uri::ON_LEAVE).await;
    let session = home.watcher.session.clone();
    let call = session.start_call("app.slow", Payload::empty(), CallOptions::default());
    let call = soon(call).await.unwrap();
    let closing = tokio::spawn(agent.close());
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_UNREGISTER);
    let late = soon(session.call("app.slow", Payload::empty())).await;
    assert_eq!(late.unwrap_err().uri, uri::NO_SUCH_PROCEDURE);
    assert!(!closing.is_finished(), "a call is open");
    go_on.send(true).unwrap();
    assert_eq!(soon(call.result()).await.unwrap().payload, args(r#"["done"]"#));
    soon(closing).await.unwrap();
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_LEAVE);
    let last = handle.status().now();
    assert!(matches!(&last, Status::Left { reason } if reason == uri::GOODBYE_AND_OUT), "{last:?}");
    assert_eq!(handle.call::<()>("app.slow", &()).await.unwrap_err().uri, uri::SESSION_ENDED);
}

#[tokio::test]
async fn dropped_agent_leaves() {
    let mut home = Home::start().await;
    home.follow(uri::ON_LEAVE).await;
    let agent = home.agent().await;
    let handle = agent.handle();
    let mut topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    drop(agent);
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_LEAVE);
    assert!(soon(topic.recv()).await.is_none());
    assert!(matches!(handle.status().now(), Status::Left { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_agents_come_and_go_and_leave_nothing() {
    let home = Home::start().await;
    let mut visiting = JoinSet::new();
    for number in 0..1000 {
        if visiting.len() == 20 {
            soon(visiting.join_next()).await.unwrap().unwrap();
        }
        let url = home.url();
        visiting.spawn(async move {
            let agent = agent(url).start();
            let procedure = format!("app.{number}");
            let registered = agent.register(&procedure, MatchPolicy::Exact, echo).await.unwrap();
            let topic = agent.subscribe("app.t", MatchPolicy::Exact).await.unwrap();
            let answer: String = agent.call(&procedure, &("e",)).await.unwrap();
            assert_eq!(answer, "e");
            match number % 3 {
                0 => drop(agent),
                1 => agent.close().await,
                _ => {
                    drop((registered, topic));
                    agent.close().await;
                }
            }
        });
    }
    while let Some(visited) = soon(visiting.join_next()).await {
        visited.unwrap();
    }
    // A dropped agent says goodbye a moment later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while home.count("wamp.session.list").await > 1 {
        assert!(Instant::now() < deadline, "sessions are left");
        tokio::task::yield_now().await;
    }
    assert_eq!(home.count("wamp.registration.list").await, 0);
    assert_eq!(home.count("wamp.subscription.list").await, 0);
}
