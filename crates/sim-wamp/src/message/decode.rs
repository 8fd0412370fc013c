//! From bytes to messages: the envelope is read strictly, the payload is not read at all.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::read::{Envelope, ID, Options, Violation};
use super::{
    Answer, CALLER_REQUEST, CallMessage, Caller, ErrorMessage, EventMessage, Features, Hello,
    InvocationMessage, Message, Revoked, Welcome, code,
};
use crate::auth::HelloAuth;
use crate::{
    CallOptions, CancelMode, Invoke, Payload, Publication, RegisterOptions, Serializer,
    SubscribeOptions,
};

/// Reads one message.
pub(crate) fn decode(serializer: Serializer, bytes: &Bytes) -> Result<Message, Violation> {
    let envelope = Envelope::open(serializer, bytes)?;
    let kind = envelope.number(0, "type")?;
    let Some(longest) = longest(kind) else { return Err(Violation::UnknownType(kind)) };
    if envelope.len() > longest {
        return Err(Violation::TooLong(envelope.len()));
    }
    match kind {
        code::HELLO..=code::GOODBYE => session_message(kind, &envelope),
        code::PUBLISH..=code::EVENT => broker_message(kind, &envelope),
        _ => dealer_message(kind, &envelope),
    }
}

/// Returns how many elements a message of this type has at most.
fn longest(kind: u64) -> Option<usize> {
    Some(match kind {
        // The third is there if nobody asked for the message.
        code::UNSUBSCRIBED | code::UNREGISTERED => 3,
        code::HELLO..=code::GOODBYE => 3,
        code::PUBLISHED
        | code::SUBSCRIBED
        | code::UNSUBSCRIBE
        | code::REGISTERED
        | code::UNREGISTER
        | code::CANCEL
        | code::INTERRUPT => 3,
        code::SUBSCRIBE | code::REGISTER => 4,
        code::RESULT | code::YIELD => 5,
        code::PUBLISH | code::CALL | code::EVENT | code::INVOCATION => 6,
        code::ERROR => 7,
        _ => return None,
    })
}

fn session_message(kind: u64, envelope: &Envelope<'_>) -> Result<Message, Violation> {
    Ok(match kind {
        code::HELLO => hello(envelope)?,
        code::WELCOME => welcome(envelope)?,
        code::CHALLENGE => Message::Challenge {
            method: envelope.text(1, "authmethod")?,
            extra: envelope.options(2, "extra")?.values("extra")?,
        },
        code::AUTHENTICATE => Message::Authenticate {
            signature: envelope.text(1, "signature")?,
            extra: envelope.optional_options(2, "extra")?.values("extra")?,
        },
        kind => {
            let message = envelope.options(1, "details")?.text("message")?.unwrap_or_default();
            let reason = envelope.text(2, "reason")?;
            match kind {
                code::ABORT => Message::Abort { message, reason },
                _ => Message::Goodbye { message, reason },
            }
        }
    })
}

fn hello(envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let realm = envelope.text(1, "realm")?;
    let details = envelope.options(2, "details")?;
    let roles = match details.options("roles") {
        Ok(Some(roles)) => roles,
        Ok(None) => return Err(Violation::Missing("details.roles")),
        Err(_) => return Err(Violation::wrong("details.roles", "a dictionary")),
    };
    let auth = HelloAuth {
        authid: details.text("authid")?,
        authmethods: details.texts("authmethods")?.unwrap_or_default(),
        authrole: details.text("authrole")?,
        authextra: details.dict("authextra")?.unwrap_or_default(),
    };
    let (features, agent) = (features(&roles)?, details.text("agent")?);
    Ok(Message::Hello(Box::new(Hello { realm, auth, features, agent })))
}

fn features(roles: &Options<'_>) -> Result<Features, Violation> {
    let mut found = Features::default();
    for role in ["caller", "callee", "subscriber"] {
        let Some(role_options) = roles.options(role)? else { continue };
        let Some(announced) = role_options.options("features")? else { continue };
        for (_, name, feature) in Features::NAMES.iter().filter(|(of, ..)| *of == role) {
            if announced.flag(name)? {
                found = found.and(*feature);
            }
        }
    }
    Ok(found)
}

fn welcome(envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let details = envelope.options(2, "details")?;
    Ok(Message::Welcome(Box::new(Welcome {
        session: envelope.id(1, "session")?,
        realm: details.text("realm")?.unwrap_or_default(),
        authid: details.text("authid")?.unwrap_or_default(),
        authrole: details.text("authrole")?.unwrap_or_default(),
        authmethod: details.text("authmethod")?.unwrap_or_default(),
        authprovider: details.text("authprovider")?.unwrap_or_default(),
        authextra: details.dict("authextra")?.unwrap_or_default(),
    })))
}

fn broker_message(kind: u64, envelope: &Envelope<'_>) -> Result<Message, Violation> {
    if kind == code::EVENT {
        return event(envelope);
    }
    let request = envelope.request(1)?;
    Ok(match kind {
        code::PUBLISH => {
            let options = envelope.options(2, "options")?;
            let topic = envelope.uri(3, "topic")?;
            let publication = publication(&options, topic, envelope.payload(4)?)?;
            Message::Publish { request, publication: Box::new(publication) }
        }
        code::PUBLISHED => {
            Message::Published { request, publication: envelope.id(2, "publication")? }
        }
        code::SUBSCRIBE => {
            let options = envelope.options(2, "options")?;
            let options = SubscribeOptions {
                policy: options.policy()?,
                get_retained: options.flag("get_retained")?,
            };
            Message::Subscribe { request, options, topic: envelope.uri(3, "topic")? }
        }
        code::SUBSCRIBED => {
            Message::Subscribed { request, subscription: envelope.id(2, "subscription")? }
        }
        code::UNSUBSCRIBE => {
            Message::Unsubscribe { request, subscription: envelope.id(2, "subscription")? }
        }
        _ => Message::Unsubscribed { request, revoked: revoked(envelope, "subscription")? },
    })
}

fn dealer_message(kind: u64, envelope: &Envelope<'_>) -> Result<Message, Violation> {
    if kind == code::ERROR {
        return error(envelope);
    }
    let request = envelope.request(1)?;
    Ok(match kind {
        code::CALL => call(request, envelope)?,
        code::CANCEL => Message::Cancel { request, mode: mode(&envelope.options(2, "options")?)? },
        code::RESULT => Message::Result { request, answer: answer(envelope, "details")? },
        code::YIELD => Message::Yield { request, answer: answer(envelope, "options")? },
        code::REGISTER => {
            let options = register_options(&envelope.options(2, "options")?)?;
            Message::Register { request, options, procedure: envelope.uri(3, "procedure")? }
        }
        code::REGISTERED => {
            Message::Registered { request, registration: envelope.id(2, "registration")? }
        }
        code::UNREGISTER => {
            Message::Unregister { request, registration: envelope.id(2, "registration")? }
        }
        code::UNREGISTERED => {
            Message::Unregistered { request, revoked: revoked(envelope, "registration")? }
        }
        code::INTERRUPT => {
            let options = envelope.options(2, "options")?;
            let reason = options.text("reason")?.unwrap_or_default();
            Message::Interrupt { request, mode: mode(&options)?, reason }
        }
        _ => invocation(request, envelope)?,
    })
}

fn call(request: u64, envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let options = envelope.options(2, "options")?;
    // A time-out of zero is none, as the specification says.
    let timeout = options.number("timeout")?.filter(|timeout| *timeout > 0);
    let options = CallOptions {
        disclose_me: options.flag("disclose_me")?,
        timeout: timeout.map(Duration::from_millis),
        receive_progress: options.flag("receive_progress")?,
        progress: options.flag("progress")?,
        passthru: options.passthru()?,
    };
    Ok(Message::Call(Box::new(CallMessage {
        request,
        options,
        procedure: envelope.uri(3, "procedure")?,
        payload: envelope.payload(4)?,
    })))
}

fn answer(envelope: &Envelope<'_>, name: &'static str) -> Result<Answer, Violation> {
    let options = envelope.options(2, name)?;
    Ok(Answer {
        payload: envelope.payload(3)?,
        progress: options.flag("progress")?,
        passthru: options.passthru()?,
    })
}

fn mode(options: &Options<'_>) -> Result<CancelMode, Violation> {
    let name = options.text("mode")?;
    let mode = name.as_deref().map_or(Some(CancelMode::default()), CancelMode::from_name);
    mode.ok_or(Violation::wrong("mode", "`skip`, `kill` or `killnowait`"))
}

fn register_options(options: &Options<'_>) -> Result<RegisterOptions, Violation> {
    let invoke = options.text("invoke")?;
    let invoke = invoke.as_deref().map_or(Some(Invoke::default()), Invoke::from_name);
    let wanted = "`single`, `first`, `last`, `roundrobin` or `random`";
    Ok(RegisterOptions {
        policy: options.policy()?,
        invoke: invoke.ok_or(Violation::wrong("invoke", wanted))?,
        force_reregister: options.flag("force_reregister")?,
    })
}

fn revoked(envelope: &Envelope<'_>, name: &'static str) -> Result<Option<Box<Revoked>>, Violation> {
    if envelope.len() < 3 {
        return Ok(None);
    }
    let details = envelope.options(2, "details")?;
    let Some(id) = details.id(name)? else { return Ok(None) };
    let reason = details.text("reason")?.unwrap_or_default();
    Ok(Some(Box::new(Revoked { id, reason })))
}

fn error(envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let details = envelope.options(3, "details")?;
    let kind = envelope.number(1, "request type")?;
    Ok(Message::Error(Box::new(ErrorMessage {
        kind,
        request: envelope.request(2)?,
        uri: envelope.text(4, "error")?,
        payload: envelope.payload(5)?,
        passthru: details.passthru()?,
    })))
}

fn event(envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let details = envelope.options(3, "details")?;
    let publisher = caller(&details, ["publisher", "publisher_authid", "publisher_authrole"])?;
    Ok(Message::Event(Arc::new(EventMessage {
        subscription: envelope.id(1, "subscription")?,
        publication: envelope.id(2, "publication")?,
        topic: details.text("topic")?.unwrap_or_default().into(),
        disclosed: publisher.is_some(),
        publisher,
        retained: details.flag("retained")?,
        passthru: details.passthru()?,
        payload: envelope.payload(4)?,
        encoded: Default::default(),
    })))
}

fn invocation(request: u64, envelope: &Envelope<'_>) -> Result<Message, Violation> {
    let details = envelope.options(3, "details")?;
    let caller = caller(&details, ["caller", "caller_authid", "caller_authrole"])?;
    // Another router may mean something else by this name.
    let caller_request = details.number(CALLER_REQUEST).unwrap_or_default();
    Ok(Message::Invocation(Box::new(InvocationMessage {
        request,
        registration: envelope.id(2, "registration")?,
        procedure: details.text("procedure")?.unwrap_or_default().into(),
        disclosed: caller.is_some(),
        caller_request: caller_request.filter(|_| caller.is_some()),
        caller,
        receive_progress: details.flag("receive_progress")?,
        progress: details.flag("progress")?,
        passthru: details.passthru()?,
        payload: envelope.payload(4)?,
    })))
}

fn publication(
    options: &Options<'_>,
    topic: Arc<str>,
    payload: Payload,
) -> Result<Publication, Violation> {
    let mut publication = Publication::new(topic, payload);
    publication.acknowledge = options.flag("acknowledge")?;
    publication.disclose_me = options.flag("disclose_me")?;
    publication.exclude_me = options.truth("exclude_me")?.unwrap_or(true);
    publication.retain = options.flag("retain")?;
    publication.exclude = options.ids("exclude")?.unwrap_or_default();
    publication.exclude_authid = options.texts("exclude_authid")?.unwrap_or_default();
    publication.exclude_authrole = options.texts("exclude_authrole")?.unwrap_or_default();
    publication.eligible = options.ids("eligible")?;
    let eligible = options.texts("eligible_authid")?;
    publication.eligible_authid = eligible.map(|list| list.into_iter().map(Arc::from).collect());
    publication.eligible_authrole = options.texts("eligible_authrole")?;
    publication.passthru = options.passthru()?;
    Ok(publication)
}

fn caller(details: &Options<'_>, names: [&'static str; 3]) -> Result<Option<Caller>, Violation> {
    if !details.has(names[0]) {
        return Ok(None);
    }
    let session = details.id(names[0])?.ok_or(Violation::wrong(names[0], ID))?;
    Ok(Some(Caller {
        session,
        authid: details.text(names[1])?.unwrap_or_default().into(),
        authrole: details.text(names[2])?.unwrap_or_default().into(),
    }))
}
