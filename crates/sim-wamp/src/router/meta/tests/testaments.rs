//! Testaments are kept, flushed by their scope, and published when their session is gone.

use super::*;

const ADD: &str = "session.add_testament";
const FLUSH: &str = "session.flush_testaments";

fn add(bench: &mut Bench, topic: &str, kwargs: &Json) {
    let args = json!([topic, [topic], { "k": 1 }]);
    assert_eq!(bench.ask_as(CALLER, ADD, &args, kwargs), Ok(Json::Null));
}

/// Loses the caller and says which testaments its heirs receive, the other and the engine.
fn inherited(mut bench: Bench) -> [Vec<String>; 2] {
    for heir in [OTHER, ENGINE] {
        bench.subscribe(heir, "will.", MatchPolicy::Prefix);
    }
    bench.lose(CALLER);
    [OTHER, ENGINE].map(|heir| {
        let topics = bench.events(heir).into_iter().map(|(topic, args)| {
            assert_eq!(args, json!([topic]));
            topic
        });
        topics.collect()
    })
}

#[test]
fn detached_testaments_come_before_destroyed_ones_each_in_their_order() {
    let mut bench = Bench::new();
    add(&mut bench, "will.c", &json!({}));
    add(&mut bench, "will.a", &json!({ "scope": "detached" }));
    add(&mut bench, "will.b", &json!({ "scope": "destroyed" }));
    let expected = ["will.a", "will.c", "will.b"];
    assert_eq!(inherited(bench), [expected, expected]);
}

#[test]
fn flushed_testaments_are_not_published() {
    for (args, kwargs, flushed, left) in [
        (json!([]), json!({}), 2, vec!["will.a"]),
        (json!([]), json!({ "scope": "destroyed" }), 2, vec!["will.a"]),
        (json!([]), json!({ "scope": "detached" }), 1, vec!["will.b", "will.c"]),
        (json!(["detached"]), json!({}), 1, vec!["will.b", "will.c"]),
    ] {
        let mut bench = Bench::new();
        add(&mut bench, "will.a", &json!({ "scope": "detached" }));
        add(&mut bench, "will.b", &json!({}));
        add(&mut bench, "will.c", &json!({}));
        assert_eq!(bench.ask_as(CALLER, FLUSH, &args, &kwargs), Ok(json!(flushed)));
        assert_eq!(bench.ask_as(CALLER, FLUSH, &args, &kwargs), Ok(json!(0)));
        assert_eq!(inherited(bench), [left.clone(), left]);
    }
}

#[test]
fn testaments_of_who_is_sent_away_are_published_too() {
    let mut bench = Bench::new();
    add(&mut bench, "will.a", &json!({}));
    bench.subscribe(OTHER, "will.", MatchPolicy::Prefix);
    assert_eq!(bench.ask_as(OTHER, "session.kill", &json!([CALLER]), &json!({})), Ok(Json::Null));
    assert_eq!(bench.events(OTHER), [("will.a".to_owned(), json!(["will.a"]))]);
}

#[test]
fn publish_options_choose_the_heirs() {
    for (options, other, engine) in [
        (json!(null), true, true),
        (json!({ "acknowledge": true, "exclude_me": false, "x": 1 }), true, true),
        (json!({ "exclude": [OTHER] }), false, true),
        (json!({ "exclude_authid": ["b"] }), false, true),
        (json!({ "exclude_authrole": ["service"] }), true, false),
        (json!({ "eligible": [OTHER] }), true, false),
        (json!({ "eligible": [] }), false, false),
        (json!({ "eligible_authid": ["engine"] }), false, true),
        (json!({ "eligible_authrole": ["admin"] }), true, false),
        (json!({ "eligible_authrole": null }), true, true),
    ] {
        let mut bench = Bench::new();
        add(&mut bench, "will.a", &json!({ "publish_options": options }));
        let [of_other, of_engine] = inherited(bench);
        assert_eq!([of_other.len() == 1, of_engine.len() == 1], [other, engine], "{options}");
    }
}

#[test]
fn testaments_are_retained_and_disclose_whose_they_were_if_they_say_so() {
    for wanted in [false, true] {
        let mut bench = Bench::new();
        let options = json!({ "retain": wanted, "disclose_me": wanted });
        add(&mut bench, "will.a", &json!({ "publish_options": options }));
        bench.subscribe(OTHER, "will.a", MatchPolicy::Exact);
        bench.lose(CALLER);
        let received = bench.receive(OTHER);
        let [Message::Event(event)] = &received[..] else { panic!("{received:?}") };
        assert_eq!(event.disclosed, wanted);
        assert_eq!(event.publisher.as_ref().unwrap().session, CALLER);
        let later = crate::SubscribeOptions { get_retained: true, ..Default::default() };
        let (member, out) = (bench.member(TWIN), &mut bench.realm.out);
        let granted = Granted::default();
        bench.realm.broker.subscribe(&member, 1, later, "will.a".into(), granted, out);
        bench.realm.flush();
        let received = bench.receive(TWIN);
        assert_eq!(received.len(), if wanted { 2 } else { 1 }, "{received:?}");
    }
}

#[test]
fn testaments_that_are_not_well_formed_are_refused() {
    let mut bench = Bench::new();
    for (args, kwargs, named) in [
        (json!([]), json!({}), "`topic`"),
        (json!([7]), json!({}), "`topic`"),
        (json!(["will", {}]), json!({}), "`args`"),
        (json!(["will", [], []]), json!({}), "`kwargs`"),
        (json!(["will"]), json!({ "scope": "x" }), "`scope`"),
        (json!(["will"]), json!({ "scope": 7 }), "`scope`"),
        (json!(["will"]), json!({ "publish_options": [] }), "`publish_options`"),
        (json!(["will"]), json!({ "publish_options": { "retain": 1 } }), "`retain`"),
        (json!(["will"]), json!({ "publish_options": { "disclose_me": "x" } }), "`disclose_me`"),
        (json!(["will"]), json!({ "publish_options": { "exclude": ["x"] } }), "`exclude`"),
        (json!(["will"]), json!({ "publish_options": { "eligible": 7 } }), "`eligible`"),
        (
            json!(["will"]),
            json!({ "publish_options": { "eligible_authid": [7] } }),
            "`eligible_authid`",
        ),
    ] {
        bench.refuses(ADD, &args, &kwargs, uri::INVALID_ARGUMENT, named);
    }
    let bad = json!({ "scope": "x" });
    bench.refuses(FLUSH, &json!([]), &bad, uri::INVALID_ARGUMENT, "`scope`");
    assert_eq!(bench.realm.testaments.execute(CALLER), []);
}

#[test]
fn full_session_has_room_again_after_a_flush() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        add(&mut bench, "will.a", &json!({}));
    }
    let more = json!(["will.x"]);
    bench.refuses(ADD, &more, &json!({}), uri::RESOURCE_EXHAUSTED, "3 testaments");
    assert_eq!(bench.ask_as(TWIN, ADD, &more, &json!({})), Ok(Json::Null), "each has its own");
    bench.answers(FLUSH, &json!([]), &json!(3));
    add(&mut bench, "will.a", &json!({}));
}
