//! From messages to JSON text.

use std::fmt::Write;

use super::{Caller, EventMessage, Hello, InvocationMessage, Message, Welcome, code};
use crate::{MatchPolicy, Payload, Publication};

/// What the two roles of this router can do, as WELCOME announces it.
const ROUTER_ROLES: &str = concat!(
    r#"{"broker":{"features":{"publisher_identification":true,"publisher_exclusion":true,"#,
    r#""subscriber_blackwhite_listing":true,"pattern_based_subscription":true}},"#,
    r#""dealer":{"features":{"caller_identification":true,"pattern_based_registration":true}}}"#
);

/// What this client can do, as HELLO announces it.
const CLIENT_ROLES: &str = concat!(
    r#"{"caller":{"features":{"caller_identification":true}},"#,
    r#""callee":{"features":{"caller_identification":true,"pattern_based_registration":true}},"#,
    r#""publisher":{"features":{"publisher_identification":true,"publisher_exclusion":true,"#,
    r#""subscriber_blackwhite_listing":true}},"#,
    r#""subscriber":{"features":{"publisher_identification":true,"#,
    r#""pattern_based_subscription":true}}}"#
);

/// Writes a message.
pub(crate) fn encode(message: &Message) -> String {
    let mut out = Out(String::with_capacity(128));
    match message {
        Message::Publish { .. }
        | Message::Published { .. }
        | Message::Subscribe { .. }
        | Message::Subscribed { .. }
        | Message::Unsubscribe { .. }
        | Message::Unsubscribed { .. }
        | Message::Event(_) => broker_message(&mut out, message),
        Message::Call { .. }
        | Message::Result { .. }
        | Message::Register { .. }
        | Message::Registered { .. }
        | Message::Unregister { .. }
        | Message::Unregistered { .. }
        | Message::Invocation(_)
        | Message::Yield { .. }
        | Message::Error { .. } => dealer_message(&mut out, message),
        _ => session_message(&mut out, message),
    }
    out.0.push(']');
    out.0
}

fn session_message(out: &mut Out, message: &Message) {
    match message {
        Message::Hello { realm, details } => hello(out, realm, details),
        Message::Welcome(welcome) => self::welcome(out, welcome),
        Message::Challenge { method, challenge } => {
            out.start(code::CHALLENGE).comma().string(method).raw(",{");
            if let Some(challenge) = challenge {
                out.key("challenge").string(challenge);
            }
            out.raw("}");
        }
        Message::Authenticate { signature } => {
            out.start(code::AUTHENTICATE).comma().string(signature).raw(",{}");
        }
        Message::Abort { message, reason } => ending(out, code::ABORT, message, reason),
        Message::Goodbye { message, reason } => ending(out, code::GOODBYE, message, reason),
        _ => unreachable!("`encode` sends the messages of broker and dealer elsewhere"),
    }
}

fn broker_message(out: &mut Out, message: &Message) {
    match message {
        Message::Publish { request, publication } => publish(out, *request, publication),
        Message::Published { request, publication } => {
            out.start(code::PUBLISHED).id(*request).id(*publication);
        }
        Message::Subscribe { request, policy, topic } => {
            out.start(code::SUBSCRIBE).id(*request).pattern(*policy, topic);
        }
        Message::Subscribed { request, subscription } => {
            out.start(code::SUBSCRIBED).id(*request).id(*subscription);
        }
        Message::Unsubscribe { request, subscription } => {
            out.start(code::UNSUBSCRIBE).id(*request).id(*subscription);
        }
        Message::Unsubscribed { request } => {
            out.start(code::UNSUBSCRIBED).id(*request);
        }
        Message::Event(event) => self::event(out, event),
        _ => unreachable!("`encode` sends only the broker's messages here"),
    }
}

fn dealer_message(out: &mut Out, message: &Message) {
    match message {
        Message::Call { request, disclose_me, procedure, payload } => {
            let options = if *disclose_me { r#",{"disclose_me":true},"# } else { ",{}," };
            out.start(code::CALL).id(*request).raw(options).string(procedure).payload(payload);
        }
        Message::Result { request, payload } => {
            out.start(code::RESULT).id(*request).raw(",{}").payload(payload);
        }
        Message::Register { request, policy, procedure } => {
            out.start(code::REGISTER).id(*request).pattern(*policy, procedure);
        }
        Message::Registered { request, registration } => {
            out.start(code::REGISTERED).id(*request).id(*registration);
        }
        Message::Unregister { request, registration } => {
            out.start(code::UNREGISTER).id(*request).id(*registration);
        }
        Message::Unregistered { request } => {
            out.start(code::UNREGISTERED).id(*request);
        }
        Message::Invocation(invocation) => self::invocation(out, invocation),
        Message::Yield { request, payload } => {
            out.start(code::YIELD).id(*request).raw(",{}").payload(payload);
        }
        Message::Error { kind, request, uri, payload } => {
            out.start(code::ERROR).id(*kind).id(*request).raw(",{},").string(uri).payload(payload);
        }
        _ => unreachable!("`encode` sends only the dealer's messages here"),
    }
}

fn hello(out: &mut Out, realm: &str, details: &Hello) {
    out.start(code::HELLO).comma().string(realm).raw(",{");
    out.key("roles").raw(CLIENT_ROLES).comma().key("authmethods").list(&details.authmethods);
    if let Some(authid) = &details.authid {
        out.comma().key("authid").string(authid);
    }
    out.raw("}");
}

fn welcome(out: &mut Out, welcome: &Welcome) {
    out.start(code::WELCOME).id(welcome.session).raw(",{");
    let fields = [
        ("realm", &welcome.realm),
        ("authid", &welcome.authid),
        ("authrole", &welcome.authrole),
        ("authmethod", &welcome.authmethod),
        ("authprovider", &welcome.authprovider),
    ];
    for (name, value) in fields {
        out.key(name).string(value).comma();
    }
    out.key("roles").raw(ROUTER_ROLES).raw("}");
}

fn ending(out: &mut Out, kind: u64, message: &str, reason: &str) {
    out.start(kind).raw(",{");
    if !message.is_empty() {
        out.key("message").string(message);
    }
    out.raw("},").string(reason);
}

fn publish(out: &mut Out, request: u64, publication: &Publication) {
    out.start(code::PUBLISH).id(request).raw(",{");
    let mut first = true;
    let mut key = |out: &mut Out, name| {
        if !std::mem::take(&mut first) {
            out.comma();
        }
        out.key(name);
    };
    if publication.acknowledge {
        key(out, "acknowledge");
        out.raw("true");
    }
    if publication.disclose_me {
        key(out, "disclose_me");
        out.raw("true");
    }
    if !publication.exclude_me {
        key(out, "exclude_me");
        out.raw("false");
    }
    let excluded = Some(&publication.exclude).filter(|ids| !ids.is_empty());
    for (name, ids) in [("exclude", excluded), ("eligible", publication.eligible.as_ref())] {
        if let Some(ids) = ids {
            key(out, name);
            out.ids(ids);
        }
    }
    let some = |list| Some(list).filter(|list: &&Vec<String>| !list.is_empty());
    let lists = [
        ("exclude_authid", some(&publication.exclude_authid)),
        ("exclude_authrole", some(&publication.exclude_authrole)),
        ("eligible_authrole", publication.eligible_authrole.as_ref()),
    ];
    for (name, list) in lists {
        if let Some(list) = list {
            key(out, name);
            out.list(list);
        }
    }
    if let Some(list) = &publication.eligible_authid {
        key(out, "eligible_authid");
        out.list(list);
    }
    out.raw("},").string(&publication.topic).payload(&publication.payload);
}

fn event(out: &mut Out, event: &EventMessage) {
    out.start(code::EVENT).id(event.subscription).id(event.publication).raw(",{");
    if let Some(publisher) = event.publisher.as_ref().filter(|_| event.disclosed) {
        out.caller(["publisher", "publisher_authid", "publisher_authrole"], publisher);
    }
    out.key("topic").string(&event.topic).raw("}").payload(&event.payload);
}

fn invocation(out: &mut Out, invocation: &InvocationMessage) {
    out.start(code::INVOCATION).id(invocation.request).id(invocation.registration).raw(",{");
    if let Some(caller) = invocation.caller.as_ref().filter(|_| invocation.disclosed) {
        out.caller(["caller", "caller_authid", "caller_authrole"], caller);
    }
    out.key("procedure").string(&invocation.procedure).raw("}").payload(&invocation.payload);
}

/// The text that is written.
struct Out(String);

impl Out {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn comma(&mut self) -> &mut Self {
        self.raw(",")
    }

    fn integer(&mut self, value: u64) -> &mut Self {
        write!(self.0, "{value}").expect("a String takes all that is written");
        self
    }

    fn start(&mut self, kind: u64) -> &mut Self {
        self.raw("[").integer(kind)
    }

    fn id(&mut self, id: u64) -> &mut Self {
        self.comma().integer(id)
    }

    /// Writes a quoted text; most have nothing to escape and are copied.
    fn string(&mut self, text: &str) -> &mut Self {
        if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            let quoted = serde_json::to_string(text).expect("every text is valid JSON");
            return self.raw(&quoted);
        }
        self.raw("\"").raw(text).raw("\"")
    }

    fn key(&mut self, name: &str) -> &mut Self {
        self.raw("\"").raw(name).raw("\":")
    }

    fn list(&mut self, texts: &[impl AsRef<str>]) -> &mut Self {
        self.raw("[");
        for (position, text) in texts.iter().enumerate() {
            if position > 0 {
                self.comma();
            }
            self.string(text.as_ref());
        }
        self.raw("]")
    }

    fn ids(&mut self, ids: &[u64]) -> &mut Self {
        self.raw("[");
        for (position, id) in ids.iter().enumerate() {
            if position > 0 {
                self.comma();
            }
            self.integer(*id);
        }
        self.raw("]")
    }

    fn pattern(&mut self, policy: MatchPolicy, uri: &str) -> &mut Self {
        self.raw(match policy {
            MatchPolicy::Exact => ",{},",
            MatchPolicy::Prefix => r#",{"match":"prefix"},"#,
            MatchPolicy::Wildcard => r#",{"match":"wildcard"},"#,
        })
        .string(uri)
    }

    fn caller(&mut self, names: [&str; 3], caller: &Caller) -> &mut Self {
        self.key(names[0]).integer(caller.session).comma();
        self.key(names[1]).string(&caller.authid).comma();
        self.key(names[2]).string(&caller.authrole).comma()
    }

    /// Writes what there is of a payload; keyword arguments need positional ones before them.
    fn payload(&mut self, payload: &Payload) -> &mut Self {
        if payload.has_args() || payload.has_kwargs() {
            self.comma().raw(payload.args_json());
        }
        if payload.has_kwargs() {
            self.comma().raw(payload.kwargs_json());
        }
        self
    }
}
