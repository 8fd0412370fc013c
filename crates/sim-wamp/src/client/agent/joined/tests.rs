//! What a session does with what comes in an order that sockets seldom show.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::super::handle::AgentHandle;
use super::*;
use crate::message::{EventMessage, InvocationMessage, Message, Revoked};
use crate::session::{Delivery, Link, Replies};
use crate::{MatchPolicy, Payload, SessionInfo, Status, Subscription};

/// A session whose router is the test.
struct Bench {
    shared: Arc<Shared>,
    backoff: Backoff,
    session: Session,
    incoming: Incoming,
    delivery: Delivery,
    sent: mpsc::Receiver<Message>,
}

impl Bench {
    fn new() -> Self {
        let info = SessionInfo {
            session: 1,
            authid: "ann".into(),
            authrole: "user".into(),
            authmethod: "ticket".into(),
            authprovider: "static".into(),
            realm: "realm1".into(),
        };
        let (messages, sent) = mpsc::channel(16);
        let (events, incoming) = mpsc::channel(16);
        let link = Arc::new(Link::Socket { messages, ended: CancellationToken::new() });
        let replies = Arc::new(Replies::default());
        let delivery = Delivery::new(Arc::clone(&replies), events, Arc::clone(&link), false);
        let session = Session::new(Arc::new(info), link, replies);
        let incoming = Incoming::new(incoming, session.clone());
        let shared = Arc::new(Shared::new(16));
        shared.joined(session.clone());
        shared.wishes.begin();
        Self { shared, backoff: Backoff::default(), session, incoming, delivery, sent }
    }

    fn handle(&self) -> AgentHandle {
        AgentHandle::new(Arc::clone(&self.shared))
    }
}

/// Looks at what has changed, and sends what it takes.
async fn settle(joined: &mut Joined<'_>) {
    tokio::task::yield_now().await;
    for wish in joined.shared.wishes.take_changed() {
        joined.settle(&wish);
    }
    while joined.pending.next().now_or_never().flatten().is_some() {}
}

fn event(subscription: u64, publication: u64) -> Message {
    Message::Event(Arc::new(EventMessage {
        subscription,
        publication,
        topic: "app.t".into(),
        publisher: None,
        disclosed: false,
        retained: false,
        passthru: None,
        payload: Payload::empty(),
        encoded: Default::default(),
    }))
}

fn invocation(registration: u64, request: u64) -> Message {
    Message::Invocation(Box::new(InvocationMessage {
        request,
        registration,
        procedure: "app.x".into(),
        caller: None,
        caller_request: None,
        disclosed: false,
        receive_progress: false,
        progress: false,
        passthru: None,
        payload: Payload::empty(),
    }))
}

/// Returns what is sent next.
async fn next(sent: &mut mpsc::Receiver<Message>) -> Message {
    let sent = tokio::time::timeout(Duration::from_secs(10), sent.recv()).await;
    sent.expect("it is sent within ten seconds").expect("the session lives")
}

async fn publications(topic: &mut Subscription, count: usize) -> Vec<u64> {
    let mut publications = Vec::new();
    for _ in 0..count {
        let next = topic.recv().now_or_never().expect("it is there already");
        publications.push(next.unwrap().unwrap().publication);
    }
    publications
}

#[tokio::test]
async fn events_that_come_before_their_subscription_is_known_wait_for_it_in_order() {
    let mut bench = Bench::new();
    let handle = bench.handle();
    let mut joined = Joined::new(&bench.shared, &bench.backoff, bench.session.clone(), 4);
    let subscribing =
        tokio::spawn(async move { handle.subscribe("app.t", MatchPolicy::Exact).await });
    settle(&mut joined).await;
    let Message::Subscribe { request, .. } = next(&mut bench.sent).await else {
        panic!("the router is asked");
    };
    bench.delivery.deliver(Message::Subscribed { request, subscription: 7 }).await;
    for publication in 1..=2 {
        bench.delivery.deliver(event(7, publication)).await;
        let event = bench.incoming.recv().await.unwrap();
        joined.take(event).await;
    }
    let done = joined.pending.next().await.unwrap();
    joined.done(done).await;
    bench.delivery.deliver(event(7, 3)).await;
    let event = bench.incoming.recv().await.unwrap();
    joined.take(event).await;
    let mut topic = subscribing.await.unwrap().unwrap();
    assert_eq!(publications(&mut topic, 3).await, [1, 2, 3]);
}

#[tokio::test]
async fn calls_that_come_before_their_registration_is_known_wait_or_are_given_up() {
    let mut bench = Bench::new();
    let handle = bench.handle();
    let mut joined = Joined::new(&bench.shared, &bench.backoff, bench.session.clone(), 4);
    let registering = tokio::spawn(async move {
        handle.register("app.x", MatchPolicy::Exact, |_| async { Ok(1) }).await
    });
    settle(&mut joined).await;
    let Message::Register { request, .. } = next(&mut bench.sent).await else {
        panic!("the router is asked");
    };
    bench.delivery.deliver(Message::Registered { request, registration: 8 }).await;
    let mode = crate::CancelMode::KillNoWait;
    let interrupt = Message::Interrupt { request: 2, mode, reason: String::new() };
    for message in [invocation(8, 1), invocation(8, 2), interrupt] {
        bench.delivery.deliver(message).await;
        let event = bench.incoming.recv().await.unwrap();
        joined.take(event).await;
    }
    let Message::Error(error) = next(&mut bench.sent).await else {
        panic!("the second call is given up");
    };
    assert_eq!((error.request, &*error.uri), (2, uri::CANCELED));
    let done = joined.pending.next().await.unwrap();
    joined.done(done).await;
    let Message::Yield { request, .. } = next(&mut bench.sent).await else {
        panic!("the first call is answered");
    };
    assert_eq!(request, 1);
    let _registration = registering.await.unwrap().unwrap();
    // What nothing explains is refused at once.
    bench.delivery.deliver(invocation(9, 3)).await;
    let event = bench.incoming.recv().await.unwrap();
    joined.take(event).await;
    let Message::Error(error) = next(&mut bench.sent).await else {
        panic!("the third call is refused");
    };
    assert_eq!((error.request, &*error.uri), (3, uri::NO_SUCH_PROCEDURE));
}

#[tokio::test]
async fn registration_that_is_taken_away_before_it_is_known_is_reported() {
    let mut bench = Bench::new();
    let handle = bench.handle();
    let status = handle.status();
    let mut joined = Joined::new(&bench.shared, &bench.backoff, bench.session.clone(), 4);
    let registering = tokio::spawn(async move {
        handle.register("app.x", MatchPolicy::Exact, |_| async { Ok(1) }).await
    });
    settle(&mut joined).await;
    let Message::Register { request, .. } = next(&mut bench.sent).await else {
        panic!("the router is asked");
    };
    bench.delivery.deliver(Message::Registered { request, registration: 8 }).await;
    let revoked = Some(Box::new(Revoked { id: 8, reason: uri::TAKEN_OVER.to_owned() }));
    bench.delivery.deliver(Message::Unregistered { request: 0, revoked }).await;
    let event = bench.incoming.recv().await.unwrap();
    joined.take(event).await;
    let done = joined.pending.next().await.unwrap();
    joined.done(done).await;
    let _registration = registering.await.unwrap().unwrap();
    let Status::Joined { refused, .. } = status.now() else { panic!("it is joined") };
    assert_eq!((&*refused[0].uri, &*refused[0].error.uri), ("app.x", uri::TAKEN_OVER));
}

#[tokio::test(start_paused = true)]
async fn topic_that_is_refused_again_and_again_is_asked_for_once_at_a_time() {
    let mut bench = Bench::new();
    let handle = bench.handle();
    let mut joined = Joined::new(&bench.shared, &bench.backoff, bench.session.clone(), 4);
    let refuse = |request| {
        Message::error(crate::message::code::SUBSCRIBE, request, uri::NOT_AUTHORIZED, "no")
    };
    let old = handle.clone();
    let old = tokio::spawn(async move { old.subscribe("app.t", MatchPolicy::Exact).await });
    settle(&mut joined).await;
    let Message::Subscribe { request, .. } = next(&mut bench.sent).await else {
        panic!("the router is asked");
    };
    bench.delivery.deliver(Message::Subscribed { request, subscription: 7 }).await;
    let done = joined.pending.next().await.unwrap();
    joined.done(done).await;
    let _old = old.await.unwrap().unwrap();
    let revoked = Some(Box::new(Revoked { id: 7, reason: uri::NOT_AUTHORIZED.to_owned() }));
    bench.delivery.deliver(Message::Unsubscribed { request: 0, revoked }).await;
    let event = bench.incoming.recv().await.unwrap();
    joined.take(event).await;
    for _ in 0..10 {
        let fresh = handle.clone();
        let fresh = tokio::spawn(async move { fresh.subscribe("app.t", MatchPolicy::Exact).await });
        settle(&mut joined).await;
        let Message::Subscribe { request, .. } = next(&mut bench.sent).await else {
            panic!("the router is asked");
        };
        bench.delivery.deliver(refuse(request)).await;
        let done = joined.pending.next().await.unwrap();
        joined.done(done).await;
        assert_eq!(fresh.await.unwrap().unwrap_err().uri, uri::NOT_AUTHORIZED);
    }
    // Of all the waits only the last leads to a question: one per wait, which lasts at least half
    // of the longest by now.
    let end = Instant::now() + bench.backoff.longest * 10;
    let mut questions = 0;
    while let Ok(Some(done)) = tokio::time::timeout_at(end, joined.pending.next()).await {
        joined.done(done).await;
        settle(&mut joined).await;
        while let Ok(Message::Subscribe { request, .. }) = bench.sent.try_recv() {
            questions += 1;
            bench.delivery.deliver(refuse(request)).await;
        }
    }
    assert!((5..=21).contains(&questions), "{questions} questions");
}
