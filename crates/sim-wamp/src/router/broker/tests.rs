//! The broker as a value: subscriptions and publications in, messages out.

use super::*;
use crate::{MatchPolicy, Payload, SessionInfo, uri};

fn new_broker(subscriptions: usize) -> Broker {
    let limits = Limits { subscriptions, ..Limits::default() };
    Broker::new(&limits, Vec::new(), true)
}

fn member(session: u64, authid: &str, authrole: &str) -> Member {
    let info = SessionInfo {
        session,
        authid: authid.into(),
        authrole: authrole.into(),
        authmethod: "m".into(),
        authprovider: "p".into(),
        realm: "realm1".into(),
    };
    Member::new(Arc::new(info), false, Features::ALL)
}

fn subscribe(broker: &mut Broker, from: &Member, topic: &str, policy: MatchPolicy) -> Message {
    let mut out = Outbox::default();
    broker.subscribe(from, 7, policy.into(), topic.into(), Granted::default(), &mut out);
    let (session, message) = out.messages.pop().unwrap();
    assert_eq!((session, out.messages.len()), (from.session(), 0));
    message
}

fn subscription(message: &Message) -> u64 {
    match message {
        Message::Subscribed { request: 7, subscription } => *subscription,
        other => panic!("{other:?}"),
    }
}

fn receivers(broker: &mut Broker, from: &Member, publication: &Publication) -> Vec<u64> {
    let mut out = Outbox::default();
    broker.publish(from, 9, publication.clone(), &Granted::default(), &mut out);
    out.messages
        .iter()
        .filter(|(_, message)| matches!(message, Message::Event(_)))
        .map(|(session, _)| *session)
        .collect()
}

#[test]
fn all_subscribers_of_a_pattern_share_an_id_and_one_event() {
    let mut broker = new_broker(10);
    let (a, b, c) = (member(1, "a", "r"), member(2, "b", "r"), member(3, "c", "r"));
    let first = subscription(&subscribe(&mut broker, &a, "t", MatchPolicy::Prefix));
    assert_eq!(subscription(&subscribe(&mut broker, &a, "t", MatchPolicy::Prefix)), first);
    assert_eq!(subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Prefix)), first);
    assert_ne!(subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Exact)), first);
    let mut out = Outbox::default();
    broker.publish(&c, 9, Publication::new("t.x", Payload::empty()), &Granted::default(), &mut out);
    let [(1, Message::Event(one)), (2, Message::Event(two))] = &out.messages[..] else {
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
    let mut broker = new_broker(10);
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
    let mut broker = new_broker(10);
    let a = member(1, "a", "x");
    subscribe(&mut broker, &a, "t", MatchPolicy::Exact);
    let mut out = Outbox::default();
    let publication = Publication::new("t", Payload::empty()).including_me().acknowledged();
    broker.publish(&a, 9, publication, &Granted::default(), &mut out);
    let [(1, Message::Event(event)), (1, Message::Published { request: 9, publication })] =
        &out.messages[..]
    else {
        panic!("{out:?}");
    };
    assert_eq!(event.publication, *publication);
}

#[test]
fn subscription_ends_by_unsubscribe_and_by_leaving() {
    let mut broker = new_broker(10);
    let (a, b) = (member(1, "a", "x"), member(2, "b", "x"));
    let id = subscription(&subscribe(&mut broker, &b, "t", MatchPolicy::Wildcard));
    let mut out = Outbox::default();
    broker.subscriptions.unsubscribe(1, 5, id, &mut out);
    broker.subscriptions.unsubscribe(2, 6, id, &mut out);
    broker.subscriptions.unsubscribe(2, 7, id, &mut out);
    let uris: Vec<_> = out
        .messages
        .iter()
        .map(|(_, message)| match message {
            Message::Error(error) => error.uri.as_str(),
            other => other.name(),
        })
        .collect();
    assert_eq!(uris, [uri::NO_SUCH_SUBSCRIPTION, "UNSUBSCRIBED", uri::NO_SUCH_SUBSCRIPTION]);

    subscribe(&mut broker, &b, "t", MatchPolicy::Exact);
    broker.subscriptions.table.leave(2, &mut out);
    assert_eq!(
        receivers(&mut broker, &a, &Publication::new("t", Payload::empty())),
        Vec::<u64>::new()
    );
    broker.subscriptions.table.leave(1, &mut out);
    assert!(broker.subscriptions.table.is_empty());
}

#[test]
fn subscriptions_end_at_their_limit_and_repeating_one_is_free() {
    let mut broker = new_broker(2);
    let a = member(1, "a", "x");
    for topic in ["t", "u", "t"] {
        subscription(&subscribe(&mut broker, &a, topic, MatchPolicy::Exact));
    }
    let refused = subscribe(&mut broker, &a, "v", MatchPolicy::Exact);
    assert!(matches!(refused, Message::Error(error) if error.uri == uri::RESOURCE_EXHAUSTED));
    let trusted = Member { trusted: true, ..a };
    subscription(&subscribe(&mut broker, &trusted, "v", MatchPolicy::Exact));
}

#[test]
fn retained_events_come_with_the_subscription_to_whom_they_are_for() {
    let mut broker = new_broker(10);
    let (a, b, c) = (member(1, "a", "x"), member(2, "b", "x"), member(3, "c", "x"));
    let granted = Granted::default();
    let publish = |broker: &mut Broker, topic: &str, eligible: Option<&str>| {
        let mut publication = Publication::new(topic, Payload::empty()).retained();
        publication.eligible_authid = eligible.map(|authid| [Arc::from(authid)].into());
        broker.publish(&a, 9, publication, &granted, &mut Outbox::default());
    };
    publish(&mut broker, "t.open", None);
    publish(&mut broker, "t.secret", Some("b"));
    let mut received = |from: &Member, get_retained, granted: Granted| {
        let options = SubscribeOptions { policy: MatchPolicy::Prefix, get_retained };
        let mut out = Outbox::default();
        broker.subscribe(from, 7, options, "t.".into(), granted, &mut out);
        let topics: Vec<String> = out
            .messages
            .iter()
            .filter_map(|(_, message)| match message {
                Message::Event(event) if event.retained => Some(event.topic.to_string()),
                _ => None,
            })
            .collect();
        topics
    };
    assert_eq!(received(&b, true, Granted::default()), ["t.open", "t.secret"]);
    assert_eq!(received(&c, true, Granted::default()), ["t.open"]);
    assert_eq!(received(&c, false, Granted::default()), [] as [&str; 0]);
    let only = Some(Box::new(crate::access::Pattern {
        uri: "t.secret".into(),
        policy: MatchPolicy::Exact,
    }));
    assert_eq!(received(&b, true, Granted { only, disclose: false }), ["t.secret"]);
}

#[test]
fn narrowed_subscriber_receives_its_part_only() {
    let mut broker = new_broker(10);
    let (a, b) = (member(1, "a", "x"), member(2, "b", "x"));
    let only = crate::access::Pattern { uri: "error.1".into(), policy: MatchPolicy::Exact };
    let granted = Granted { only: Some(Box::new(only)), disclose: false };
    let mut out = Outbox::default();
    broker.subscribe(&b, 7, MatchPolicy::Prefix.into(), "error.1".into(), granted, &mut out);
    for (topic, expected) in [("error.1", vec![2]), ("error.10", vec![])] {
        let publication = Publication::new(topic, Payload::empty());
        assert_eq!(receivers(&mut broker, &a, &publication), expected, "{topic}");
    }
}

#[test]
fn packed_events_reach_only_subscribers_who_take_them() {
    let mut broker = new_broker(10);
    let (a, b) = (member(1, "a", "x"), member(2, "b", "x"));
    let plain = Member { features: Features::default(), ..member(3, "c", "x") };
    for from in [&b, &plain] {
        subscribe(&mut broker, from, "t", MatchPolicy::Exact);
    }
    let mut publication = Publication::new("t", Payload::empty());
    assert_eq!(receivers(&mut broker, &a, &publication), [2, 3]);
    publication.passthru = Some(Box::default());
    assert_eq!(receivers(&mut broker, &a, &publication), [2]);
}
