//! Each limit, exactly at its bound.

use std::time::Duration;

use sim_wamp::{
    CallOptions, Client, Credentials, Error, Limits, MatchPolicy, Payload, Publication, Serializer,
    SessionEvent, SlowSubscriber, uri,
};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::kit::{Heard, Server, Transport, Way, args, soon};

async fn server(change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits::default();
    change(&mut limits);
    Server::with(limits, true).await
}

#[tokio::test]
async fn message_of_the_longest_length_passes_and_longer_ones_close_with_1009() {
    let server = server(|limits| limits.message_bytes = 10_000).await;
    let message = |length: usize| {
        let text = r#"[48,1,{},"app.x",[""]]"#;
        text.replace(r#""""#, &format!("\"{}\"", "x".repeat(length - text.len())))
    };
    let mut raw = server.raw_joined().await;
    raw.send(&message(10_000)).await;
    assert!(raw.text().await.contains(uri::NO_SUCH_PROCEDURE));
    for length in [10_001, 20_000, 20_001, 100_000] {
        let mut raw = server.raw_joined().await;
        raw.send(&message(length)).await;
        assert_eq!(raw.hear().await, Heard::Close(1009), "{length}");
    }
    let mut raw = server.raw_joined().await;
    raw.frame(Frame::Binary(vec![0; 10_001].into())).await;
    assert_eq!(raw.hear().await, Heard::Close(1009));
}

#[tokio::test]
async fn realm_takes_as_many_sessions_as_it_may() {
    let server = server(|limits| limits.sessions = 2).await;
    let engine = server.engine().await;
    let second = server.join(Way::SOCKET).await;
    let refused = server.router.attach("realm1", "x", "y").await;
    assert!(matches!(refused, Err(Error::RealmFull(_))));
    let refused = soon(Client::connect(&server.url(), "realm1", Credentials::Anonymous)).await;
    match refused {
        Err(Error::Aborted { reason, .. }) => assert_eq!(reason, uri::RESOURCE_EXHAUSTED),
        other => panic!("{other:?}"),
    }
    soon(second.session.leave()).await;
    soon(Client::connect(&server.url(), "realm1", Credentials::Anonymous)).await.unwrap();
    soon(engine.session.leave()).await;
}

#[tokio::test]
async fn subscriptions_registrations_and_open_calls_are_limited_per_session() {
    let server = server(|limits| {
        (limits.subscriptions, limits.registrations, limits.open_calls) = (2, 2, 2);
    })
    .await;
    let mut engine = server.engine().await;
    for uri in ["app.a", "app.b", "app.c"] {
        soon(engine.session.register(uri, MatchPolicy::Exact)).await.unwrap();
    }
    for way in Way::all() {
        let joined = server.join(way).await;
        let session = &joined.session;
        for uri in ["app.1", "app.2"] {
            soon(session.subscribe(uri, MatchPolicy::Exact)).await.unwrap();
            soon(session.register(uri, MatchPolicy::Exact)).await.unwrap();
        }
        let refused = soon(session.subscribe("app.3", MatchPolicy::Exact)).await;
        assert_eq!(refused.unwrap_err().uri, uri::RESOURCE_EXHAUSTED);
        let refused = soon(session.register("app.3", MatchPolicy::Exact)).await;
        assert_eq!(refused.unwrap_err().uri, uri::RESOURCE_EXHAUSTED);

        let calling = async {
            tokio::join!(
                session.call("app.a", Payload::empty()),
                session.call("app.a", Payload::empty()),
                session.call("app.a", Payload::empty()),
            )
        };
        let answering = async {
            let (first, second) = (engine.invocation().await, engine.invocation().await);
            first.respond(Ok(Payload::empty())).await;
            second.respond(Ok(Payload::empty())).await;
        };
        let both = Box::pin(async { tokio::join!(calling, answering) });
        let ((first, second, third), ()) = soon(both).await;
        assert_eq!((first, second), (Ok(Payload::empty()), Ok(Payload::empty())));
        assert_eq!(third.unwrap_err().uri, uri::RESOURCE_EXHAUSTED);
        soon(session.leave()).await;
    }
}

#[tokio::test]
async fn handshake_that_takes_too_long_is_aborted() {
    let server = server(|limits| limits.handshake = Duration::from_millis(50)).await;
    let mut raw = server.raw().await;
    assert_eq!(
        raw.text().await,
        r#"[3,{"message":"the handshake took too long"},"wamp.error.timeout"]"#
    );
    assert_eq!(raw.hear().await, Heard::Close(1000));
}

#[tokio::test]
async fn silent_peer_is_closed_and_one_that_answers_pings_is_not() {
    let server = server(|limits| {
        limits.idle = Duration::from_millis(300);
        limits.ping = Duration::from_millis(20);
        limits.closing = Duration::from_millis(100);
    })
    .await;
    let mut engine = server.engine().await;
    soon(engine.session.subscribe(uri::ON_LEAVE, MatchPolicy::Exact)).await.unwrap();
    // This client's task answers pings; it lives as long as the test.
    let lively = server.join(Way::SOCKET).await;
    // Nobody reads from this one, and so nobody answers.
    let silent = server.raw_joined().await;
    let event = engine.event().await;
    let left: (u64, String, String) = serde_json::from_str(event.payload.args_json()).unwrap();
    assert_ne!(left.0, lively.session.info().session);
    drop(silent);
}

#[tokio::test]
async fn subscriber_that_stops_reading_is_disconnected_and_nobody_else_waits() {
    let server = server(|limits| {
        limits.queue = 64;
        limits.closing = Duration::from_millis(200);
    })
    .await;
    let mut engine = server.engine().await;
    soon(engine.session.subscribe(uri::ON_LEAVE, MatchPolicy::Exact)).await.unwrap();
    let mut stuck = server.raw_joined().await;
    stuck.send(r#"[32,1,{},"app.t"]"#).await;
    stuck.text().await;
    let mut other = server.join(Way::SOCKET).await;
    soon(other.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    // More than the buffers of two kernels and the queue hold; the other one reads all of it.
    let text = args(&format!("[\"{}\"]", "x".repeat(100_000)));
    let mut published = 0;
    let left = loop {
        soon(engine.session.publish(Publication::new("app.t", text.clone()))).await.unwrap();
        published += 1;
        other.event().await;
        tokio::select! {
            biased;
            event = engine.event() => break event,
            () = std::future::ready(()) => {}
        }
        assert!(published < 10_000, "the stuck subscriber is never disconnected");
    };
    assert_eq!(&*left.topic, uri::ON_LEAVE);
    assert!(published > 64);
    soon(engine.session.publish(Publication::new("app.t", args("[1]")))).await.unwrap();
    assert_eq!(other.event().await.payload.args_json(), "[1]");
}

#[tokio::test]
async fn overloaded_local_session_refuses_calls_first_and_ends_last() {
    let server = server(|limits| limits.local_queue = 8).await;
    let mut engine = server.engine().await;
    soon(engine.session.register("app.x", MatchPolicy::Exact)).await.unwrap();
    soon(engine.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let joined = server.join(Way::Local).await;
    let event = || Publication::new("app.t", Payload::empty()).acknowledged();
    for _ in 0..7 {
        soon(joined.session.publish(event())).await.unwrap();
    }
    let refused = soon(joined.session.call("app.x", Payload::empty())).await;
    assert_eq!(refused.unwrap_err().uri, uri::RESOURCE_EXHAUSTED);
    soon(joined.session.publish(event())).await.unwrap();
    for _ in 0..8 {
        engine.event().await;
    }
    for _ in 0..9 {
        soon(joined.session.publish(event())).await.unwrap();
    }
    for _ in 0..8 {
        engine.event().await;
    }
    assert_eq!(engine.goodbye().await, uri::RESOURCE_EXHAUSTED);
    let gone = soon(joined.session.call("app.x", Payload::empty())).await;
    assert_eq!(gone.unwrap_err().uri, uri::NO_SUCH_PROCEDURE);
}

#[tokio::test]
async fn deaf_session_cancels_calls_and_still_gets_its_results() {
    let server = Server::start().await;
    let engine = server.engine().await;
    soon(engine.session.register("app.x", MatchPolicy::Exact)).await.unwrap();
    let session = engine.session.clone();
    drop(engine);
    let joined = server.join(Way::SOCKET).await;
    let canceled = soon(joined.session.call("app.x", Payload::empty())).await;
    assert_eq!(canceled.unwrap_err().uri, uri::CANCELED);
    let own = soon(session.call("app.x", Payload::empty())).await;
    assert_eq!(own.unwrap_err().uri, uri::CANCELED);
}

#[tokio::test]
async fn connections_are_limited_in_all_and_per_address() {
    let in_all: fn(&mut Limits) = |limits| {
        limits.connections = 2;
    };
    let per_address: fn(&mut Limits) = |limits| {
        limits.connections_per_address = 2;
    };
    for change in [in_all, per_address] {
        let server = server(change).await;
        let first = server.join(Way::SOCKET).await;
        let tcp = Way::Remote(Transport::Tcp, Serializer::Cbor);
        let _second = server.join(tcp).await;
        for url in [server.url(), server.url_of(Transport::Tcp)] {
            let refused = soon(Client::connect(&url, "realm1", Credentials::Anonymous)).await;
            let Err(Error::Connect(refused)) = refused else { panic!("{refused:?}") };
            let said = format!("{refused:?}");
            assert!(said.contains("503") || said.contains("Refused(Connections)"), "{said}");
        }
        let id = first.session.info().session;
        let watcher = server.engine().await;
        soon(watcher.session.subscribe(uri::ON_LEAVE, MatchPolicy::Exact)).await.unwrap();
        drop(first);
        // The place is free when the connection's task has ended, a moment after the session.
        let again = async {
            loop {
                let client = Client::connect(&server.url(), "realm1", Credentials::Anonymous).await;
                if let Ok(client) = client {
                    return client;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_ne!(soon(again).await.session.info().session, id);
    }
}

#[tokio::test]
async fn long_hello_is_refused_where_a_long_message_is_not() {
    let server = server(|limits| limits.hello_bytes = 1_000).await;
    let hello = |length: usize| {
        let text = r#"[1,"realm1",{"roles":{},"authmethods":["anonymous"],"x":""}]"#;
        text.replace(r#""""#, &format!("\"{}\"", "x".repeat(length - text.len())))
    };
    let mut raw = server.raw().await;
    raw.send(&hello(1_000)).await;
    assert!(raw.text().await.starts_with("[2,"));
    let mut raw = server.raw().await;
    raw.send(&hello(1_001)).await;
    assert_eq!(raw.hear().await, Heard::Close(1009));
}

#[tokio::test]
async fn peer_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let server = server(|limits| limits.messages_per_second = 50).await;
    let mut engine = server.engine().await;
    soon(engine.session.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let hasty = server.join(Way::SOCKET).await;
    let start = std::time::Instant::now();
    for n in 0..70 {
        let publication = Publication::new("app.t", args(&format!("[{n}]")));
        soon(hasty.session.publish(publication)).await.unwrap();
    }
    for n in 0..70 {
        assert_eq!(engine.event().await.payload, args(&format!("[{n}]")));
    }
    // What a second allows passes at once; the other twenty take their time.
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(350), "{took:?}");
}

#[tokio::test]
async fn slow_subscriber_may_lose_events_where_that_is_declared_but_never_answers() {
    let server = server(|limits| {
        limits.queue = 64;
        limits.slow_subscriber = SlowSubscriber::Drop;
    })
    .await;
    let mut engine = server.engine().await;
    soon(engine.session.register("app.x", MatchPolicy::Exact)).await.unwrap();
    let mut slow = server.raw_joined().await;
    slow.send(r#"[32,1,{},"app.t"]"#).await;
    slow.text().await;
    slow.send(r#"[48,7,{},"app.x"]"#).await;
    let call = engine.invocation().await;
    let text = args(&format!("[\"{}\"]", "x".repeat(100_000)));
    for _ in 0..1_000 {
        let publication = Publication::new("app.t", text.clone()).acknowledged();
        soon(engine.session.publish(publication)).await.unwrap();
    }
    call.respond(Ok(args("[1]"))).await;
    let mut events = 0;
    let answer = loop {
        let text = slow.text().await;
        if !text.starts_with("[36,") {
            break text;
        }
        events += 1;
    };
    assert_eq!(answer, "[50,7,{},[1]]");
    assert!(events < 1_000, "none of {events} events was dropped");
}

#[tokio::test]
async fn answer_that_finds_no_room_ends_the_session_and_fails_its_calls() {
    let server = server(|limits| {
        limits.queue = 64;
        limits.slow_subscriber = SlowSubscriber::Drop;
        limits.closing = Duration::from_millis(200);
    })
    .await;
    let mut engine = server.engine().await;
    soon(engine.session.subscribe(uri::ON_LEAVE, MatchPolicy::Exact)).await.unwrap();
    soon(engine.session.register("app.x", MatchPolicy::Exact)).await.unwrap();
    let mut stuck = server.raw_joined().await;
    stuck.send(r#"[64,1,{},"app.never"]"#).await;
    stuck.text().await;
    let caller = server.join(Way::SOCKET).await;
    let calling = caller.session.start_call("app.never", args("[]"), CallOptions::default());
    let pending = soon(calling).await.unwrap();
    let text = args(&format!("[\"{}\"]", "x".repeat(1_000_000)));
    let flood = async {
        for request in 0.. {
            stuck.send(&format!(r#"[48,{request},{{}},"app.x"]"#)).await;
            match soon(engine.incoming.recv()).await {
                Some(SessionEvent::Invocation(call)) => call.respond(Ok(text.clone())).await,
                Some(SessionEvent::Event(event)) => return event.topic,
                other => panic!("{other:?}"),
            }
        }
        unreachable!("the session is ended before there are no numbers left");
    };
    assert_eq!(&*soon(flood).await, uri::ON_LEAVE);
    assert_eq!(soon(pending.result()).await.unwrap_err().uri, uri::CANCELED);
}

#[tokio::test]
async fn what_is_given_up_while_the_realm_is_busy_is_told_all_the_same() {
    const CALLS: usize = 50;
    let server = server(|limits| limits.realm_queue = 1).await;
    let mut callee = server.join(Way::Local).await;
    soon(callee.session.register("app.slow", MatchPolicy::Exact)).await.unwrap();
    let caller = server.join(Way::Local).await;
    let mut open = Vec::new();
    for _ in 0..CALLS {
        let call = caller.session.start_call("app.slow", args("[]"), CallOptions::default());
        open.push((soon(call).await.unwrap(), callee.invocation().await));
    }
    // Of what is dropped now, without the realm's having a turn, one finds room.
    let (calls, invocations): (Vec<_>, Vec<_>) = open.into_iter().unzip();
    drop(calls);
    for _ in 0..CALLS {
        let event = soon(callee.incoming.recv()).await;
        assert!(matches!(event, Some(SessionEvent::Interrupt(_))), "{event:?}");
    }
    drop(invocations);
    let one = caller.session.call("app.slow", args("[]"));
    let (answer, ()) =
        soon(async { tokio::join!(one, async { drop(callee.invocation().await) }) }).await;
    assert_eq!(answer.unwrap_err().uri, uri::CANCELED);
}
