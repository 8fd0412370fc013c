//! The dealer as a value: registrations, calls and answers in, messages out.

use super::*;
use crate::SessionInfo;

fn member(session: u64) -> Member {
    let info = SessionInfo {
        session,
        authid: "a".into(),
        authrole: "r".into(),
        authmethod: "m".into(),
        authprovider: "p".into(),
        realm: "realm1".into(),
    };
    Member { info: Arc::new(info), trusted: false }
}

fn dealer() -> Dealer {
    Dealer::new(3, 2, true)
}

fn register(dealer: &mut Dealer, callee: u64, uri: &str, policy: MatchPolicy) -> Message {
    let mut out = Outbox::new();
    dealer.register(&member(callee), 1, policy, uri.into(), &mut out);
    assert_eq!((out.len(), out[0].0), (1, callee));
    out.pop().unwrap().1
}

fn call(dealer: &mut Dealer, caller: u64, request: u64, uri: &str) -> (u64, Message) {
    let mut out = Outbox::new();
    let payload = Payload::empty();
    let call = Call { request, disclose_me: false, procedure: uri.into(), payload };
    dealer.call(&member(caller), call, &mut out).unwrap();
    assert_eq!(out.len(), 1);
    out.pop().unwrap()
}

fn error_uri(message: &Message) -> &str {
    match message {
        Message::Error { uri, .. } => uri,
        other => panic!("{other:?}"),
    }
}

fn invocation(message: &Message) -> u64 {
    match message {
        Message::Invocation(invocation) => invocation.request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn most_specific_registration_is_called() {
    let mut dealer = Dealer::new(10, 10, true);
    for (callee, uri, policy) in [
        (1, "a.b.c", MatchPolicy::Exact),
        (2, "a.b", MatchPolicy::Prefix),
        (3, "a.", MatchPolicy::Prefix),
        (4, "x..c", MatchPolicy::Wildcard),
        (5, "x.y.", MatchPolicy::Wildcard),
    ] {
        register(&mut dealer, callee, uri, policy);
    }
    for (uri, callee) in [("a.b.c", 1), ("a.bc", 2), ("a.c", 3), ("x.y.c", 5), ("x.z.c", 4)] {
        assert_eq!(call(&mut dealer, 9, callee, uri).0, callee, "{uri}");
    }
    let (to, refused) = call(&mut dealer, 9, 77, "z");
    assert_eq!((to, error_uri(&refused)), (9, uri::NO_SUCH_PROCEDURE));
}

#[test]
fn second_registration_is_refused_until_the_first_is_withdrawn() {
    let mut dealer = dealer();
    let Message::Registered { registration, .. } =
        register(&mut dealer, 1, "a", MatchPolicy::Exact)
    else {
        panic!("not registered");
    };
    let again = register(&mut dealer, 2, "a", MatchPolicy::Exact);
    assert_eq!(error_uri(&again), uri::PROCEDURE_ALREADY_EXISTS);
    let mut out = Outbox::new();
    dealer.unregister(&member(2), 5, registration, &mut out);
    dealer.unregister(&member(1), 6, registration, &mut out);
    assert_eq!(error_uri(&out[0].1), uri::NO_SUCH_REGISTRATION);
    assert_eq!(out[1], (1, Message::Unregistered { request: 6 }));
    let again = register(&mut dealer, 2, "a", MatchPolicy::Exact);
    assert!(matches!(again, Message::Registered { .. }));
}

#[test]
fn answers_reach_the_caller_once_and_from_the_callee_only() {
    let mut dealer = dealer();
    register(&mut dealer, 1, "a", MatchPolicy::Exact);
    let (_, message) = call(&mut dealer, 2, 0, "a");
    let request = invocation(&message);
    let mut out = Outbox::new();
    dealer.yielded(3, request, Payload::empty(), &mut out);
    assert_eq!(out, []);
    dealer.yielded(1, request, Payload::empty(), &mut out);
    dealer.yielded(1, request, Payload::empty(), &mut out);
    dealer.failed(1, request, "x".into(), Payload::empty(), &mut out);
    assert_eq!(out, [(2, Message::Result { request: 0, payload: Payload::empty() })]);
}

#[test]
fn leaving_callee_cancels_and_leaving_caller_is_forgotten() {
    let mut dealer = dealer();
    register(&mut dealer, 1, "a", MatchPolicy::Exact);
    call(&mut dealer, 2, 10, "a");
    let (_, second) = call(&mut dealer, 3, 11, "a");
    let mut out = Outbox::new();
    dealer.leave(3, &mut out);
    dealer.yielded(1, invocation(&second), Payload::empty(), &mut out);
    assert_eq!(out, []);
    dealer.leave(1, &mut out);
    let [(2, error @ Message::Error { kind: code::CALL, request: 10, .. })] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(error_uri(error), uri::CANCELED);
    dealer.leave(2, &mut out);
    assert!(dealer.calls.is_empty() && dealer.seats.is_empty() && dealer.patterns.is_empty());
}

#[test]
fn session_may_call_itself() {
    let mut dealer = dealer();
    register(&mut dealer, 1, "a", MatchPolicy::Exact);
    let (to, message) = call(&mut dealer, 1, 5, "a");
    assert_eq!(to, 1);
    let mut out = Outbox::new();
    dealer.yielded(1, invocation(&message), Payload::empty(), &mut out);
    assert_eq!(out.len(), 1);
    call(&mut dealer, 1, 6, "a");
    out.clear();
    dealer.leave(1, &mut out);
    assert!(dealer.calls.is_empty());
}

#[test]
fn registrations_and_open_calls_end_at_their_limits() {
    let mut dealer = dealer();
    for uri in ["a", "b", "c"] {
        register(&mut dealer, 1, uri, MatchPolicy::Exact);
    }
    let refused = register(&mut dealer, 1, "d", MatchPolicy::Exact);
    assert_eq!(error_uri(&refused), uri::RESOURCE_EXHAUSTED);
    let (_, first) = call(&mut dealer, 2, 1, "a");
    call(&mut dealer, 2, 2, "a");
    assert_eq!(error_uri(&call(&mut dealer, 2, 3, "a").1), uri::RESOURCE_EXHAUSTED);
    dealer.yielded(1, invocation(&first), Payload::empty(), &mut Outbox::new());
    assert_eq!(call(&mut dealer, 2, 3, "a").0, 1);
}

#[test]
fn request_id_of_an_open_call_is_a_violation() {
    let mut dealer = dealer();
    register(&mut dealer, 1, "a", MatchPolicy::Exact);
    call(&mut dealer, 2, 3, "a");
    let payload = Payload::empty();
    let again = Call { request: 3, disclose_me: false, procedure: "a".into(), payload };
    let refused = dealer.call(&member(2), again, &mut Outbox::new());
    assert_eq!(refused, Err(Violation::RequestInUse(3)));
}
