//! From JSON text to messages: the envelope is read strictly, the payload is not parsed.

use std::sync::{Arc, OnceLock};

use serde_json::value::RawValue;

use super::dict::{Dict, Elements};
use super::{Caller, EventMessage, Hello, InvocationMessage, Message, Welcome, code};
use crate::id::MAX_ID;
use crate::{MatchPolicy, Payload, Publication};

/// How deep a message may nest. What lies deeper is refused here and not in the callee, whose
/// parser has a limit, too.
const MAX_DEPTH: usize = 120;

/// What a message did wrong; its text goes into the ABORT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("message is not a JSON array")]
    NotAnArray,
    #[error("message is not valid JSON")]
    NotJson,
    #[error("message is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("message has the unknown type `{0}`")]
    UnknownType(u64),
    #[error("message has no `{0}`")]
    Missing(&'static str),
    #[error("message has {0} elements, which is more than its type has")]
    TooLong(usize),
    #[error("`{field}` must be {wanted}")]
    Wrong { field: &'static str, wanted: &'static str },
    #[error("message {0} is not allowed here")]
    OutOfOrder(&'static str),
    #[error("request id `{0}` is that of a call which is still open")]
    RequestInUse(u64),
    #[error("binary frame on the text subprotocol `wamp.2.json`")]
    Binary,
}

impl Violation {
    pub(super) fn wrong(field: &'static str, wanted: &'static str) -> Self {
        Self::Wrong { field, wanted }
    }
}

/// Reads one message.
pub(crate) fn decode(text: &str) -> Result<Message, Violation> {
    if too_deep(text) {
        return Err(Violation::TooDeep);
    }
    let elements: Elements<'_> =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Violation::NotAnArray,
            _ => Violation::NotJson,
        })?;
    let kind = integer(elements.get(0, "type")?, "type")?;
    let Some(longest) = longest(kind) else { return Err(Violation::UnknownType(kind)) };
    if elements.count > longest {
        return Err(Violation::TooLong(elements.count));
    }
    match kind {
        code::HELLO..=code::GOODBYE => session_message(kind, &elements),
        code::PUBLISH..=code::EVENT => broker_message(kind, &elements),
        _ => dealer_message(kind, &elements),
    }
}

/// Returns how many elements a message of this type has at most.
fn longest(kind: u64) -> Option<usize> {
    Some(match kind {
        code::UNSUBSCRIBED | code::UNREGISTERED => 2,
        code::HELLO..=code::GOODBYE => 3,
        code::PUBLISHED
        | code::SUBSCRIBED
        | code::UNSUBSCRIBE
        | code::REGISTERED
        | code::UNREGISTER => 3,
        code::SUBSCRIBE | code::REGISTER => 4,
        code::RESULT | code::YIELD => 5,
        code::PUBLISH | code::CALL | code::EVENT | code::INVOCATION => 6,
        code::ERROR => 7,
        _ => return None,
    })
}

fn session_message(kind: u64, elements: &Elements<'_>) -> Result<Message, Violation> {
    Ok(match kind {
        code::HELLO => hello(elements)?,
        code::WELCOME => welcome(elements)?,
        code::CHALLENGE => {
            let extra = Dict::read(elements.get(2, "extra")?, "extra")?;
            Message::Challenge {
                method: string(elements.get(1, "authmethod")?, "authmethod")?,
                challenge: extra.string("challenge")?,
            }
        }
        code::AUTHENTICATE => {
            if let Some(extra) = elements.optional(2) {
                Dict::read(extra, "extra")?;
            }
            Message::Authenticate { signature: string(elements.get(1, "signature")?, "signature")? }
        }
        kind => {
            let details = Dict::read(elements.get(1, "details")?, "details")?;
            let message = details.string("message")?.unwrap_or_default();
            let reason = string(elements.get(2, "reason")?, "reason")?;
            if kind == code::ABORT {
                Message::Abort { message, reason }
            } else {
                Message::Goodbye { message, reason }
            }
        }
    })
}

fn hello(elements: &Elements<'_>) -> Result<Message, Violation> {
    let realm = string(elements.get(1, "realm")?, "realm")?;
    let details = Dict::read(elements.get(2, "details")?, "details")?;
    let roles = details.get("roles").ok_or(Violation::Missing("details.roles"))?;
    serde_json::from_str::<Dict<'_>>(roles)
        .map_err(|_| Violation::wrong("details.roles", "a dictionary"))?;
    let details = Hello {
        authid: details.string("authid")?,
        authmethods: details.strings("authmethods")?.unwrap_or_default(),
    };
    Ok(Message::Hello { realm, details: Box::new(details) })
}

fn welcome(elements: &Elements<'_>) -> Result<Message, Violation> {
    let details = Dict::read(elements.get(2, "details")?, "details")?;
    Ok(Message::Welcome(Box::new(Welcome {
        session: integer(elements.get(1, "session")?, "session")?,
        realm: details.string("realm")?.unwrap_or_default(),
        authid: details.string("authid")?.unwrap_or_default(),
        authrole: details.string("authrole")?.unwrap_or_default(),
        authmethod: details.string("authmethod")?.unwrap_or_default(),
        authprovider: details.string("authprovider")?.unwrap_or_default(),
    })))
}

fn broker_message(kind: u64, elements: &Elements<'_>) -> Result<Message, Violation> {
    if kind == code::EVENT {
        return event(elements);
    }
    let request = integer(elements.get(1, "request")?, "request")?;
    let id = |name| integer(elements.get(2, name)?, name);
    Ok(match kind {
        code::PUBLISH => {
            let options = Dict::read(elements.get(2, "options")?, "options")?;
            let topic = string(elements.get(3, "topic")?, "topic")?;
            let publication = publication(&options, topic, payload(elements, 4)?)?;
            Message::Publish { request, publication: Box::new(publication) }
        }
        code::PUBLISHED => Message::Published { request, publication: id("publication")? },
        code::SUBSCRIBE => {
            let (policy, topic) = pattern(elements, "topic")?;
            Message::Subscribe { request, policy, topic }
        }
        code::SUBSCRIBED => Message::Subscribed { request, subscription: id("subscription")? },
        code::UNSUBSCRIBE => Message::Unsubscribe { request, subscription: id("subscription")? },
        _ => Message::Unsubscribed { request },
    })
}

fn dealer_message(kind: u64, elements: &Elements<'_>) -> Result<Message, Violation> {
    if kind == code::ERROR {
        return error(elements);
    }
    let request = integer(elements.get(1, "request")?, "request")?;
    let id = |name| integer(elements.get(2, name)?, name);
    Ok(match kind {
        code::CALL => {
            let options = Dict::read(elements.get(2, "options")?, "options")?;
            Message::Call {
                request,
                disclose_me: options.flag("disclose_me")?,
                procedure: string(elements.get(3, "procedure")?, "procedure")?.into(),
                payload: payload(elements, 4)?,
            }
        }
        code::RESULT => {
            Dict::read(elements.get(2, "details")?, "details")?;
            Message::Result { request, payload: payload(elements, 3)? }
        }
        code::YIELD => {
            Dict::read(elements.get(2, "options")?, "options")?;
            Message::Yield { request, payload: payload(elements, 3)? }
        }
        code::REGISTER => {
            let (policy, procedure) = pattern(elements, "procedure")?;
            Message::Register { request, policy, procedure }
        }
        code::REGISTERED => Message::Registered { request, registration: id("registration")? },
        code::UNREGISTER => Message::Unregister { request, registration: id("registration")? },
        code::UNREGISTERED => Message::Unregistered { request },
        _ => invocation(request, elements)?,
    })
}

fn error(elements: &Elements<'_>) -> Result<Message, Violation> {
    Dict::read(elements.get(3, "details")?, "details")?;
    Ok(Message::Error {
        kind: integer(elements.get(1, "request type")?, "request type")?,
        request: integer(elements.get(2, "request")?, "request")?,
        uri: string(elements.get(4, "error")?, "error")?,
        payload: payload(elements, 5)?,
    })
}

fn event(elements: &Elements<'_>) -> Result<Message, Violation> {
    let details = Dict::read(elements.get(3, "details")?, "details")?;
    let publisher = caller(&details, ["publisher", "publisher_authid", "publisher_authrole"])?;
    Ok(Message::Event(Arc::new(EventMessage {
        subscription: integer(elements.get(1, "subscription")?, "subscription")?,
        publication: integer(elements.get(2, "publication")?, "publication")?,
        topic: details.string("topic")?.unwrap_or_default().into(),
        disclosed: publisher.is_some(),
        publisher,
        payload: payload(elements, 4)?,
        text: OnceLock::new(),
    })))
}

fn invocation(request: u64, elements: &Elements<'_>) -> Result<Message, Violation> {
    let details = Dict::read(elements.get(3, "details")?, "details")?;
    let caller = caller(&details, ["caller", "caller_authid", "caller_authrole"])?;
    Ok(Message::Invocation(Box::new(InvocationMessage {
        request,
        registration: integer(elements.get(2, "registration")?, "registration")?,
        procedure: details.string("procedure")?.unwrap_or_default().into(),
        disclosed: caller.is_some(),
        caller,
        payload: payload(elements, 4)?,
    })))
}

fn publication(
    options: &Dict<'_>,
    topic: String,
    payload: Payload,
) -> Result<Publication, Violation> {
    let mut publication = Publication::new(topic, payload);
    publication.acknowledge = options.flag("acknowledge")?;
    publication.disclose_me = options.flag("disclose_me")?;
    publication.exclude_me = options.read_as("exclude_me", "true or false")?.unwrap_or(true);
    publication.exclude = options.ids("exclude")?.unwrap_or_default();
    publication.exclude_authid = options.strings("exclude_authid")?.unwrap_or_default();
    publication.exclude_authrole = options.strings("exclude_authrole")?.unwrap_or_default();
    publication.eligible = options.ids("eligible")?;
    let eligible = options.strings("eligible_authid")?;
    publication.eligible_authid = eligible.map(|list| list.into_iter().map(Arc::from).collect());
    publication.eligible_authrole = options.strings("eligible_authrole")?;
    Ok(publication)
}

/// Reads the options and the URI of SUBSCRIBE and REGISTER.
fn pattern(
    elements: &Elements<'_>,
    name: &'static str,
) -> Result<(MatchPolicy, Arc<str>), Violation> {
    let options = Dict::read(elements.get(2, "options")?, "options")?;
    let policy = match options.string("match")? {
        None => MatchPolicy::Exact,
        Some(name) => MatchPolicy::from_name(&name)
            .ok_or(Violation::wrong("match", "`exact`, `prefix` or `wildcard`"))?,
    };
    Ok((policy, string(elements.get(3, name)?, name)?.into()))
}

fn caller(details: &Dict<'_>, names: [&'static str; 3]) -> Result<Option<Caller>, Violation> {
    let Some(session) = details.read_as(names[0], "an id")? else { return Ok(None) };
    Ok(Some(Caller {
        session,
        authid: details.string(names[1])?.unwrap_or_default().into(),
        authrole: details.string(names[2])?.unwrap_or_default().into(),
    }))
}

/// Takes the last two elements as text; `null`, as some clients write what they do not have, is
/// an absent payload.
fn payload(elements: &Elements<'_>, index: usize) -> Result<Payload, Violation> {
    let args = part(elements.optional(index), b'[', "args", "an array")?;
    let kwargs = part(elements.optional(index + 1), b'{', "kwargs", "a dictionary")?;
    Ok(Payload::from_json(args, kwargs))
}

fn part<'a>(
    element: Option<&'a RawValue>,
    start: u8,
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<&'a str>, Violation> {
    match element.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) if text.as_bytes().first() == Some(&start) => Ok(Some(text)),
        Some(_) => Err(Violation::wrong(name, wanted)),
    }
}

fn integer(raw: &RawValue, name: &'static str) -> Result<u64, Violation> {
    raw.get()
        .parse()
        .ok()
        .filter(|id| *id <= MAX_ID)
        .ok_or(Violation::wrong(name, "an integer from 0 to 2^53"))
}

fn string(raw: &RawValue, name: &'static str) -> Result<String, Violation> {
    serde_json::from_str(raw.get()).map_err(|_| Violation::wrong(name, "a text"))
}

/// Says whether brackets nest deeper than allowed. Counting all brackets first is much faster,
/// and nearly every message has fewer of them than the depth allowed.
fn too_deep(text: &str) -> bool {
    let brackets = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if brackets <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}
