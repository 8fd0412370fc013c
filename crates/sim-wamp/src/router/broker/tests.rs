//! The broker as a value: subscriptions and publications in, messages out.

use super::*;

fn member(session: u64, authid: &str, authrole: &str) -> Member {
    let info = SessionInfo {
        session,
        authid: authid.into(),
        authrole: authrole.into(),
        authmethod: "m".into(),
        authprovider: "p".into(),
        realm: "realm1".into(),
    };
    Member { info: Arc::new(info), trusted: false }
}

fn subscribe(broker: &mut Broker, from: &Member, topic: &str, policy: MatchPolicy) -> Message {
    let mut out = Outbox::new();
    broker.subscribe(from, 7, policy, topic.into(), &mut out);
    let (session, message) = out.pop().unwrap();
    assert_eq!((session, out.len()), (from.info.session, 0));
    message
}

fn subscription(message: &Message) -> u64 {
    match message {
        Message::Subscribed { request: 7, subscription } => *subscription,
        other => panic!("{other:?}"),
    }
}

fn receivers(broker: &mut Broker, from: &Member, publication: &Publication) -> Vec<u64> {
    let mut out = Outbox::new();
    broker.publish(from, 9, publication, &mut out);
    out.iter()
        .filter(|(_, message)| matches!(message, Message::Event(_)))
        .map(|(session, _)| *session)
        .collect()
}

#[test]
fn all_subscribers_of_a_pattern_share_an_id_and_one_event() {
    let mut broker = Broker::new(10, true);
    let (a, b, c) = (member(1, "a", "r"), member(2, "b", "r"), member(3, "c", "r"));
    let first = subscription(&subscribe(&mut broker, &a, "t", MatchPolicy::Prefix));
    assert_eq!(subscription(&subscribe(&mut broker, &a, "t", MatchPolicy::Prefix)), first);
    assert_eq!(subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Prefix)), first);
    assert_ne!(subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Exact)), first);
    let mut out = Outbox::new();
    broker.publish(&c, 9, &Publication::new("t.x", Payload::empty()), &mut out);
    let [(1, Message::Event(one)), (2, Message::Event(two))] = &out[..] else {
        panic!("{out:?}");
    };
    assert!(Arc::ptr_eq(one, two));
    assert_eq!((one.subscription, &*one.topic), (first, "t.x"));
    assert_eq!(one.publisher.as_ref().unwrap().session, 3);
}

/// A change of the publication, and who still receives it.
type Case = (fn(&mut Publication), &'static [u64]);

#[test]
fn lists_choose_the_receivers() {
    let mut broker = Broker::new(10, true);
    let all = [member(1, "a", "x"), member(2, "b", "x"), member(3, "c", "y")];
    for one in &all {
        subscribe(&mut broker, one, "t", MatchPolicy::Exact);
    }
    let to = |change: fn(&mut Publication)| {
        let mut publication = Publication::new("t", Payload::empty());
        change(&mut publication);
        publication
    };
    let cases: [Case; 9] = [
        (|_| {}, &[2, 3]),
        (|p| p.exclude_me = false, &[1, 2, 3]),
        (|p| p.exclude = vec![2], &[3]),
        (|p| p.exclude_authid = vec!["c".into()], &[2]),
        (|p| p.exclude_authrole = vec!["x".into()], &[3]),
        (|p| p.eligible = Some(vec![1, 3]), &[3]),
        (|p| p.eligible = Some(vec![]), &[]),
        (|p| p.eligible_authid = Some(["b".into()].into()), &[2]),
        (|p| p.eligible_authrole = Some(vec!["y".into()]), &[3]),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(receivers(&mut broker, &all[0], &to(change)), expected, "case {number}");
    }
}

#[test]
fn acknowledgment_carries_the_publication() {
    let mut broker = Broker::new(10, true);
    let a = member(1, "a", "x");
    subscribe(&mut broker, &a, "t", MatchPolicy::Exact);
    let mut out = Outbox::new();
    let publication = Publication::new("t", Payload::empty()).including_me().acknowledged();
    broker.publish(&a, 9, &publication, &mut out);
    let [(1, Message::Event(event)), (1, Message::Published { request: 9, publication })] =
        &out[..]
    else {
        panic!("{out:?}");
    };
    assert_eq!(event.publication, *publication);
}

#[test]
fn subscription_ends_by_unsubscribe_and_by_leaving() {
    let mut broker = Broker::new(10, true);
    let (a, b) = (member(1, "a", "x"), member(2, "b", "x"));
    let id = subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Wildcard));
    let mut out = Outbox::new();
    broker.unsubscribe(&a, 5, id, &mut out);
    broker.unsubscribe(&b, 6, id, &mut out);
    broker.unsubscribe(&b, 7, id, &mut out);
    let uris: Vec<_> = out
        .iter()
        .map(|(_, message)| match message {
            Message::Error { uri, .. } => uri.as_str(),
            other => other.name(),
        })
        .collect();
    assert_eq!(uris, [uri::NO_SUCH_SUBSCRIPTION, "UNSUBSCRIBED", uri::NO_SUCH_SUBSCRIPTION]);

    subscribe(&mut broker, &b, "t", MatchPolicy::Exact);
    broker.leave(2);
    assert_eq!(
        receivers(&mut broker, &a, &Publication::new("t", Payload::empty())),
        Vec::<u64>::new()
    );
    assert!(broker.patterns.is_empty() && broker.sessions.is_empty());
}

#[test]
fn subscriptions_end_at_their_limit_and_repeating_one_is_free() {
    let mut broker = Broker::new(2, true);
    let a = member(1, "a", "x");
    for topic in ["t", "u", "t"] {
        subscription(&subscribe(&mut broker, &a, topic, MatchPolicy::Exact));
    }
    let refused = subscribe(&mut broker, &a, "v", MatchPolicy::Exact);
    assert!(matches!(refused, Message::Error { uri, .. } if uri == uri::RESOURCE_EXHAUSTED));
    let trusted = Member { trusted: true, ..a };
    subscription(&subscribe(&mut broker, &trusted, "v", MatchPolicy::Exact));
}
