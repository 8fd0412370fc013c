//! What happens is announced, in the order and with the arguments of the specification.

use super::*;

#[test]
fn lives_of_registrations_and_subscriptions_are_announced() {
    let mut bench = Bench::new();
    for topic in ["wamp.registration.", "wamp.subscription."] {
        bench.subscribe(ENGINE, topic, MatchPolicy::Prefix);
    }
    let shared = RegisterOptions { invoke: Invoke::Last, ..RegisterOptions::default() };
    let registration = bench.register(OTHER, "a.p", shared);
    bench.register(TWIN, "a.p", shared);
    let subscription = bench.subscribe(OTHER, "a.", MatchPolicy::Prefix);
    bench.subscribe(TWIN, "a.", MatchPolicy::Prefix);
    // Asked again, there is nothing new to tell.
    bench.subscribe(TWIN, "a.", MatchPolicy::Prefix);
    bench.lose(OTHER);
    let removed = json!([registration, TWIN]);
    bench.answers("registration.remove_callee", &removed, &Json::Null);
    let removed = json!([subscription, TWIN]);
    bench.answers("subscription.remove_subscriber", &removed, &Json::Null);

    let mut told = bench.events(ENGINE);
    for (topic, details) in &mut told {
        if topic.ends_with(".on_create") {
            assert!(details[1].as_object_mut().unwrap().remove("created").is_some());
        }
    }
    let created_registration =
        json!({ "id": registration, "uri": "a.p", "match": "exact", "invoke": "last" });
    let created_subscription = json!({ "id": subscription, "uri": "a.", "match": "prefix" });
    let expected = [
        (uri::ON_REGISTRATION_CREATE, json!([OTHER, created_registration])),
        (uri::ON_REGISTER, json!([OTHER, registration])),
        (uri::ON_REGISTER, json!([TWIN, registration])),
        (uri::ON_SUBSCRIPTION_CREATE, json!([OTHER, created_subscription])),
        (uri::ON_SUBSCRIBE, json!([OTHER, subscription])),
        (uri::ON_SUBSCRIBE, json!([TWIN, subscription])),
        (uri::ON_UNSUBSCRIBE, json!([OTHER, subscription])),
        (uri::ON_UNREGISTER, json!([OTHER, registration])),
        (uri::ON_UNREGISTER, json!([TWIN, registration])),
        (uri::ON_REGISTRATION_DELETE, json!([TWIN, registration])),
        (uri::ON_UNSUBSCRIBE, json!([TWIN, subscription])),
        (uri::ON_SUBSCRIPTION_DELETE, json!([TWIN, subscription])),
    ];
    assert_eq!(told, expected.map(|(topic, details)| (topic.to_owned(), details)));
}

#[test]
fn who_is_sent_away_is_announced_to_those_who_stay() {
    let mut bench = Bench::new();
    for session in [CALLER, OTHER, ENGINE] {
        bench.subscribe(session, uri::ON_LEAVE, MatchPolicy::Exact);
    }
    bench.answers("session.kill_all", &json!([]), &json!(2));
    for session in [CALLER, ENGINE] {
        let mut told = bench.events(session);
        told.sort_by_key(|(_, details)| details[0].as_u64());
        let expected = [json!([TWIN, "a", "player"]), json!([OTHER, "b", "admin"])];
        assert_eq!(told, expected.map(|details| (uri::ON_LEAVE.to_owned(), details)));
    }
}
