//! From messages to bytes.

use super::features::{CLIENT_ROLES, Features, ROUTER_ROLES};
use super::{
    Answer, CALLER_REQUEST, CallMessage, ErrorMessage, EventMessage, Hello, InvocationMessage,
    Message, Revoked, Welcome, code,
};
use crate::payload::{Encoded, PayloadError};
use crate::serializer::Out;
use crate::{
    CallOptions, CancelMode, Dict, Invoke, MatchPolicy, Passthru, Payload, Publication,
    RegisterOptions, Serializer, SubscribeOptions,
};

/// Writes a message.
///
/// Only payloads can make that impossible: one serialization may hold what another does not have.
pub(crate) fn encode(message: &Message, serializer: Serializer) -> Result<Vec<u8>, PayloadError> {
    match message {
        Message::Publish { .. }
        | Message::Published { .. }
        | Message::Subscribe { .. }
        | Message::Subscribed { .. }
        | Message::Unsubscribe { .. }
        | Message::Unsubscribed { .. }
        | Message::Event(_) => broker_message(message, serializer),
        Message::Call(_)
        | Message::Cancel { .. }
        | Message::Result { .. }
        | Message::Register { .. }
        | Message::Registered { .. }
        | Message::Unregister { .. }
        | Message::Unregistered { .. }
        | Message::Invocation(_)
        | Message::Interrupt { .. }
        | Message::Yield { .. }
        | Message::Error(_) => dealer_message(message, serializer),
        _ => Ok(session_message(message, serializer)),
    }
}

/// A message that is being written, with its payload at hand.
struct Letter<'a> {
    out: Out,
    payload: &'a Encoded,
}

impl<'a> Letter<'a> {
    /// Starts a message of `elements` elements before its payload.
    fn with_payload(
        serializer: Serializer,
        kind: u64,
        elements: usize,
        payload: &'a Payload,
    ) -> Result<Self, PayloadError> {
        let payload = payload.in_serializer(serializer)?;
        // Keyword arguments cannot stand without positional ones.
        let parts = match payload {
            Encoded { kwargs: Some(_), .. } => 2,
            Encoded { args: Some(_), .. } => 1,
            Encoded { .. } => 0,
        };
        let length = |part: &Option<bytes::Bytes>| part.as_ref().map_or(0, bytes::Bytes::len);
        let capacity = 160 + length(&payload.args) + length(&payload.kwargs);
        let mut out = Out::message(serializer, elements + parts, capacity);
        out.uint(kind);
        Ok(Self { out, payload })
    }

    fn finish(mut self) -> Vec<u8> {
        match (&self.payload.args, &self.payload.kwargs) {
            (Some(args), _) => {
                self.out.raw(args);
            }
            (None, Some(_)) => {
                self.out.list(0).end_list();
            }
            (None, None) => {}
        }
        if let Some(kwargs) = &self.payload.kwargs {
            self.out.raw(kwargs);
        }
        self.out.finish()
    }
}

fn plain(serializer: Serializer, kind: u64, elements: usize) -> Out {
    let mut out = Out::message(serializer, elements, 64);
    out.uint(kind);
    out
}

fn session_message(message: &Message, serializer: Serializer) -> Vec<u8> {
    let kind = match message {
        Message::Hello(_) => code::HELLO,
        Message::Welcome(_) => code::WELCOME,
        Message::Challenge { .. } => code::CHALLENGE,
        Message::Authenticate { .. } => code::AUTHENTICATE,
        Message::Abort { .. } => code::ABORT,
        _ => code::GOODBYE,
    };
    let mut out = plain(serializer, kind, 3);
    match message {
        Message::Hello(details) => hello(&mut out, details),
        Message::Welcome(details) => welcome(&mut out, details),
        Message::Challenge { method: name, extra }
        | Message::Authenticate { signature: name, extra } => {
            out.text(name).values(extra);
        }
        Message::Abort { message, reason } | Message::Goodbye { message, reason } => {
            out.dict();
            if !message.is_empty() {
                out.key("message").text(message);
            }
            out.end().text(reason);
        }
        _ => unreachable!("`encode` sends the messages of broker and dealer elsewhere"),
    }
    out.finish()
}

fn broker_message(message: &Message, serializer: Serializer) -> Result<Vec<u8>, PayloadError> {
    let mut out;
    match message {
        Message::Publish { request, publication } => {
            return publish(serializer, *request, publication);
        }
        Message::Event(event) => return self::event(serializer, event),
        Message::Published { request, publication } => {
            out = plain(serializer, code::PUBLISHED, 3);
            out.uint(*request).uint(*publication);
        }
        Message::Subscribe { request, options, topic } => {
            out = plain(serializer, code::SUBSCRIBE, 4);
            out.uint(*request);
            subscribe_options(&mut out, options);
            out.text(topic);
        }
        Message::Subscribed { request, subscription } => {
            out = plain(serializer, code::SUBSCRIBED, 3);
            out.uint(*request).uint(*subscription);
        }
        Message::Unsubscribe { request, subscription } => {
            out = plain(serializer, code::UNSUBSCRIBE, 3);
            out.uint(*request).uint(*subscription);
        }
        Message::Unsubscribed { request, revoked } => {
            out = ended(serializer, code::UNSUBSCRIBED, *request, revoked, "subscription");
        }
        _ => unreachable!("`encode` sends only the broker's messages here"),
    }
    Ok(out.finish())
}

fn dealer_message(message: &Message, serializer: Serializer) -> Result<Vec<u8>, PayloadError> {
    let mut out;
    match message {
        Message::Call(call) => return self::call(serializer, call),
        Message::Invocation(invocation) => return self::invocation(serializer, invocation),
        Message::Error(error) => return self::error(serializer, error),
        Message::Result { request, answer } => {
            return self::answer(serializer, code::RESULT, *request, answer);
        }
        Message::Yield { request, answer } => {
            return self::answer(serializer, code::YIELD, *request, answer);
        }
        Message::Cancel { request, mode } => {
            out = plain(serializer, code::CANCEL, 3);
            out.uint(*request).dict().key("mode").text(mode.name()).end();
        }
        Message::Interrupt { request, mode, reason } => {
            out = plain(serializer, code::INTERRUPT, 3);
            interrupt(&mut out, *request, *mode, reason);
        }
        Message::Register { request, options, procedure } => {
            out = plain(serializer, code::REGISTER, 4);
            out.uint(*request);
            register_options(&mut out, options);
            out.text(procedure);
        }
        Message::Registered { request, registration } => {
            out = plain(serializer, code::REGISTERED, 3);
            out.uint(*request).uint(*registration);
        }
        Message::Unregister { request, registration } => {
            out = plain(serializer, code::UNREGISTER, 3);
            out.uint(*request).uint(*registration);
        }
        Message::Unregistered { request, revoked } => {
            out = ended(serializer, code::UNREGISTERED, *request, revoked, "registration");
        }
        _ => unreachable!("`encode` sends only the dealer's messages here"),
    }
    Ok(out.finish())
}

fn hello(out: &mut Out, hello: &Hello) {
    out.text(&hello.realm).dict();
    roles(out, CLIENT_ROLES, |role, feature| {
        let known = Features::NAMES.iter().find(|(of, name, _)| (*of, *name) == (role, feature));
        known.is_none_or(|(_, _, feature)| hello.features.has(*feature))
    });
    if let Some(agent) = &hello.agent {
        out.key("agent").text(agent);
    }
    out.key("authmethods").texts(&hello.auth.authmethods);
    if let Some(authid) = &hello.auth.authid {
        out.key("authid").text(authid);
    }
    if let Some(authrole) = &hello.auth.authrole {
        out.key("authrole").text(authrole);
    }
    dict(out, "authextra", &hello.auth.authextra);
    out.end();
}

fn welcome(out: &mut Out, welcome: &Welcome) {
    out.uint(welcome.session).dict();
    let fields = [
        ("realm", &welcome.realm),
        ("authid", &welcome.authid),
        ("authrole", &welcome.authrole),
        ("authmethod", &welcome.authmethod),
        ("authprovider", &welcome.authprovider),
    ];
    for (name, value) in fields {
        out.key(name).text(value);
    }
    dict(out, "authextra", &welcome.authextra);
    roles(out, ROUTER_ROLES, |_, _| true);
    out.end();
}

fn roles(out: &mut Out, roles: &[(&str, &[&str])], is_announced: impl Fn(&str, &str) -> bool) {
    out.key("roles").dict();
    for (role, features) in roles {
        out.key(role).dict().key("features").dict();
        for feature in features.iter().filter(|feature| is_announced(role, feature)) {
            out.key(feature).bool(true);
        }
        out.end().end();
    }
    out.end();
}

fn dict(out: &mut Out, name: &str, dict: &Dict) {
    if !dict.is_empty() {
        out.key(name).values(dict);
    }
}

fn ended(
    serializer: Serializer,
    kind: u64,
    request: u64,
    revoked: &Option<Box<Revoked>>,
    name: &str,
) -> Out {
    let mut out = plain(serializer, kind, if revoked.is_some() { 3 } else { 2 });
    out.uint(request);
    if let Some(revoked) = revoked {
        out.dict().key(name).uint(revoked.id).key("reason").text(&revoked.reason).end();
    }
    out
}

fn interrupt(out: &mut Out, request: u64, mode: CancelMode, reason: &str) {
    out.uint(request).dict().key("mode").text(mode.name());
    if !reason.is_empty() {
        out.key("reason").text(reason);
    }
    out.end();
}

fn policy(out: &mut Out, policy: MatchPolicy) {
    if policy != MatchPolicy::Exact {
        out.key("match").text(policy.name());
    }
}

fn subscribe_options(out: &mut Out, options: &SubscribeOptions) {
    out.dict();
    policy(out, options.policy);
    flag(out, "get_retained", options.get_retained);
    out.end();
}

fn register_options(out: &mut Out, options: &RegisterOptions) {
    out.dict();
    policy(out, options.policy);
    if options.invoke != Invoke::Single {
        out.key("invoke").text(options.invoke.name());
    }
    flag(out, "force_reregister", options.force_reregister);
    out.end();
}

fn flag(out: &mut Out, name: &str, value: bool) {
    if value {
        out.key(name).bool(true);
    }
}

fn passthru(out: &mut Out, passthru: Option<&Passthru>) {
    let Some(passthru) = passthru else { return };
    out.key("ppt_scheme").text(&passthru.scheme);
    let fields = [
        ("ppt_serializer", &passthru.serializer),
        ("ppt_cipher", &passthru.cipher),
        ("ppt_keyid", &passthru.keyid),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            out.key(name).text(value);
        }
    }
}

fn call(serializer: Serializer, call: &CallMessage) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, code::CALL, 4, &call.payload)?;
    let out = letter.out.uint(call.request).dict();
    let CallOptions { disclose_me, timeout, receive_progress, progress, passthru } = &call.options;
    flag(out, "disclose_me", *disclose_me);
    if let Some(timeout) = timeout {
        out.key("timeout").uint(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1));
    }
    flag(out, "receive_progress", *receive_progress);
    flag(out, "progress", *progress);
    self::passthru(out, passthru.as_deref());
    out.end().text(&call.procedure);
    Ok(letter.finish())
}

fn answer(
    serializer: Serializer,
    kind: u64,
    request: u64,
    answer: &Answer,
) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, kind, 3, &answer.payload)?;
    let out = letter.out.uint(request).dict();
    flag(out, "progress", answer.progress);
    passthru(out, answer.passthru.as_deref());
    out.end();
    Ok(letter.finish())
}

fn error(serializer: Serializer, error: &ErrorMessage) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, code::ERROR, 5, &error.payload)?;
    let out = letter.out.uint(error.kind).uint(error.request).dict();
    passthru(out, error.passthru.as_deref());
    out.end().text(&error.uri);
    Ok(letter.finish())
}

fn invocation(
    serializer: Serializer,
    invocation: &InvocationMessage,
) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, code::INVOCATION, 4, &invocation.payload)?;
    let out = letter.out.uint(invocation.request).uint(invocation.registration).dict();
    if let Some(caller) = invocation.caller.as_ref().filter(|_| invocation.disclosed) {
        out.key("caller").uint(caller.session);
        out.key("caller_authid").text(&caller.authid);
        out.key("caller_authrole").text(&caller.authrole);
        if let Some(request) = invocation.caller_request {
            out.key(CALLER_REQUEST).uint(request);
        }
    }
    out.key("procedure").text(&invocation.procedure);
    flag(out, "receive_progress", invocation.receive_progress);
    flag(out, "progress", invocation.progress);
    passthru(out, invocation.passthru.as_deref());
    out.end();
    Ok(letter.finish())
}

fn event(serializer: Serializer, event: &EventMessage) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, code::EVENT, 4, &event.payload)?;
    let out = letter.out.uint(event.subscription).uint(event.publication).dict();
    if let Some(publisher) = event.publisher.as_ref().filter(|_| event.disclosed) {
        out.key("publisher").uint(publisher.session);
        out.key("publisher_authid").text(&publisher.authid);
        out.key("publisher_authrole").text(&publisher.authrole);
    }
    out.key("topic").text(&event.topic);
    flag(out, "retained", event.retained);
    passthru(out, event.passthru.as_deref());
    out.end();
    Ok(letter.finish())
}

fn publish(
    serializer: Serializer,
    request: u64,
    publication: &Publication,
) -> Result<Vec<u8>, PayloadError> {
    let mut letter = Letter::with_payload(serializer, code::PUBLISH, 4, &publication.payload)?;
    let out = letter.out.uint(request).dict();
    flag(out, "acknowledge", publication.acknowledge);
    flag(out, "disclose_me", publication.disclose_me);
    flag(out, "retain", publication.retain);
    if !publication.exclude_me {
        out.key("exclude_me").bool(false);
    }
    let some = |list| Some(list).filter(|list: &&Vec<String>| !list.is_empty());
    let excluded = Some(&publication.exclude).filter(|ids| !ids.is_empty());
    for (name, ids) in [("exclude", excluded), ("eligible", publication.eligible.as_ref())] {
        if let Some(ids) = ids {
            out.key(name).uints(ids);
        }
    }
    let lists = [
        ("exclude_authid", some(&publication.exclude_authid)),
        ("exclude_authrole", some(&publication.exclude_authrole)),
        ("eligible_authrole", publication.eligible_authrole.as_ref()),
    ];
    for (name, list) in lists {
        if let Some(list) = list {
            out.key(name).texts(list);
        }
    }
    if let Some(list) = &publication.eligible_authid {
        out.key("eligible_authid").texts(list);
    }
    passthru(out, publication.passthru.as_deref());
    out.end().text(&publication.topic);
    Ok(letter.finish())
}
