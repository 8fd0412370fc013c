//! Registrations and subscriptions are found, described and taken away.

use super::*;

fn shared(policy: MatchPolicy) -> RegisterOptions {
    RegisterOptions { policy, invoke: Invoke::RoundRobin, ..RegisterOptions::default() }
}

/// Checks that a moment is one of RFC 3339, and takes it off.
fn without_created(mut details: Json) -> Json {
    let created = details.as_object_mut().unwrap().remove("created").unwrap();
    let created: Result<jiff::Timestamp, _> = created.as_str().unwrap().parse();
    assert!(created.is_ok());
    details
}

#[test]
fn registrations_are_found() {
    let mut bench = Bench::new();
    let exact = bench.register(OTHER, "a.b.c", RegisterOptions::default());
    let prefix = bench.register(OTHER, "a.b", shared(MatchPolicy::Prefix));
    bench.register(TWIN, "a.b", shared(MatchPolicy::Prefix));
    let wildcard = bench.register(TWIN, "a..c", MatchPolicy::Wildcard.into());
    let lists = json!({ "exact": [exact], "prefix": [prefix], "wildcard": [wildcard] });
    for (procedure, args, answer) in [
        ("registration.list", json!([]), lists),
        ("registration.lookup", json!(["a.b.c"]), json!(exact)),
        ("registration.lookup", json!(["a.b.c", null]), json!(exact)),
        ("registration.lookup", json!(["a.b.c", {}]), json!(exact)),
        ("registration.lookup", json!(["a.b", { "match": "prefix" }]), json!(prefix)),
        ("registration.lookup", json!(["a..c", { "match": "wildcard" }]), json!(wildcard)),
        ("registration.lookup", json!(["a.b"]), Json::Null),
        ("registration.match", json!(["a.b.c"]), json!(exact)),
        ("registration.match", json!(["a.bx"]), json!(prefix)),
        ("registration.match", json!(["a.x.c"]), json!(wildcard)),
        ("registration.match", json!(["x"]), Json::Null),
        ("registration.count_callees", json!([prefix]), json!(2)),
        ("registration.list_callees", json!([prefix]), json!([OTHER, TWIN])),
        ("registration.list_callees", json!([wildcard]), json!([TWIN])),
    ] {
        bench.answers(procedure, &args, &answer);
    }
    let details = json!({ "id": prefix, "uri": "a.b", "match": "prefix", "invoke": "roundrobin" });
    let found = bench.ask("registration.get", &json!([prefix])).unwrap();
    assert_eq!(without_created(found), details);
}

#[test]
fn subscriptions_are_found() {
    let mut bench = Bench::new();
    let exact = bench.subscribe(OTHER, "a.b.c", MatchPolicy::Exact);
    bench.subscribe(TWIN, "a.b.c", MatchPolicy::Exact);
    let prefix = bench.subscribe(OTHER, "a.b", MatchPolicy::Prefix);
    let wildcard = bench.subscribe(TWIN, "a..c", MatchPolicy::Wildcard);
    let lists = json!({ "exact": [exact], "prefix": [prefix], "wildcard": [wildcard] });
    for (procedure, args, answer) in [
        ("subscription.list", json!([]), lists),
        ("subscription.lookup", json!(["a.b.c"]), json!(exact)),
        ("subscription.lookup", json!(["a.b", { "match": "prefix" }]), json!(prefix)),
        ("subscription.lookup", json!(["a..c", { "match": "wildcard" }]), json!(wildcard)),
        ("subscription.lookup", json!(["a.b"]), Json::Null),
        ("subscription.match", json!(["a.b.c"]), json!([exact, prefix, wildcard])),
        ("subscription.match", json!(["a.x.c"]), json!([wildcard])),
        ("subscription.match", json!(["x"]), Json::Null),
        ("subscription.count_subscribers", json!([exact]), json!(2)),
        ("subscription.list_subscribers", json!([exact]), json!([TWIN, OTHER])),
    ] {
        bench.answers(procedure, &args, &answer);
    }
    let details = json!({ "id": wildcard, "uri": "a..c", "match": "wildcard" });
    let found = bench.ask("subscription.get", &json!([wildcard])).unwrap();
    assert_eq!(without_created(found), details);
}

#[test]
fn wrong_arguments_are_named() {
    let mut bench = Bench::new();
    for (family, uri, peer, remove) in [
        ("registration", "`uri`", "callee", "remove_callee"),
        ("subscription", "`topic`", "subscriber", "remove_subscriber"),
    ] {
        for procedure in ["lookup", "match"] {
            for bad in [json!([]), json!([7]), json!([null])] {
                let procedure = format!("{family}.{procedure}");
                bench.refuses(&procedure, &bad, &json!({}), uri::INVALID_ARGUMENT, uri);
            }
        }
        for (options, named) in [
            (json!({ "match": "x" }), "`match`"),
            (json!({ "match": 7 }), "`match`"),
            (json!("prefix"), "`options`"),
            (json!([]), "`options`"),
        ] {
            let (procedure, args) = (format!("{family}.lookup"), json!(["a", options]));
            bench.refuses(&procedure, &args, &json!({}), uri::INVALID_ARGUMENT, named);
        }
        let (list, count) = (format!("list_{peer}s"), format!("count_{peer}s"));
        for procedure in ["get", &list, &count, remove] {
            let procedure = format!("{family}.{procedure}");
            let named = format!("`{family}`");
            for bad in [json!([]), json!(["7"]), json!([-7])] {
                bench.refuses(&procedure, &bad, &json!({}), uri::INVALID_ARGUMENT, &named);
            }
            let no_such = format!("wamp.error.no_such_{family}");
            bench.refuses(&procedure, &json!([7, TWIN]), &json!({}), &no_such, "`7`");
        }
    }
}

#[test]
fn registrations_are_taken_from_their_callees() {
    for (more, kwargs, why) in [
        (None, json!({}), uri::CLOSE_NORMAL),
        (None, json!({ "reason": "app.why" }), "app.why"),
        (Some("app.why"), json!({}), "app.why"),
    ] {
        let mut bench = Bench::new();
        let id = bench.register(OTHER, "a", shared(MatchPolicy::Exact));
        bench.register(TWIN, "a", shared(MatchPolicy::Exact));
        let mut args = vec![json!(id), json!(OTHER)];
        args.extend(more.map(Json::from));
        let procedure = "registration.remove_callee";
        assert_eq!(bench.ask_as(CALLER, procedure, &json!(args), &kwargs), Ok(Json::Null));
        let received = bench.receive(OTHER);
        let [Message::Unregistered { request: 0, revoked: Some(revoked) }] = &received[..] else {
            panic!("{received:?}");
        };
        assert_eq!((revoked.id, &*revoked.reason), (id, why));
        bench.answers("registration.list_callees", &json!([id]), &json!([TWIN]));
        let (none, bad) = (json!({}), json!({ "reason": "no uri" }));
        bench.refuses(procedure, &json!([id, OTHER]), &none, uri::NO_SUCH_SESSION, "`3`");
        bench.refuses(procedure, &json!([id]), &none, uri::INVALID_ARGUMENT, "`callee`");
        bench.refuses(procedure, &json!([id, TWIN]), &bad, uri::INVALID_URI, "`reason`");
        bench.answers(procedure, &json!([id, TWIN]), &Json::Null);
        bench.refuses(procedure, &json!([id, TWIN]), &none, uri::NO_SUCH_REGISTRATION, "");
    }
}

#[test]
fn subscriptions_are_taken_from_their_subscribers() {
    for (more, kwargs, why) in [
        (None, json!({}), uri::CLOSE_NORMAL),
        (None, json!({ "reason": "app.why" }), "app.why"),
        (Some("app.why"), json!({}), "app.why"),
    ] {
        let mut bench = Bench::new();
        let id = bench.subscribe(OTHER, "a", MatchPolicy::Exact);
        bench.subscribe(TWIN, "a", MatchPolicy::Exact);
        let mut args = vec![json!(id), json!(OTHER)];
        args.extend(more.map(Json::from));
        let procedure = "subscription.remove_subscriber";
        assert_eq!(bench.ask_as(CALLER, procedure, &json!(args), &kwargs), Ok(Json::Null));
        let received = bench.receive(OTHER);
        let [Message::Unsubscribed { request: 0, revoked: Some(revoked) }] = &received[..] else {
            panic!("{received:?}");
        };
        assert_eq!((revoked.id, &*revoked.reason), (id, why));
        bench.answers("subscription.list_subscribers", &json!([id]), &json!([TWIN]));
        let (none, bad) = (json!({}), json!({ "reason": "no uri" }));
        bench.refuses(procedure, &json!([id, OTHER]), &none, uri::NO_SUCH_SESSION, "`3`");
        bench.refuses(procedure, &json!([id]), &none, uri::INVALID_ARGUMENT, "`subscriber`");
        bench.refuses(procedure, &json!([id, TWIN]), &bad, uri::INVALID_URI, "`reason`");
        bench.answers(procedure, &json!([id, TWIN]), &Json::Null);
        bench.refuses(procedure, &json!([id, TWIN]), &none, uri::NO_SUCH_SUBSCRIPTION, "");
    }
}
