//! The messages of WAMP as values; how they look on the wire is in `decode` and `encode`.

mod decode;
mod dict;
mod encode;

use std::sync::{Arc, OnceLock};

use axum::extract::ws::Utf8Bytes;

pub(crate) use decode::{Violation, decode};
pub(crate) use encode::encode;

use crate::{MatchPolicy, Payload, Publication};

/// The type numbers of the messages on the wire.
pub(crate) mod code {
    pub(crate) const HELLO: u64 = 1;
    pub(crate) const WELCOME: u64 = 2;
    pub(crate) const ABORT: u64 = 3;
    pub(crate) const CHALLENGE: u64 = 4;
    pub(crate) const AUTHENTICATE: u64 = 5;
    pub(crate) const GOODBYE: u64 = 6;
    pub(crate) const ERROR: u64 = 8;
    pub(crate) const PUBLISH: u64 = 16;
    pub(crate) const PUBLISHED: u64 = 17;
    pub(crate) const SUBSCRIBE: u64 = 32;
    pub(crate) const SUBSCRIBED: u64 = 33;
    pub(crate) const UNSUBSCRIBE: u64 = 34;
    pub(crate) const UNSUBSCRIBED: u64 = 35;
    pub(crate) const EVENT: u64 = 36;
    pub(crate) const CALL: u64 = 48;
    pub(crate) const RESULT: u64 = 50;
    pub(crate) const REGISTER: u64 = 64;
    pub(crate) const REGISTERED: u64 = 65;
    pub(crate) const UNREGISTER: u64 = 66;
    pub(crate) const UNREGISTERED: u64 = 67;
    pub(crate) const INVOCATION: u64 = 68;
    pub(crate) const YIELD: u64 = 70;
}

/// Who called or published, as far as the router discloses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The session's id.
    pub session: u64,
    /// Who the peer is.
    pub authid: Arc<str>,
    /// What kind of peer it is.
    pub authrole: Arc<str>,
}

/// Any message of either direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    Hello {
        realm: String,
        details: Box<Hello>,
    },
    Welcome(Box<Welcome>),
    Abort {
        message: String,
        reason: String,
    },
    /// `challenge` is present for WAMP-CRA only.
    Challenge {
        method: String,
        challenge: Option<String>,
    },
    Authenticate {
        signature: String,
    },
    Goodbye {
        message: String,
        reason: String,
    },
    /// `kind` is the type number of the request.
    Error {
        kind: u64,
        request: u64,
        uri: String,
        payload: Payload,
    },
    Publish {
        request: u64,
        publication: Box<Publication>,
    },
    Published {
        request: u64,
        publication: u64,
    },
    Subscribe {
        request: u64,
        policy: MatchPolicy,
        topic: Arc<str>,
    },
    Subscribed {
        request: u64,
        subscription: u64,
    },
    Unsubscribe {
        request: u64,
        subscription: u64,
    },
    Unsubscribed {
        request: u64,
    },
    Event(Arc<EventMessage>),
    Call {
        request: u64,
        disclose_me: bool,
        procedure: Arc<str>,
        payload: Payload,
    },
    Result {
        request: u64,
        payload: Payload,
    },
    Register {
        request: u64,
        policy: MatchPolicy,
        procedure: Arc<str>,
    },
    Registered {
        request: u64,
        registration: u64,
    },
    Unregister {
        request: u64,
        registration: u64,
    },
    Unregistered {
        request: u64,
    },
    Invocation(Box<InvocationMessage>),
    Yield {
        request: u64,
        payload: Payload,
    },
}

/// What a peer says of itself in HELLO, as far as this router reads it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Hello {
    pub(crate) authid: Option<String>,
    pub(crate) authmethods: Vec<String>,
}

/// The details of WELCOME.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Welcome {
    pub(crate) session: u64,
    pub(crate) realm: String,
    pub(crate) authid: String,
    pub(crate) authrole: String,
    pub(crate) authmethod: String,
    pub(crate) authprovider: String,
}

/// An INVOCATION.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InvocationMessage {
    pub(crate) request: u64,
    pub(crate) registration: u64,
    pub(crate) procedure: Arc<str>,
    /// Known to trusted sessions in any case.
    pub(crate) caller: Option<Caller>,
    /// Says whether others may know the caller, too.
    pub(crate) disclosed: bool,
    pub(crate) payload: Payload,
}

/// An EVENT, shared by all its receivers and encoded once for all of them.
#[derive(Debug)]
pub(crate) struct EventMessage {
    pub(crate) subscription: u64,
    pub(crate) publication: u64,
    pub(crate) topic: Arc<str>,
    /// Known to trusted sessions in any case.
    pub(crate) publisher: Option<Caller>,
    /// Says whether others may know the publisher, too.
    pub(crate) disclosed: bool,
    pub(crate) payload: Payload,
    pub(crate) text: OnceLock<Utf8Bytes>,
}

impl PartialEq for EventMessage {
    fn eq(&self, other: &Self) -> bool {
        self.subscription == other.subscription
            && self.publication == other.publication
            && self.topic == other.topic
            && self.publisher == other.publisher
            && self.disclosed == other.disclosed
            && self.payload == other.payload
    }
}

impl Message {
    /// Makes an ERROR that carries one text.
    pub(crate) fn error(kind: u64, request: u64, uri: &str, text: &str) -> Self {
        Self::Error { kind, request, uri: uri.to_owned(), payload: Payload::text(text) }
    }

    /// Returns the request that this message answers.
    pub(crate) fn answered(&self) -> Option<u64> {
        match self {
            Self::Published { request, .. }
            | Self::Subscribed { request, .. }
            | Self::Unsubscribed { request }
            | Self::Result { request, .. }
            | Self::Registered { request, .. }
            | Self::Unregistered { request }
            | Self::Error { request, .. } => Some(*request),
            _ => None,
        }
    }

    /// Returns the type and id of a request that is answered.
    pub(crate) fn asked(&self) -> Option<(u64, u64)> {
        Some(match self {
            Self::Publish { request, publication } if publication.acknowledge => {
                (code::PUBLISH, *request)
            }
            Self::Subscribe { request, .. } => (code::SUBSCRIBE, *request),
            Self::Unsubscribe { request, .. } => (code::UNSUBSCRIBE, *request),
            Self::Call { request, .. } => (code::CALL, *request),
            Self::Register { request, .. } => (code::REGISTER, *request),
            Self::Unregister { request, .. } => (code::UNREGISTER, *request),
            _ => return None,
        })
    }

    /// Says whether nobody waits for an answer to the message.
    pub(crate) fn is_silent(&self) -> bool {
        self.asked().is_none()
    }

    /// Returns the name of the message's type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "HELLO",
            Self::Welcome(_) => "WELCOME",
            Self::Abort { .. } => "ABORT",
            Self::Challenge { .. } => "CHALLENGE",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Goodbye { .. } => "GOODBYE",
            Self::Error { .. } => "ERROR",
            Self::Publish { .. } => "PUBLISH",
            Self::Published { .. } => "PUBLISHED",
            Self::Subscribe { .. } => "SUBSCRIBE",
            Self::Subscribed { .. } => "SUBSCRIBED",
            Self::Unsubscribe { .. } => "UNSUBSCRIBE",
            Self::Unsubscribed { .. } => "UNSUBSCRIBED",
            Self::Event(_) => "EVENT",
            Self::Call { .. } => "CALL",
            Self::Result { .. } => "RESULT",
            Self::Register { .. } => "REGISTER",
            Self::Registered { .. } => "REGISTERED",
            Self::Unregister { .. } => "UNREGISTER",
            Self::Unregistered { .. } => "UNREGISTERED",
            Self::Invocation(_) => "INVOCATION",
            Self::Yield { .. } => "YIELD",
        }
    }

    /// Returns the message as text, for EVENTs that which is already there.
    pub(crate) fn text(&self) -> Utf8Bytes {
        match self {
            Self::Event(event) => event.text.get_or_init(|| encode(self).into()).clone(),
            other => encode(other).into(),
        }
    }
}

#[cfg(test)]
mod tests;
