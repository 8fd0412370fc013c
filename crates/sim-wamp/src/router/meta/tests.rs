//! The meta API as a value: a realm with sessions in, answers and messages out.

mod history;
mod notices;
mod sessions;
mod testaments;
mod things;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::access::Pattern;
use crate::message::{Features, Message};
use crate::router::broker::History;
use crate::router::member::Member;
use crate::router::permission::Granted;
use crate::router::queue::{Bounds, Outgoing, Waiting, queue};
use crate::router::realm::Peer;
use crate::{CallOptions, Invoke, Limits, Publication, RegisterOptions, SessionInfo};

/// Who asks.
const CALLER: u64 = 1;
/// Another session of the caller's authid and role.
const TWIN: u64 = 2;
/// A session of another authid and role.
const OTHER: u64 = 3;
/// A session of the router's own program.
const ENGINE: u64 = 4;

/// A realm with those four sessions, and what waits for each.
struct Bench {
    realm: Realm,
    waiting: BTreeMap<u64, Waiting>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Vec::new(), 100)
    }

    /// Remembers events, and has room for so many messages per session.
    fn with(history: Vec<History>, room: usize) -> Self {
        let limits = Limits { testaments: 3, ..Limits::default() };
        let realm = Realm::new(limits, history, false);
        let mut bench = Self { realm, waiting: BTreeMap::new() };
        for (session, authid, authrole) in [
            (CALLER, "a", "player"),
            (TWIN, "a", "player"),
            (OTHER, "b", "admin"),
            (ENGINE, "engine", "service"),
        ] {
            bench.join(session, authid, authrole, room);
        }
        bench
    }

    fn join(&mut self, session: u64, authid: &str, authrole: &str, room: usize) {
        let info = SessionInfo {
            session,
            authid: authid.into(),
            authrole: authrole.into(),
            authmethod: "ticket".into(),
            authprovider: "static".into(),
            realm: "realm1".into(),
        };
        let trusted = session == ENGINE;
        let member = Member::new(Arc::new(info), trusted, Features::ALL);
        let bounds = Bounds { messages: room, bytes: 1 << 20, drop_events: false };
        let (queue, waiting) = queue(bounds);
        let peer = Peer::Remote { queue, overflowed: CancellationToken::new() };
        self.realm.sessions.insert(session, (member, peer));
        self.waiting.insert(session, waiting);
    }

    fn member(&self, session: u64) -> Member {
        self.realm.sessions[&session].0.clone()
    }

    fn has(&self, session: u64) -> bool {
        self.realm.sessions.contains_key(&session)
    }

    /// Calls a procedure with a payload, if it is the router's own.
    fn try_call(
        &mut self,
        caller: u64,
        procedure: &str,
        payload: Payload,
    ) -> Option<Result<Payload, CallError>> {
        let procedure = format!("wamp.{procedure}").into();
        let options = CallOptions::default();
        let answer =
            call(&mut self.realm, caller, &CallMessage { request: 1, options, procedure, payload });
        self.realm.flush();
        answer
    }

    fn ask_as(
        &mut self,
        caller: u64,
        procedure: &str,
        args: &Json,
        kwargs: &Json,
    ) -> Result<Json, CallError> {
        let payload = Payload::from_json(Some(args.to_string()), Some(kwargs.to_string()));
        let answer = self.try_call(caller, procedure, payload).expect("it is the router's own")?;
        let answer: Vec<Json> = answer.args().unwrap();
        assert!(answer.len() <= 1, "{answer:?}");
        Ok(answer.into_iter().next().unwrap_or(Json::Null))
    }

    fn ask(&mut self, procedure: &str, args: &Json) -> Result<Json, CallError> {
        self.ask_as(CALLER, procedure, args, &json!({}))
    }

    /// Checks what the caller is answered.
    fn answers(&mut self, procedure: &str, args: &Json, expected: &Json) {
        assert_eq!(self.ask(procedure, args).as_ref(), Ok(expected), "{procedure} {args}");
    }

    /// Checks that the caller is refused, in a sentence that names what is wrong.
    fn refuses(&mut self, procedure: &str, args: &Json, kwargs: &Json, uri: &str, named: &str) {
        let refused = self.ask_as(CALLER, procedure, args, kwargs).unwrap_err();
        let text = refused.payload.args_json();
        let case = format!("{procedure} {args} {kwargs}");
        assert!(refused.uri == uri && text.contains(named), "{case}: {refused:?}");
    }

    fn subscribe_with(
        &mut self,
        session: u64,
        topic: &str,
        policy: MatchPolicy,
        granted: Granted,
    ) -> u64 {
        let member = self.member(session);
        let out = &mut self.realm.out;
        self.realm.broker.subscribe(&member, 1, policy.into(), topic.into(), granted, out);
        self.realm.flush();
        self.realm.broker.subscriptions.table.lookup(topic, policy).unwrap().id
    }

    fn subscribe(&mut self, session: u64, topic: &str, policy: MatchPolicy) -> u64 {
        let id = self.subscribe_with(session, topic, policy, Granted::default());
        self.receive(session);
        id
    }

    fn register(&mut self, session: u64, procedure: &str, options: RegisterOptions) -> u64 {
        let member = self.member(session);
        let registrations = &mut self.realm.dealer.registrations;
        registrations.register(&member, 1, options, procedure.into(), &mut self.realm.out);
        self.realm.flush();
        self.receive(session);
        self.realm.dealer.registrations.table.lookup(procedure, options.policy).unwrap().id
    }

    /// Publishes for a session and returns the publication's id.
    fn publish(&mut self, session: u64, publication: Publication) -> u64 {
        let member = self.member(session);
        let out = &mut self.realm.out;
        let id = self.realm.broker.publish_silently(&member, publication, false, out);
        self.realm.flush();
        id
    }

    /// Takes what has been sent to a session.
    fn receive(&mut self, session: u64) -> Vec<Message> {
        let waiting = &self.waiting[&session];
        let next = || match waiting.try_next() {
            Some(Outgoing::Message(message)) => Some(message),
            _ => None,
        };
        std::iter::from_fn(next).collect()
    }

    /// Takes the events that have been sent to a session, with their arguments.
    fn events(&mut self, session: u64) -> Vec<(String, Json)> {
        let event = |message| match message {
            Message::Event(event) => (event.topic.to_string(), event.payload.args().unwrap()),
            other => panic!("expected an event, not {other:?}"),
        };
        self.receive(session).into_iter().map(event).collect()
    }

    /// Ends a session as if its connection had broken.
    fn lose(&mut self, session: u64) {
        self.realm.end(session, Message::goodbye(uri::CLOSE_REALM));
        self.realm.flush();
    }
}

fn args(number: u64) -> Payload {
    Payload::from_args(&[number]).unwrap()
}

#[test]
fn what_is_not_the_router_s_own_goes_to_the_dealer() {
    let mut bench = Bench::new();
    // A dictionary with a number for a name, which only its callee has to understand.
    let strange = bytes::Bytes::from_static(&[0x91, 0x81, 0x01, 0x02]);
    let encoded = crate::payload::Encoded { args: Some(strange), kwargs: None };
    let strange = Payload::encoded(crate::Serializer::MsgPack, encoded);
    for procedure in ["session.x", "registration.x", "subscription.x", "x.list", "session", ""] {
        for payload in [Payload::empty(), strange.clone()] {
            assert!(bench.try_call(CALLER, procedure, payload).is_none(), "{procedure}");
        }
    }
    let refused = bench.try_call(CALLER, "session.kill_all", strange).unwrap().unwrap_err();
    assert_eq!(refused.uri, uri::INVALID_ARGUMENT);
    assert!(bench.has(TWIN), "nobody is sent away by what cannot be read");
}

proptest::proptest! {
    #[test]
    fn no_arguments_make_it_panic(
        number in 0..PROCEDURES.len(),
        args in proptest::collection::vec(argument(), 0..4),
        name in "[a-z_]{1,10}|reason|message|match|scope|limit|from_time|until_publication",
        value in argument(),
    ) {
        let mut bench = Bench::with(vec![History::new("", MatchPolicy::Prefix, 3)], 100);
        bench.publish(OTHER, Publication::new("a.b", Payload::empty()));
        let args = Json::from(args);
        let kwargs = json!({ name: value });
        let answer = bench.ask_as(CALLER, PROCEDURES[number], &args, &kwargs);
        if let Err(refused) = answer {
            proptest::prop_assert!(refused.uri.starts_with("wamp.error."));
        }
        proptest::prop_assert!(bench.has(CALLER) && bench.has(ENGINE));
    }
}

/// All procedures of the meta API.
const PROCEDURES: [&str; 24] = [
    "session.count",
    "session.list",
    "session.get",
    "session.kill",
    "session.kill_by_authid",
    "session.kill_by_authrole",
    "session.kill_all",
    "session.add_testament",
    "session.flush_testaments",
    "registration.list",
    "registration.lookup",
    "registration.match",
    "registration.get",
    "registration.list_callees",
    "registration.count_callees",
    "registration.remove_callee",
    "subscription.list",
    "subscription.lookup",
    "subscription.match",
    "subscription.get",
    "subscription.list_subscribers",
    "subscription.count_subscribers",
    "subscription.remove_subscriber",
    "subscription.get_events",
];

fn argument() -> impl proptest::strategy::Strategy<Value = Json> {
    use proptest::prelude::*;
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        (0_u64..6).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,6}".prop_map(Json::from),
        Just(json!("a.b")),
        Just(json!(["player", 1, null])),
        Just(json!({ "match": "prefix", "x": [] })),
    ]
}
