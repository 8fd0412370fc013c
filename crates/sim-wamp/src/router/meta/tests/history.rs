//! The history of a subscription: who may ask, what is answered, and all its bounds.

use super::*;
use crate::Passthru;

const GET: &str = "subscription.get_events";

fn remembering(limit: usize) -> Bench {
    Bench::with(vec![History::new("h.", MatchPolicy::Prefix, limit)], 100)
}

fn event(topic: &str, number: u64) -> Publication {
    Publication::new(topic, args(number))
}

/// Asks as somebody, and returns the numbers that the events carry.
fn numbers(bench: &mut Bench, caller: u64, subscription: u64, kwargs: &Json) -> Vec<u64> {
    let events = bench.ask_as(caller, GET, &json!([subscription]), kwargs).unwrap();
    let number = |event: &Json| event["args"][0].as_u64().unwrap();
    events.as_array().unwrap().iter().map(number).collect()
}

/// Publishes five events on two topics, the first of which is forgotten, and subscribes.
fn five(bench: &mut Bench) -> (u64, Vec<u64>) {
    let topics = ["h.0", "h.1"].into_iter().cycle();
    let publish = |(number, topic)| bench.publish(OTHER, event(topic, number));
    let published = (0..5).zip(topics).map(publish).collect();
    (bench.subscribe(CALLER, "h.", MatchPolicy::Prefix), published)
}

#[test]
fn events_are_told_as_the_specification_has_them() {
    let mut bench = remembering(4);
    let full = Payload::from_json(Some("[1,\"x\"]"), Some("{\"k\":2}"));
    let with_both = bench.publish(OTHER, Publication::new("h.a", full));
    let with_none = bench.publish(OTHER, Publication::new("h.a", Payload::empty()));
    let mut disclosed = event("h.b", 3);
    disclosed.disclose_me = true;
    let disclosed = bench.publish(OTHER, disclosed);
    let mut packed = event("h.b", 4);
    let (serializer, cipher) = (Some("cbor".to_owned()), Some("xsalsa20poly1305".to_owned()));
    let passthru = Passthru { scheme: "x_a".to_owned(), serializer, cipher, keyid: None };
    packed.passthru = Some(Box::new(passthru));
    let packed = bench.publish(OTHER, packed);

    let id = bench.subscribe(CALLER, "h.", MatchPolicy::Prefix);
    let mut events = bench.ask(GET, &json!([id])).unwrap();
    for event in events.as_array_mut().unwrap() {
        let at = event.as_object_mut().unwrap().remove("timestamp").unwrap();
        let at: jiff::Timestamp = at.as_str().unwrap().parse().unwrap();
        assert!(at <= jiff::Timestamp::now());
    }
    let told = |publication: u64, details: Json| json!({ "subscription": id, "publication": publication, "details": details });
    let mut expected = vec![
        told(with_both, json!({ "topic": "h.a" })),
        told(with_none, json!({ "topic": "h.a" })),
        told(
            disclosed,
            json!({
                "topic": "h.b",
                "publisher": OTHER,
                "publisher_authid": "b",
                "publisher_authrole": "admin",
            }),
        ),
        told(
            packed,
            json!({
                "topic": "h.b",
                "ppt_scheme": "x_a",
                "ppt_serializer": "cbor",
                "ppt_cipher": "xsalsa20poly1305",
            }),
        ),
    ];
    expected[0]["args"] = json!([1, "x"]);
    expected[0]["kwargs"] = json!({ "k": 2 });
    expected[2]["args"] = json!([3]);
    expected[3]["args"] = json!([4]);
    assert_eq!(events, json!(expected));

    let all = bench.ask_as(ENGINE, GET, &json!([id]), &json!({})).unwrap();
    assert_eq!(all[0]["details"]["publisher"], json!(OTHER), "the engine knows all publishers");
}

#[test]
fn only_subscribers_and_the_engine_may_ask() {
    let mut bench = remembering(4);
    let (id, _) = five(&mut bench);
    for (caller, may) in [(CALLER, true), (ENGINE, true), (TWIN, false), (OTHER, false)] {
        let answer = bench.ask_as(caller, GET, &json!([id]), &json!({}));
        let refused = answer.err().map(|refused| refused.uri);
        let expected = (!may).then(|| uri::NO_SUCH_SUBSCRIPTION.to_owned());
        assert_eq!(refused, expected, "{caller}");
    }
    bench.refuses(GET, &json!([7]), &json!({}), uri::NO_SUCH_SUBSCRIPTION, "`7`");
    bench.refuses(GET, &json!([]), &json!({}), uri::INVALID_ARGUMENT, "`subscription`");
}

/// A change of the publication, and who is told of it later.
type Case = (fn(&mut Publication), &'static [u64]);

#[test]
fn events_are_told_to_those_who_would_have_received_them() {
    let mut bench = remembering(9);
    let cases: [Case; 8] = [
        (|_| {}, &[CALLER, OTHER, ENGINE]),
        (|it| it.exclude_authid = vec!["a".into()], &[OTHER, ENGINE]),
        (|it| it.exclude_authrole = vec!["admin".into()], &[CALLER, ENGINE]),
        (|it| it.eligible_authid = Some(["b".into()].into()), &[OTHER, ENGINE]),
        (|it| it.eligible_authrole = Some(vec!["player".into()]), &[CALLER, ENGINE]),
        // Sessions that ask later have other ids.
        (|it| it.eligible = Some(vec![CALLER]), &[]),
        (|it| it.exclude = vec![OTHER], &[]),
        (|it| it.topic = "other".into(), &[]),
    ];
    for (number, (change, _)) in (0..).zip(&cases) {
        let mut publication = event("h.a", number);
        change(&mut publication);
        bench.publish(TWIN, publication);
    }
    let mut id = 0;
    for session in [CALLER, OTHER] {
        id = bench.subscribe(session, "", MatchPolicy::Prefix);
    }
    for session in [CALLER, OTHER, ENGINE] {
        let told = numbers(&mut bench, session, id, &json!({}));
        let all = (0..).zip(&cases).filter(|(_, (_, to))| to.contains(&session));
        let expected: Vec<u64> = all.map(|(number, _)| number).collect();
        assert_eq!(told, expected, "{session}");
    }
}

#[test]
fn narrowed_subscription_has_its_part_of_the_history_only() {
    let mut bench = remembering(4);
    let (id, _) = five(&mut bench);
    let only = Some(Box::new(Pattern { uri: "h.1".into(), policy: MatchPolicy::Exact }));
    let granted = Granted { only, ..Granted::default() };
    assert_eq!(bench.subscribe_with(TWIN, "h.", MatchPolicy::Prefix, granted), id);
    assert_eq!(numbers(&mut bench, TWIN, id, &json!({})), [1, 3]);
    assert_eq!(numbers(&mut bench, TWIN, id, &json!({ "topic": "h.0" })), [] as [u64; 0]);
    assert_eq!(numbers(&mut bench, CALLER, id, &json!({})), [1, 2, 3, 4]);
}

#[test]
fn bounds_are_kept() {
    let mut bench = remembering(4);
    let (id, ids) = five(&mut bench);
    let none: &[u64] = &[];
    for (kwargs, expected) in [
        (json!({}), &[1, 2, 3, 4][..]),
        (json!({ "limit": 2 }), &[1, 2]),
        (json!({ "limit": 9 }), &[1, 2, 3, 4]),
        (json!({ "limit": null, "reverse": null, "topic": null }), &[1, 2, 3, 4]),
        (json!({ "reverse": true }), &[4, 3, 2, 1]),
        (json!({ "reverse": true, "limit": 2 }), &[4, 3]),
        (json!({ "topic": "h.0" }), &[2, 4]),
        (json!({ "topic": "h.1", "reverse": true, "limit": 1 }), &[3]),
        (json!({ "topic": "h.2" }), none),
        (json!({ "from_publication": ids[2] }), &[2, 3, 4]),
        (json!({ "after_publication": ids[2] }), &[3, 4]),
        (json!({ "until_publication": ids[2] }), &[1, 2]),
        (json!({ "before_publication": ids[2] }), &[1]),
        (json!({ "after_publication": ids[1], "before_publication": ids[4] }), &[2, 3]),
        // It is on another topic than those that are wanted.
        (json!({ "after_publication": ids[1], "topic": "h.0" }), &[2, 4]),
    ] {
        assert_eq!(numbers(&mut bench, CALLER, id, &kwargs), expected, "{kwargs}");
    }
    let positional = bench.ask(GET, &json!([id, 1])).unwrap();
    assert_eq!(positional.as_array().unwrap().len(), 1, "some clients pass the limit in order");
}

#[test]
fn pages_end_where_the_memory_ends() {
    let mut bench = remembering(4);
    let (id, ids) = five(&mut bench);
    // The first is forgotten, as it may be while somebody reads page after page: all others came
    // after it, and none before.
    for (bound, expected) in [
        ("from_publication", &[1, 2, 3, 4][..]),
        ("after_publication", &[1, 2, 3, 4]),
        ("until_publication", &[]),
        ("before_publication", &[]),
    ] {
        let kwargs = json!({ bound: ids[0] });
        assert_eq!(numbers(&mut bench, CALLER, id, &kwargs), expected, "{kwargs}");
    }
    // One that others received is as good a bound as any.
    let mut hidden = event("h.0", 5);
    hidden.exclude_authid = vec!["a".into()];
    let hidden = bench.publish(OTHER, hidden);
    bench.publish(OTHER, event("h.0", 6));
    for (bound, expected) in [("after_publication", &[6][..]), ("until_publication", &[3, 4])] {
        assert_eq!(numbers(&mut bench, CALLER, id, &json!({ bound: hidden })), expected);
    }
}

#[test]
fn times_bound_the_events() {
    let mut bench = remembering(4);
    let (id, _) = five(&mut bench);
    // Each at a time of its own, a second after the other.
    let start: jiff::Timestamp = "2030-01-02T03:04:00Z".parse().unwrap();
    let second = |number: i64| start + jiff::SignedDuration::from_secs(number);
    let mut number = 0;
    for history in &mut bench.realm.broker.history {
        history.set_times(|| {
            number += 1;
            second(number)
        });
    }
    for (bound, number, expected) in [
        ("from_time", 2, &[2, 3, 4][..]),
        ("after_time", 2, &[3, 4]),
        ("until_time", 2, &[1, 2]),
        ("before_time", 2, &[1]),
        ("from_time", 5, &[]),
        ("before_time", 1, &[]),
    ] {
        let at = second(number);
        for time in [at.to_string(), at.to_string().replace('Z', "+00:00")] {
            let kwargs = json!({ bound: time });
            assert_eq!(numbers(&mut bench, CALLER, id, &kwargs), expected, "{kwargs}");
        }
    }
    let both = json!({
        "after_time": second(1).to_string(),
        "until_time": second(3).to_string(),
        "topic": "h.0",
    });
    assert_eq!(numbers(&mut bench, CALLER, id, &both), [2]);
}

#[test]
fn wrong_bounds_are_named() {
    let mut bench = remembering(4);
    let (id, _) = five(&mut bench);
    let bounds = ["from", "after", "until", "before"];
    let mut cases = vec![
        ("limit".to_owned(), json!([0, -1, 1.5, "1", []])),
        ("reverse".to_owned(), json!([1, "true", {}])),
        ("topic".to_owned(), json!([1, []])),
    ];
    for bound in bounds {
        cases.push((format!("{bound}_time"), json!([1, "", "soon", "2030-01-02", "12:00:00Z"])));
        cases.push((format!("{bound}_publication"), json!([0, -1, "1", {}])));
    }
    for (name, values) in cases {
        for value in values.as_array().unwrap() {
            let (kwargs, named) = (json!({ &*name: value }), format!("`{name}`"));
            bench.refuses(GET, &json!([id]), &kwargs, uri::INVALID_ARGUMENT, &named);
        }
    }
}

#[test]
fn event_of_two_histories_is_told_once_and_in_its_order() {
    let wide = History::new("h.", MatchPolicy::Prefix, 2);
    let narrow = History::new("h.0", MatchPolicy::Exact, 3);
    let mut bench = Bench::with(vec![wide, narrow, History::new("", MatchPolicy::Prefix, 0)], 100);
    let (id, _) = five(&mut bench);
    // The wide one has 3 and 4, the narrow one 0, 2 and 4, and the last remembers nothing.
    assert_eq!(numbers(&mut bench, CALLER, id, &json!({})), [0, 2, 3, 4]);
    let exact = bench.subscribe(CALLER, "h.1", MatchPolicy::Exact);
    assert_eq!(numbers(&mut bench, CALLER, exact, &json!({})), [3]);
}
