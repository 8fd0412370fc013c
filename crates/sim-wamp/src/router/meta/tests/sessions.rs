//! Sessions are counted, described and sent away.

use super::*;

/// Takes the goodbye that is the last message of a session, as its reason and message.
fn goodbye(bench: &mut Bench, session: u64) -> (String, String) {
    match bench.receive(session).pop() {
        Some(Message::Goodbye { message, reason }) => (reason, message),
        other => panic!("expected a goodbye for {session}, not {other:?}"),
    }
}

#[test]
fn sessions_are_counted_and_listed_by_role() {
    let mut bench = Bench::new();
    for (filter, sessions) in [
        (json!([]), vec![CALLER, TWIN, OTHER, ENGINE]),
        (json!([null]), vec![CALLER, TWIN, OTHER, ENGINE]),
        (json!([["player"]]), vec![CALLER, TWIN]),
        (json!([["admin", "service", "x"]]), vec![OTHER, ENGINE]),
        (json!([[]]), vec![]),
    ] {
        bench.answers("session.count", &filter, &json!(sessions.len()));
        let mut listed = bench.ask("session.list", &filter).unwrap();
        listed.as_array_mut().unwrap().sort_by_key(Json::as_u64);
        assert_eq!(listed, json!(sessions), "{filter}");
    }
    // Some clients name all that they pass.
    let named = json!({ "filter_authroles": ["admin"] });
    assert_eq!(bench.ask_as(CALLER, "session.list", &json!([]), &named), Ok(json!([OTHER])));
    for procedure in ["session.count", "session.list"] {
        for bad in [json!([7]), json!([[7]]), json!(["player"])] {
            let named = "`filter_authroles`";
            bench.refuses(procedure, &bad, &json!({}), uri::INVALID_ARGUMENT, named);
        }
    }
}

#[test]
fn sessions_are_described() {
    let mut bench = Bench::new();
    let details = json!({
        "session": OTHER,
        "authid": "b",
        "authrole": "admin",
        "authmethod": "ticket",
        "authprovider": "static",
    });
    let mut answer = bench.ask("session.get", &json!([OTHER])).unwrap();
    let joined = answer.as_object_mut().and_then(|it| it.remove("joined")).unwrap();
    let joined: Result<jiff::Timestamp, _> = joined.as_str().unwrap().parse();
    assert!(joined.unwrap() <= jiff::Timestamp::now());
    assert_eq!(answer, details);
    bench.refuses("session.get", &json!([99]), &json!({}), uri::NO_SUCH_SESSION, "`99`");
    for bad in [json!([]), json!(["1"]), json!([-1]), json!([1.5]), json!([null])] {
        bench.refuses("session.get", &bad, &json!({}), uri::INVALID_ARGUMENT, "`session`");
    }
}

#[test]
fn each_way_to_kill_finds_its_sessions_and_spares_the_caller_and_the_engine() {
    for (procedure, args, answer, killed) in [
        ("session.kill", json!([OTHER]), Json::Null, vec![OTHER]),
        ("session.kill_by_authid", json!(["a"]), json!([TWIN]), vec![TWIN]),
        ("session.kill_by_authid", json!(["engine"]), json!([]), vec![]),
        ("session.kill_by_authrole", json!(["player"]), json!(1), vec![TWIN]),
        ("session.kill_by_authrole", json!(["service"]), json!(0), vec![]),
        ("session.kill_all", json!([]), json!(2), vec![TWIN, OTHER]),
    ] {
        let mut bench = Bench::new();
        bench.answers(procedure, &args, &answer);
        for session in [CALLER, TWIN, OTHER, ENGINE] {
            assert_eq!(bench.has(session), !killed.contains(&session), "{procedure} {session}");
        }
        for session in killed {
            let expected = (uri::CLOSE_NORMAL.to_owned(), String::new());
            assert_eq!(goodbye(&mut bench, session), expected, "{procedure}");
        }
    }
}

#[test]
fn who_is_sent_away_is_told_why() {
    for (procedure, mut args) in [
        ("session.kill", vec![json!(TWIN)]),
        ("session.kill_by_authid", vec![json!("a")]),
        ("session.kill_by_authrole", vec![json!("player")]),
        ("session.kill_all", vec![]),
    ] {
        let expected = ("app.why".to_owned(), "go".to_owned());
        let mut bench = Bench::new();
        let named = json!({ "reason": "app.why", "message": "go" });
        bench.ask_as(CALLER, procedure, &json!(args), &named).unwrap();
        assert_eq!(goodbye(&mut bench, TWIN), expected, "{procedure}");
        // Some clients pass them in order.
        let mut bench = Bench::new();
        args.extend([json!("app.why"), json!("go")]);
        bench.ask(procedure, &json!(args)).unwrap();
        assert_eq!(goodbye(&mut bench, TWIN), expected, "{procedure}");
    }
}

#[test]
fn kills_that_are_not_well_formed_send_nobody_away() {
    let mut bench = Bench::new();
    for session in [CALLER, ENGINE, 99] {
        let named = format!("`{session}`");
        bench.refuses("session.kill", &json!([session]), &json!({}), uri::NO_SUCH_SESSION, &named);
    }
    for (procedure, args, named) in [
        ("session.kill", json!(["x"]), "`session`"),
        ("session.kill", json!([]), "`session`"),
        ("session.kill_by_authid", json!([7]), "`authid`"),
        ("session.kill_by_authrole", json!([]), "`authrole`"),
    ] {
        bench.refuses(procedure, &args, &json!({}), uri::INVALID_ARGUMENT, named);
    }
    for (procedure, args) in [
        ("session.kill", json!([OTHER])),
        ("session.kill_by_authid", json!(["b"])),
        ("session.kill_by_authrole", json!(["admin"])),
        ("session.kill_all", json!([])),
    ] {
        for bad in ["", "no uri", "a..b", "a.#"] {
            let reason = json!({ "reason": bad });
            bench.refuses(procedure, &args, &reason, uri::INVALID_URI, "`reason`");
        }
        for (kwargs, named) in
            [(json!({ "reason": 7 }), "`reason`"), (json!({ "message": [] }), "`message`")]
        {
            bench.refuses(procedure, &args, &kwargs, uri::INVALID_ARGUMENT, named);
        }
    }
    assert!([CALLER, TWIN, OTHER, ENGINE].into_iter().all(|session| bench.has(session)));
}

#[test]
fn those_who_go_together_do_not_hear_of_each_other() {
    // There is room for the goodbye and little else, as there is for many thousands of sessions.
    let room = 4;
    let mut bench = Bench::with(Vec::new(), room);
    let crowd = 10..60;
    for session in crowd.clone() {
        bench.join(session, "c", "crowd", room);
        bench.subscribe(session, uri::ON_LEAVE, MatchPolicy::Exact);
    }
    bench.answers("session.kill_by_authrole", &json!(["crowd"]), &json!(crowd.clone().count()));
    for session in crowd {
        let received = bench.receive(session);
        assert!(matches!(received[..], [Message::Goodbye { .. }]), "{session}: {received:?}");
    }
}
