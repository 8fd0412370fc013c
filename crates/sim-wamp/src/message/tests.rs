//! Messages survive the wire, and what is wrong is named.

use proptest::prelude::*;

use super::*;

fn call(text: &str) -> Payload {
    match decode(text) {
        Ok(Message::Call { payload, .. }) => payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn call_of_a_stock_browser_without_args_is_read() {
    let payload = call(r#"[48,9007199254740991,{},"a.b"]"#);
    assert!(!payload.has_args() && !payload.has_kwargs());
    let payload = call(r#"[48,0,null,"a.b",null,null]"#);
    assert!(!payload.has_args() && !payload.has_kwargs());
    assert!(call(r#"[48,1,{"receive_progress":true},"a.b",[]]"#).has_args());
}

#[test]
fn payload_passes_through_as_it_is() {
    let payload = call(r#"[48,1,{},"a",[1e999, "\u00e9" ,-0.0],{"k" : 1E5}]"#);
    assert_eq!(payload.args_json(), r#"[1e999, "\u00e9" ,-0.0]"#);
    assert_eq!(payload.kwargs_json(), r#"{"k" : 1E5}"#);
}

#[test]
fn violations_name_what_is_wrong() {
    let cases = [
        ("", "message is not valid JSON"),
        ("[48,1,{},", "message is not valid JSON"),
        (r#"[48,1,{},"a",[01]]"#, "message is not valid JSON"),
        ("{}", "message is not a JSON array"),
        ("7", "message is not a JSON array"),
        ("[]", "message has no `type`"),
        ("[999]", "message has the unknown type `999`"),
        ("[7,1]", "message has the unknown type `7`"),
        (r#"["48"]"#, "`type` must be an integer from 0 to 2^53"),
        ("[48]", "message has no `request`"),
        (r#"[48,1.5,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,-1,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,9007199254740993,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,1,[],"a"]"#, "`options` must be a dictionary"),
        (r#"[48,1,{}]"#, "message has no `procedure`"),
        (r#"[48,1,{},7]"#, "`procedure` must be a text"),
        (r#"[48,1,{},"a",{}]"#, "`args` must be an array"),
        (r#"[48,1,{},"a",[],[]]"#, "`kwargs` must be a dictionary"),
        (r#"[48,1,{},"a",[],{},7]"#, "message has 7 elements, which is more than its type has"),
        (r#"[32,1,{"match":"fuzzy"},"a"]"#, "`match` must be `exact`, `prefix` or `wildcard`"),
        (r#"[32,1,{"match":1},"a"]"#, "`match` must be a text"),
        (r#"[16,1,{"acknowledge":"yes"},"a"]"#, "`acknowledge` must be true or false"),
        (r#"[16,1,{"eligible":["x"]},"a"]"#, "`eligible` must be a list of ids"),
        (r#"[1,"r",{}]"#, "message has no `details.roles`"),
        (r#"[1,"r",{"roles":[]}]"#, "`details.roles` must be a dictionary"),
        (r#"[1,"r",{"roles":{},"authmethods":"x"}]"#, "`authmethods` must be a list of texts"),
    ];
    for (text, expected) in cases {
        assert_eq!(decode(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_and_brackets_in_texts_do_not_count() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(decode(&deep), Err(Violation::TooDeep));
    let in_args = format!(r#"[48,1,{{}},"a",{deep}]"#);
    assert_eq!(decode(&in_args), Err(Violation::TooDeep));
    assert_eq!(decode(&"[".repeat(200_000)), Err(Violation::TooDeep));
    let text = format!(r#"[48,1,{{}},"a",["\"{}\\"]]"#, "[".repeat(1000));
    assert!(decode(&text).is_ok());
    let wide = format!(r#"[48,1,{{}},"a",[{}[]]]"#, "[],".repeat(1000));
    assert!(decode(&wide).is_ok());
    // 120 levels, the message's own included, are the most.
    let nested =
        |levels| format!(r#"[48,1,{{}},"a",{}{}]"#, "[".repeat(levels), "]".repeat(levels));
    assert!(decode(&nested(119)).is_ok());
    assert_eq!(decode(&nested(120)), Err(Violation::TooDeep));
}

#[test]
fn escaped_option_names_are_understood() {
    let message = decode(r#"[32,1,{"m\u0061tch":"prefix"},"a"]"#).unwrap();
    assert!(matches!(message, Message::Subscribe { policy: MatchPolicy::Prefix, .. }));
}

#[test]
fn undisclosed_publisher_is_not_written() {
    let event = EventMessage {
        subscription: 1,
        publication: 2,
        topic: "a.b".into(),
        publisher: Some(Caller { session: 3, authid: "x".into(), authrole: "y".into() }),
        disclosed: false,
        payload: Payload::empty(),
        text: OnceLock::new(),
    };
    let text = Message::Event(Arc::new(event)).text();
    assert_eq!(text.as_str(), r#"[36,1,2,{"topic":"a.b"}]"#);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z.]{0,9}", "\\PC{0,5}", Just("\"\\\n\u{1}é😀".to_owned())]
}

fn payload() -> impl Strategy<Value = Payload> {
    let args = proptest::option::of(prop_oneof![Just("[]"), Just(r#"[1,{"a":[null]}]"#)]);
    let kwargs = proptest::option::of(prop_oneof![Just("{}"), Just(r#"{"k":"]"}"#)]);
    (args, kwargs).prop_map(|(args, kwargs)| {
        // On the wire keyword arguments cannot stand without positional ones.
        Payload::from_json(args.or(kwargs.map(|_| "[]")), kwargs)
    })
}

fn caller() -> impl Strategy<Value = Option<Caller>> {
    proptest::option::of((1..=1u64 << 53, text(), text())).prop_map(|caller| {
        caller.map(|(session, authid, authrole)| Caller {
            session,
            authid: authid.into(),
            authrole: authrole.into(),
        })
    })
}

fn policy() -> impl Strategy<Value = MatchPolicy> {
    prop_oneof![Just(MatchPolicy::Exact), Just(MatchPolicy::Prefix), Just(MatchPolicy::Wildcard)]
}

fn publication() -> impl Strategy<Value = Publication> {
    let strings = || proptest::collection::vec(text(), 0..3);
    let ids = || proptest::collection::vec(0..=1u64 << 53, 0..3);
    let some_strings = || proptest::option::of(strings());
    let some_ids = proptest::option::of(ids());
    let lists = (ids(), strings(), strings(), some_ids, some_strings(), some_strings());
    (text(), payload(), any::<[bool; 3]>(), lists).prop_map(|(topic, payload, flags, lists)| {
        let mut publication = Publication::new(topic, payload);
        let eligible_authid: Option<Vec<String>>;
        [publication.acknowledge, publication.exclude_me, publication.disclose_me] = flags;
        (
            publication.exclude,
            publication.exclude_authid,
            publication.exclude_authrole,
            publication.eligible,
            eligible_authid,
            publication.eligible_authrole,
        ) = lists;
        publication.eligible_authid =
            eligible_authid.map(|list| list.into_iter().map(Arc::from).collect());
        publication
    })
}

fn message() -> impl Strategy<Value = Message> {
    let id = || 0..=1u64 << 53;
    prop_oneof![
        (text(), proptest::option::of(text()), proptest::collection::vec(text(), 0..3)).prop_map(
            |(realm, authid, authmethods)| Message::Hello {
                realm,
                details: Box::new(Hello { authid, authmethods })
            }
        ),
        (id(), text(), text()).prop_map(|(session, realm, authid)| {
            Message::Welcome(Box::new(Welcome {
                session,
                realm,
                authid,
                authrole: "r".into(),
                authmethod: "m".into(),
                authprovider: "p".into(),
            }))
        }),
        (text(), text()).prop_map(|(message, reason)| Message::Abort { message, reason }),
        (text(), text()).prop_map(|(message, reason)| Message::Goodbye { message, reason }),
        (text(), proptest::option::of(text()))
            .prop_map(|(method, challenge)| Message::Challenge { method, challenge }),
        text().prop_map(|signature| Message::Authenticate { signature }),
        (id(), id(), text(), payload()).prop_map(|(kind, request, uri, payload)| Message::Error {
            kind,
            request,
            uri,
            payload
        }),
        (id(), publication()).prop_map(|(request, publication)| Message::Publish {
            request,
            publication: Box::new(publication)
        }),
        (id(), id()).prop_map(|(request, publication)| Message::Published { request, publication }),
        (id(), policy(), text()).prop_map(|(request, policy, topic)| Message::Subscribe {
            request,
            policy,
            topic: topic.into()
        }),
        (id(), id())
            .prop_map(|(request, subscription)| Message::Subscribed { request, subscription }),
        (id(), id())
            .prop_map(|(request, registration)| Message::Unregister { request, registration }),
        (id(), any::<bool>(), text(), payload()).prop_map(
            |(request, disclose_me, uri, payload)| {
                Message::Call { request, disclose_me, procedure: uri.into(), payload }
            }
        ),
        (id(), payload()).prop_map(|(request, payload)| Message::Result { request, payload }),
        (id(), payload()).prop_map(|(request, payload)| Message::Yield { request, payload }),
        (id(), id(), caller(), text(), payload()).prop_map(
            |(request, registration, caller, procedure, payload)| {
                Message::Invocation(Box::new(InvocationMessage {
                    request,
                    registration,
                    procedure: procedure.into(),
                    disclosed: caller.is_some(),
                    caller,
                    payload,
                }))
            }
        ),
        (id(), id(), caller(), text(), payload()).prop_map(
            |(subscription, publication, publisher, topic, payload)| {
                Message::Event(Arc::new(EventMessage {
                    subscription,
                    publication,
                    topic: topic.into(),
                    disclosed: publisher.is_some(),
                    publisher,
                    payload,
                    text: OnceLock::new(),
                }))
            }
        ),
    ]
}

proptest! {
    #[test]
    fn every_message_survives_the_wire(message in message()) {
        let text = encode(&message);
        prop_assert_eq!(decode(&text), Ok(message), "{}", text);
    }

    #[test]
    fn garbage_is_refused_without_panic(text in "[\\[\\]{}\",:0-9a-z ]{0,60}") {
        drop(decode(&text));
    }
}
