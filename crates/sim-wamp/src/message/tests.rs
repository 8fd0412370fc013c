//! Messages survive the wire, and what is wrong is named.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Invoke, MatchPolicy, Value};

fn read(text: &str) -> Result<Message, Violation> {
    decode(Serializer::Json, &Bytes::copy_from_slice(text.as_bytes()))
}

fn written(message: &Message) -> String {
    String::from_utf8(encode(message, Serializer::Json).unwrap()).unwrap()
}

fn call(text: &str) -> Payload {
    match read(text) {
        Ok(Message::Call(call)) => call.payload,
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
        ("{}", "message is not a list"),
        ("7", "message is not a list"),
        ("[]", "message has no `type`"),
        ("[999]", "message has the unknown type `999`"),
        ("[7,1]", "message has the unknown type `7`"),
        (r#"["48"]"#, "`type` must be an integer"),
        ("[48]", "message has no `request`"),
        (r#"[48,1.5,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,-1,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,9007199254740993,{},"a"]"#, "`request` must be an integer from 0 to 2^53"),
        (r#"[48,1,[],"a"]"#, "`options` must be a dictionary"),
        (r#"[48,1,{}]"#, "message has no `procedure`"),
        (r#"[48,1,{},7]"#, "`procedure` must be a text"),
        (r#"[48,1,{},"a",{}]"#, "`args` must be a list"),
        (r#"[48,1,{},"a",[],[]]"#, "`kwargs` must be a dictionary"),
        (r#"[48,1,{},"a",[],{},7]"#, "message has 7 elements, which is more than its type has"),
        (r#"[32,1,{"match":"fuzzy"},"a"]"#, "`match` must be `exact`, `prefix` or `wildcard`"),
        (r#"[32,1,{"match":1},"a"]"#, "`match` must be a text"),
        (r#"[16,1,{"acknowledge":"yes"},"a"]"#, "`acknowledge` must be true or false"),
        (r#"[16,1,{"eligible":["x"]},"a"]"#, "`eligible` must be a list of ids"),
        (r#"[16,1,{"eligible":[0]},"a"]"#, "`eligible` must be a list of ids"),
        (r#"[34,1,0]"#, "`subscription` must be an integer from 1 to 2^53"),
        (r#"[49,1,{"mode":"softly"}]"#, "`mode` must be `skip`, `kill` or `killnowait`"),
        (
            r#"[64,1,{"invoke":"all"},"a"]"#,
            "`invoke` must be `single`, `first`, `last`, `roundrobin` or `random`",
        ),
        (r#"[48,1,{"timeout":-5},"a"]"#, "`timeout` must be an integer"),
        (r#"[48,1,{"a":1,"a":2},"a"]"#, "`options` has two fields of one name"),
        (r#"[1,"r",{}]"#, "message has no `details.roles`"),
        (r#"[1,"r",{"roles":[]}]"#, "`details.roles` must be a dictionary"),
        (r#"[1,"r",{"roles":{},"authmethods":"x"}]"#, "`authmethods` must be a list of texts"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn the_caller_s_own_id_of_a_call_is_told_with_the_caller_only() {
    let id = |text: &str| match read(text) {
        Ok(Message::Invocation(invocation)) => invocation.caller_request,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(r#"[68,1,2,{"caller":7,"_caller_request":0}]"#), Some(0));
    assert_eq!(id(r#"[68,1,2,{"caller":7}]"#), None);
    assert_eq!(id(r#"[68,1,2,{"_caller_request":5}]"#), None);
    // Another router may mean something else by it.
    assert_eq!(id(r#"[68,1,2,{"caller":7,"_caller_request":"x"}]"#), None);

    let text = r#"[68,1,2,{"caller":7,"caller_authid":"a","caller_authrole":"r","_caller_request":5,"procedure":"p"}]"#;
    let Ok(Message::Invocation(mut invocation)) = read(text) else { panic!("it is one") };
    assert_eq!(written(&Message::Invocation(invocation.clone())), text);
    invocation.disclosed = false;
    assert_eq!(written(&Message::Invocation(invocation)), r#"[68,1,2,{"procedure":"p"}]"#);
}

#[test]
fn deep_nesting_is_refused_and_brackets_in_texts_do_not_count() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(read(&deep), Err(Violation::TooDeep));
    let in_args = format!(r#"[48,1,{{}},"a",{deep}]"#);
    assert_eq!(read(&in_args), Err(Violation::TooDeep));
    assert_eq!(read(&"[".repeat(200_000)), Err(Violation::TooDeep));
    let text = format!(r#"[48,1,{{}},"a",["\"{}\\"]]"#, "[".repeat(1000));
    assert!(read(&text).is_ok());
    let wide = format!(r#"[48,1,{{}},"a",[{}[]]]"#, "[],".repeat(1000));
    assert!(read(&wide).is_ok());
    // 120 levels, the message's own included, are the most.
    let nested =
        |levels| format!(r#"[48,1,{{}},"a",{}{}]"#, "[".repeat(levels), "]".repeat(levels));
    assert!(read(&nested(119)).is_ok());
    assert_eq!(read(&nested(120)), Err(Violation::TooDeep));
}

#[test]
fn escaped_option_names_are_understood() {
    let message = read(r#"[32,1,{"m\u0061tch":"prefix"},"a"]"#).unwrap();
    assert!(
        matches!(message, Message::Subscribe { options, .. } if options.policy == MatchPolicy::Prefix)
    );
}

#[test]
fn undisclosed_publisher_is_not_written() {
    let event = EventMessage {
        subscription: 1,
        publication: 2,
        topic: "a.b".into(),
        publisher: Some(Caller { session: 3, authid: "x".into(), authrole: "y".into() }),
        disclosed: false,
        retained: false,
        passthru: None,
        payload: Payload::empty(),
        encoded: EncodedEvent::default(),
    };
    let text = Message::Event(Arc::new(event)).bytes(Serializer::Json).unwrap();
    assert_eq!(&*text, br#"[36,1,2,{"topic":"a.b"}]"#);
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

fn passthru() -> impl Strategy<Value = Option<Box<Passthru>>> {
    let name = || proptest::option::of(text());
    proptest::option::of((text(), name(), name(), name())).prop_map(|packed| {
        packed.map(|(scheme, serializer, cipher, keyid)| {
            Box::new(Passthru { scheme, serializer, cipher, keyid })
        })
    })
}

fn dict() -> impl Strategy<Value = Dict> {
    let entries = proptest::collection::vec(("[a-z]{1,5}", text()), 0..3);
    entries.prop_map(|entries| entries.into_iter().collect())
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![1..100u64, 1..=1u64 << 53]
}

fn caller() -> impl Strategy<Value = Option<Caller>> {
    proptest::option::of((id(), text(), text())).prop_map(|caller| {
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

fn mode() -> impl Strategy<Value = CancelMode> {
    prop_oneof![Just(CancelMode::Skip), Just(CancelMode::Kill), Just(CancelMode::KillNoWait)]
}

fn answer() -> impl Strategy<Value = Answer> {
    (payload(), any::<bool>(), passthru()).prop_map(|(payload, progress, passthru)| Answer {
        payload,
        progress,
        passthru,
    })
}

fn revoked() -> impl Strategy<Value = Option<Box<Revoked>>> {
    proptest::option::of((id(), text()))
        .prop_map(|revoked| revoked.map(|(id, reason)| Box::new(Revoked { id, reason })))
}

fn publication() -> impl Strategy<Value = Publication> {
    let strings = || proptest::collection::vec(text(), 0..3);
    let ids = || proptest::collection::vec(id(), 0..20);
    let some_strings = || proptest::option::of(strings());
    let some_ids = proptest::option::of(ids());
    let lists = (ids(), strings(), strings(), some_ids, some_strings(), some_strings());
    (text(), payload(), any::<[bool; 4]>(), lists, passthru()).prop_map(
        |(topic, payload, flags, lists, passthru)| {
            let mut publication = Publication::new(topic, payload);
            let eligible_authid: Option<Vec<String>>;
            [
                publication.acknowledge,
                publication.exclude_me,
                publication.disclose_me,
                publication.retain,
            ] = flags;
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
            publication.passthru = passthru;
            publication
        },
    )
}

fn session_message() -> impl Strategy<Value = Message> {
    let auth = (
        proptest::option::of(text()),
        proptest::collection::vec(text(), 0..3),
        proptest::option::of(text()),
        dict(),
    );
    let hello = (text(), auth, any::<bool>(), proptest::option::of(text())).prop_map(
        |(realm, (authid, authmethods, authrole, authextra), all, agent)| {
            let auth = HelloAuth { authid, authmethods, authrole, authextra };
            let features = if all { Features::ALL } else { Features::default() };
            Message::Hello(Box::new(Hello { realm, auth, features, agent }))
        },
    );
    let welcome = (id(), text(), text(), text(), text(), dict()).prop_map(
        |(session, realm, authid, authrole, authmethod, authextra)| {
            let authprovider = "p".to_owned();
            Message::Welcome(Box::new(Welcome {
                session,
                realm,
                authid,
                authrole,
                authmethod,
                authprovider,
                authextra,
            }))
        },
    );
    prop_oneof![
        hello,
        welcome,
        (text(), text()).prop_map(|(message, reason)| Message::Abort { message, reason }),
        (text(), text()).prop_map(|(message, reason)| Message::Goodbye { message, reason }),
        (text(), dict()).prop_map(|(method, extra)| Message::Challenge { method, extra }),
        (text(), dict()).prop_map(|(signature, extra)| Message::Authenticate { signature, extra }),
    ]
}

fn broker_message() -> impl Strategy<Value = Message> {
    let event = (id(), id(), caller(), text(), payload(), any::<bool>(), passthru()).prop_map(
        |(subscription, publication, publisher, topic, payload, retained, passthru)| {
            Message::Event(Arc::new(EventMessage {
                subscription,
                publication,
                topic: topic.into(),
                disclosed: publisher.is_some(),
                publisher,
                retained,
                passthru,
                payload,
                encoded: EncodedEvent::default(),
            }))
        },
    );
    prop_oneof![
        event,
        (id(), publication()).prop_map(|(request, publication)| Message::Publish {
            request,
            publication: Box::new(publication)
        }),
        (id(), id()).prop_map(|(request, publication)| Message::Published { request, publication }),
        (id(), policy(), any::<bool>(), text()).prop_map(
            |(request, policy, get_retained, topic)| Message::Subscribe {
                request,
                options: SubscribeOptions { policy, get_retained },
                topic: topic.into()
            }
        ),
        (id(), id())
            .prop_map(|(request, subscription)| Message::Subscribed { request, subscription }),
        (id(), id())
            .prop_map(|(request, subscription)| Message::Unsubscribe { request, subscription }),
        (id(), revoked()).prop_map(|(request, revoked)| Message::Unsubscribed { request, revoked }),
    ]
}

fn call_message() -> impl Strategy<Value = Message> {
    let timeout = proptest::option::of(1..u64::from(u32::MAX));
    (id(), any::<[bool; 3]>(), timeout, passthru(), text(), payload()).prop_map(
        |(request, flags, timeout, passthru, procedure, payload)| {
            let [disclose_me, receive_progress, progress] = flags;
            let timeout = timeout.map(Duration::from_millis);
            let options =
                CallOptions { disclose_me, timeout, receive_progress, progress, passthru };
            let procedure = procedure.into();
            Message::Call(Box::new(CallMessage { request, options, procedure, payload }))
        },
    )
}

fn dealer_message() -> impl Strategy<Value = Message> {
    let own_request = proptest::option::of(0..=1_u64 << 53);
    let caller = (caller(), own_request);
    let invocation = (id(), id(), caller, text(), payload(), any::<[bool; 2]>(), passthru())
        .prop_map(|(request, registration, caller, procedure, payload, flags, passthru)| {
            let (caller, caller_request) = caller;
            Message::Invocation(Box::new(InvocationMessage {
                request,
                registration,
                procedure: procedure.into(),
                disclosed: caller.is_some(),
                caller_request: caller_request.filter(|_| caller.is_some()),
                caller,
                receive_progress: flags[0],
                progress: flags[1],
                passthru,
                payload,
            }))
        });
    let invoke = prop_oneof![Just(Invoke::Single), Just(Invoke::RoundRobin), Just(Invoke::Random)];
    prop_oneof![
        call_message(),
        invocation,
        (id(), id(), text(), payload(), passthru()).prop_map(
            |(kind, request, uri, payload, passthru)| {
                Message::Error(Box::new(ErrorMessage { kind, request, uri, payload, passthru }))
            }
        ),
        (id(), mode()).prop_map(|(request, mode)| Message::Cancel { request, mode }),
        (id(), mode(), text()).prop_map(|(request, mode, reason)| Message::Interrupt {
            request,
            mode,
            reason
        }),
        (id(), answer()).prop_map(|(request, answer)| Message::Result { request, answer }),
        (id(), answer()).prop_map(|(request, answer)| Message::Yield { request, answer }),
        (id(), policy(), invoke, any::<bool>(), text()).prop_map(
            |(request, policy, invoke, force_reregister, procedure)| Message::Register {
                request,
                options: RegisterOptions { policy, invoke, force_reregister },
                procedure: procedure.into()
            }
        ),
        (id(), id())
            .prop_map(|(request, registration)| Message::Registered { request, registration }),
        (id(), id())
            .prop_map(|(request, registration)| Message::Unregister { request, registration }),
        (id(), revoked()).prop_map(|(request, revoked)| Message::Unregistered { request, revoked }),
    ]
}

proptest! {
    #[test]
    fn every_message_survives_every_wire(
        message in prop_oneof![session_message(), broker_message(), dealer_message()]
    ) {
        for serializer in Serializer::ALL {
            let bytes = Bytes::from(encode(&message, serializer).unwrap());
            let again = decode(serializer, &bytes);
            prop_assert_eq!(again.as_ref(), Ok(&message), "{:?} {:?}", serializer, bytes);
        }
    }

    #[test]
    fn garbage_is_refused_without_panic(text in "[\\[\\]{}\",:0-9a-z ]{0,60}") {
        drop(read(&text));
    }
}

#[test]
fn payload_is_translated_between_serializations() {
    let args = vec![Value::Bytes(vec![1, 2]), Value::Float(3.0), Value::Uint(u64::MAX)];
    let payload = Payload::from_values(args.clone(), None);
    let answer = Answer { payload, ..Answer::default() };
    let result = Message::Result { request: 1, answer };
    assert_eq!(written(&result), r#"[50,1,{},["\u0000AQI=",3.0,18446744073709551615]]"#);
    let cbor = Bytes::from(encode(&result, Serializer::Cbor).unwrap());
    let Ok(Message::Result { answer, .. }) = decode(Serializer::Cbor, &cbor) else {
        panic!("it is a RESULT");
    };
    assert_eq!(answer.payload.values().unwrap().0, args);
}
