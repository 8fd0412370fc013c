//! The dealer as a value: registrations, calls and answers in, messages out.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{CallOptions, Invoke, MatchPolicy, RegisterOptions, SessionInfo};

/// A dealer, and what came out of it last.
struct Bench {
    dealer: Dealer,
    out: Outbox,
}

fn member(session: u64) -> Member {
    let info = SessionInfo {
        session,
        authid: "a".into(),
        authrole: "r".into(),
        authmethod: "m".into(),
        authprovider: "p".into(),
        realm: "realm1".into(),
    };
    Member::new(Arc::new(info), false, Features::ALL)
}

fn call_of(request: u64, procedure: &str, options: CallOptions) -> CallMessage {
    CallMessage { request, options, procedure: procedure.into(), payload: Payload::empty() }
}

fn answer(progress: bool) -> Answer {
    Answer { progress, ..Answer::default() }
}

fn error_uri(message: &Message) -> &str {
    match message {
        Message::Error(error) => &error.uri,
        other => panic!("{other:?}"),
    }
}

fn invocation(message: &Message) -> &InvocationMessage {
    match message {
        Message::Invocation(invocation) => invocation,
        other => panic!("{other:?}"),
    }
}

impl Bench {
    fn new() -> Self {
        Self { dealer: Dealer::new(10, 10, true), out: Outbox::default() }
    }

    /// Takes the messages that have come out.
    fn sent(&mut self) -> Vec<(u64, Message)> {
        std::mem::take(&mut self.out).messages
    }

    fn only(&mut self) -> (u64, Message) {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    fn register_as(
        &mut self,
        callee: &Member,
        uri: &str,
        options: impl Into<RegisterOptions>,
    ) -> Message {
        let options = options.into();
        self.dealer.registrations.register(callee, 1, options, uri.into(), &mut self.out);
        let mut sent = self.sent();
        let (to, message) = sent.pop().unwrap();
        assert_eq!(to, callee.session());
        message
    }

    fn register(&mut self, callee: u64, uri: &str, options: impl Into<RegisterOptions>) -> Message {
        self.register_as(&member(callee), uri, options)
    }

    fn call_with(&mut self, caller: u64, call: CallMessage) -> Result<(), Violation> {
        self.dealer.call(&member(caller), call, &Granted::default(), &mut self.out)
    }

    fn call(&mut self, caller: u64, request: u64, uri: &str) -> (u64, Message) {
        self.call_with(caller, call_of(request, uri, CallOptions::default())).unwrap();
        self.only()
    }
}

fn shared(invoke: Invoke) -> RegisterOptions {
    RegisterOptions { invoke, ..RegisterOptions::default() }
}

#[test]
fn most_specific_registration_is_called() {
    let mut bench = Bench::new();
    for (callee, uri, policy) in [
        (1, "a.b.c", MatchPolicy::Exact),
        (2, "a.b", MatchPolicy::Prefix),
        (3, "a.", MatchPolicy::Prefix),
        (4, "x..c", MatchPolicy::Wildcard),
        (5, "x.y.", MatchPolicy::Wildcard),
    ] {
        bench.register(callee, uri, policy);
    }
    for (uri, callee) in [("a.b.c", 1), ("a.bc", 2), ("a.c", 3), ("x.y.c", 5), ("x.z.c", 4)] {
        assert_eq!(bench.call(9, callee, uri).0, callee, "{uri}");
    }
    let (to, refused) = bench.call(9, 77, "z");
    assert_eq!((to, error_uri(&refused)), (9, uri::NO_SUCH_PROCEDURE));
}

#[test]
fn second_registration_is_refused_until_the_first_is_withdrawn() {
    let mut bench = Bench::new();
    let Message::Registered { registration, .. } = bench.register(1, "a", MatchPolicy::Exact)
    else {
        panic!("not registered");
    };
    let again = bench.register(2, "a", MatchPolicy::Exact);
    assert_eq!(error_uri(&again), uri::PROCEDURE_ALREADY_EXISTS);
    let again = bench.register(2, "a", shared(Invoke::RoundRobin));
    assert_eq!(error_uri(&again), uri::PROCEDURE_ALREADY_EXISTS);
    bench.dealer.registrations.unregister(2, 5, registration, &mut bench.out);
    bench.dealer.registrations.unregister(1, 6, registration, &mut bench.out);
    let sent = bench.sent();
    assert_eq!(error_uri(&sent[0].1), uri::NO_SUCH_REGISTRATION);
    assert_eq!(sent[1], (1, Message::Unregistered { request: 6, revoked: None }));
    let again = bench.register(2, "a", MatchPolicy::Exact);
    assert!(matches!(again, Message::Registered { .. }));
}

#[test]
fn shared_procedures_choose_as_their_callees_agreed() {
    for (invoke, expected) in [
        (Invoke::First, vec![1, 1, 1, 1]),
        (Invoke::Last, vec![3, 3, 3, 3]),
        (Invoke::RoundRobin, vec![1, 2, 3, 1]),
    ] {
        let mut bench = Bench::new();
        for callee in [1, 2, 3] {
            let registered = bench.register(callee, "a", shared(invoke));
            assert!(matches!(registered, Message::Registered { .. }), "{registered:?}");
        }
        let again = bench.register(2, "a", shared(invoke));
        assert_eq!(error_uri(&again), uri::PROCEDURE_ALREADY_EXISTS);
        let called: Vec<u64> = (1..=4).map(|request| bench.call(9, request, "a").0).collect();
        assert_eq!(called, expected, "{invoke:?}");
    }
}

#[test]
fn random_choice_reaches_every_callee_and_the_rest_goes_on_without_one() {
    let mut bench = Bench::new();
    for callee in [1, 2] {
        bench.register(callee, "a", shared(Invoke::Random));
    }
    let mut called = std::collections::HashSet::new();
    for request in 1..=200 {
        let (callee, message) = bench.call(9, request, "a");
        bench.dealer.yielded(callee, invocation(&message).request, answer(false), &mut bench.out);
        bench.sent();
        called.insert(callee);
    }
    assert_eq!(called.len(), 2);
    bench.dealer.leave(1, &mut bench.out);
    bench.sent();
    assert_eq!(bench.call(9, 1_000, "a").0, 2);
}

#[test]
fn forced_registration_takes_the_procedure_over() {
    let mut bench = Bench::new();
    let Message::Registered { registration, .. } = bench.register(1, "a", MatchPolicy::Exact)
    else {
        panic!("not registered");
    };
    let options = RegisterOptions { force_reregister: true, ..RegisterOptions::default() };
    bench.dealer.registrations.register(&member(2), 7, options, "a".into(), &mut bench.out);
    let [(1, Message::Unregistered { request: 0, revoked: Some(revoked) }), (2, registered)] =
        &bench.sent()[..]
    else {
        panic!("the first callee is told, the second answered");
    };
    assert_eq!(revoked.id, registration);
    assert!(matches!(registered, Message::Registered { request: 7, .. }));
    assert_eq!(bench.call(9, 1, "a").0, 2);
}

#[test]
fn answers_reach_the_caller_once_and_from_the_callee_only() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    let (_, message) = bench.call(2, 0, "a");
    let request = invocation(&message).request;
    bench.dealer.yielded(3, request, answer(false), &mut bench.out);
    assert_eq!(bench.sent(), []);
    bench.dealer.yielded(1, request, answer(false), &mut bench.out);
    bench.dealer.yielded(1, request, answer(false), &mut bench.out);
    assert_eq!(bench.sent(), [(2, Message::Result { request: 0, answer: answer(false) })]);
}

#[test]
fn progress_reaches_only_callers_who_asked_for_it() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    for receive_progress in [false, true] {
        let options = CallOptions { receive_progress, ..CallOptions::default() };
        bench.call_with(2, call_of(5, "a", options)).unwrap();
        let (_, message) = bench.only();
        assert_eq!(invocation(&message).receive_progress, receive_progress);
        let request = invocation(&message).request;
        bench.dealer.yielded(1, request, answer(true), &mut bench.out);
        bench.dealer.yielded(1, request, answer(false), &mut bench.out);
        let flags: Vec<bool> = bench
            .sent()
            .into_iter()
            .map(
                |(_, message)| matches!(message, Message::Result { answer, .. } if answer.progress),
            )
            .collect();
        assert_eq!(flags, if receive_progress { vec![true, false] } else { vec![false] });
    }
}

#[test]
fn more_arguments_follow_the_first_ones_to_the_same_callee() {
    let mut bench = Bench::new();
    for callee in [1, 2] {
        bench.register(callee, "a", shared(Invoke::RoundRobin));
    }
    let part = |more| CallOptions { progress: more, ..CallOptions::default() };
    let mut seen = Vec::new();
    for more in [true, true, false] {
        bench.call_with(9, call_of(4, "a", part(more))).unwrap();
        let (to, message) = bench.only();
        seen.push((to, invocation(&message).request, invocation(&message).progress));
    }
    assert_eq!(seen, [(1, 1, true), (1, 1, true), (1, 1, false)]);
    let again = bench.call_with(9, call_of(4, "a", part(false)));
    assert_eq!(again, Err(Violation::RequestInUse(4)));
}

#[test]
fn arguments_that_come_after_the_answer_are_no_new_call() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    let part = |more| CallOptions { progress: more, ..CallOptions::default() };
    bench.call_with(9, call_of(4, "a", part(true))).unwrap();
    bench.dealer.yielded(1, 1, answer(false), &mut bench.out);
    bench.sent();
    for more in [true, false] {
        bench.call_with(9, call_of(4, "a", part(more))).unwrap();
        assert_eq!(bench.sent(), []);
    }
    // Now the id is free again.
    bench.call_with(9, call_of(4, "a", part(false))).unwrap();
    assert_eq!(bench.only().0, 1);
}

#[test]
fn features_that_were_not_announced_are_not_used() {
    let mut bench = Bench::new();
    let plain = Member { features: Features::default(), ..member(1) };
    bench.register_as(&plain, "a", MatchPolicy::Exact);
    let part = CallOptions { progress: true, ..CallOptions::default() };
    bench.call_with(9, call_of(1, "a", part.clone())).unwrap();
    assert_eq!(error_uri(&bench.only().1), uri::FEATURE_NOT_SUPPORTED);
    let passthru = Some(Box::default());
    let packed = CallOptions { passthru, ..CallOptions::default() };
    bench.call_with(9, call_of(2, "a", packed)).unwrap();
    assert_eq!(error_uri(&bench.only().1), uri::FEATURE_NOT_SUPPORTED);
    let progress = CallOptions { receive_progress: true, ..CallOptions::default() };
    bench.call_with(9, call_of(3, "a", progress)).unwrap();
    assert!(!invocation(&bench.only().1).receive_progress);
    bench.dealer.cancel(9, 3, CancelMode::Kill, &mut bench.out);
    let (to, error) = bench.only();
    assert_eq!((to, error_uri(&error)), (9, uri::CANCELED), "without INTERRUPT kill is skip");

    let from = Member { features: Features::default(), ..member(9) };
    let call = call_of(4, "a", part);
    let refused = bench.dealer.call(&from, call, &Granted::default(), &mut bench.out);
    assert_eq!(refused, Err(Violation::Unannounced("progressive_call_invocations")));
}

#[test]
fn cancel_modes_differ_in_who_is_told_when() {
    for (mode, told) in [
        (CancelMode::Skip, vec!["ERROR"]),
        (CancelMode::Kill, vec!["INTERRUPT"]),
        (CancelMode::KillNoWait, vec!["INTERRUPT", "ERROR"]),
    ] {
        let mut bench = Bench::new();
        bench.register(1, "a", MatchPolicy::Exact);
        bench.call(2, 5, "a");
        bench.dealer.cancel(3, 5, mode, &mut bench.out);
        bench.dealer.cancel(2, 6, mode, &mut bench.out);
        assert_eq!(bench.sent(), [], "neither foreign nor unknown calls are canceled");
        bench.dealer.cancel(2, 5, mode, &mut bench.out);
        let names: Vec<&str> = bench.sent().iter().map(|(_, message)| message.name()).collect();
        assert_eq!(names, told, "{mode:?}");
        bench.dealer.yielded(1, 1, answer(false), &mut bench.out);
        let answered = !bench.sent().is_empty();
        assert_eq!(answered, mode == CancelMode::Kill, "{mode:?}");
        bench.dealer.cancel(2, 5, mode, &mut bench.out);
        assert_eq!(bench.sent(), [], "a late CANCEL does nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_run_out_of_their_time() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    for (request, timeout) in [(1, 200), (2, 100), (3, 300)] {
        let timeout = Some(Duration::from_millis(timeout));
        bench
            .call_with(2, call_of(request, "a", CallOptions { timeout, ..Default::default() }))
            .unwrap();
    }
    bench.sent();
    let start = Instant::now();
    assert_eq!(bench.dealer.next_deadline(), Some(start + Duration::from_millis(100)));
    bench.dealer.yielded(1, 3, answer(false), &mut bench.out);
    bench.sent();
    bench.dealer.expire(start + Duration::from_millis(250), &mut bench.out);
    let sent = bench.sent();
    let told: Vec<(u64, &str)> = sent.iter().map(|(to, message)| (*to, message.name())).collect();
    assert_eq!(told, [(1, "INTERRUPT"), (2, "ERROR"), (1, "INTERRUPT"), (2, "ERROR")]);
    assert_eq!(error_uri(&sent[1].1), uri::TIMEOUT);
    assert_eq!(bench.dealer.next_deadline(), None);
}

#[test]
fn leaving_callee_cancels_and_leaving_caller_is_forgotten() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    bench.call(2, 10, "a");
    let (_, second) = bench.call(3, 11, "a");
    bench.dealer.leave(3, &mut bench.out);
    let (to, interrupt) = bench.only();
    assert_eq!((to, interrupt.name()), (1, "INTERRUPT"));
    bench.dealer.yielded(1, invocation(&second).request, answer(false), &mut bench.out);
    assert_eq!(bench.sent(), []);
    bench.dealer.leave(1, &mut bench.out);
    let (to, error) = bench.only();
    assert_eq!((to, error_uri(&error)), (2, uri::CANCELED));
    bench.dealer.leave(2, &mut bench.out);
    assert!(bench.dealer.calls.is_empty() && bench.dealer.registrations.table.is_empty());
}

#[test]
fn session_may_call_itself() {
    let mut bench = Bench::new();
    bench.register(1, "a", MatchPolicy::Exact);
    let (to, message) = bench.call(1, 5, "a");
    assert_eq!(to, 1);
    bench.dealer.yielded(1, invocation(&message).request, answer(false), &mut bench.out);
    assert_eq!(bench.only().0, 1);
    bench.call(1, 6, "a");
    bench.dealer.leave(1, &mut bench.out);
    assert_eq!(bench.sent(), []);
    assert!(bench.dealer.calls.is_empty());
}

#[test]
fn registrations_and_open_calls_end_at_their_limits() {
    let mut bench = Bench { dealer: Dealer::new(3, 2, true), out: Outbox::default() };
    for uri in ["a", "b", "c"] {
        bench.register(1, uri, MatchPolicy::Exact);
    }
    let refused = bench.register(1, "d", MatchPolicy::Exact);
    assert_eq!(error_uri(&refused), uri::RESOURCE_EXHAUSTED);
    let (_, first) = bench.call(2, 1, "a");
    bench.call(2, 2, "a");
    assert_eq!(error_uri(&bench.call(2, 3, "a").1), uri::RESOURCE_EXHAUSTED);
    bench.dealer.yielded(1, invocation(&first).request, answer(false), &mut bench.out);
    bench.sent();
    assert_eq!(bench.call(2, 3, "a").0, 1);
}
