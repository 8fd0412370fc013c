//! The messages of WAMP as values; how they look on the wire is in `decode` and `encode`.

mod decode;
mod encode;
mod features;
mod read;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use features::Features;
pub(crate) use read::Violation;

use crate::auth::HelloAuth;
use crate::{
    CallOptions, CancelMode, Dict, Passthru, Payload, Publication, RegisterOptions, Serializer,
    SubscribeOptions,
};

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
    pub(crate) const CANCEL: u64 = 49;
    pub(crate) const RESULT: u64 = 50;
    pub(crate) const REGISTER: u64 = 64;
    pub(crate) const REGISTERED: u64 = 65;
    pub(crate) const UNREGISTER: u64 = 66;
    pub(crate) const UNREGISTERED: u64 = 67;
    pub(crate) const INVOCATION: u64 = 68;
    pub(crate) const INTERRUPT: u64 = 69;
    pub(crate) const YIELD: u64 = 70;
}

/// The detail of an INVOCATION that tells the caller's own id of the call. The specification leaves
/// names that begin with an underscore to implementations.
const CALLER_REQUEST: &str = "_caller_request";

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
    Hello(Box<Hello>),
    Welcome(Box<Welcome>),
    Abort { message: String, reason: String },
    Challenge { method: String, extra: Dict },
    Authenticate { signature: String, extra: Dict },
    Goodbye { message: String, reason: String },
    Error(Box<ErrorMessage>),
    Publish { request: u64, publication: Box<Publication> },
    Published { request: u64, publication: u64 },
    Subscribe { request: u64, options: SubscribeOptions, topic: Arc<str> },
    Subscribed { request: u64, subscription: u64 },
    Unsubscribe { request: u64, subscription: u64 },
    Unsubscribed { request: u64, revoked: Option<Box<Revoked>> },
    Event(Arc<EventMessage>),
    Call(Box<CallMessage>),
    Cancel { request: u64, mode: CancelMode },
    Result { request: u64, answer: Answer },
    Register { request: u64, options: RegisterOptions, procedure: Arc<str> },
    Registered { request: u64, registration: u64 },
    Unregister { request: u64, registration: u64 },
    Unregistered { request: u64, revoked: Option<Box<Revoked>> },
    Invocation(Box<InvocationMessage>),
    Interrupt { request: u64, mode: CancelMode, reason: String },
    Yield { request: u64, answer: Answer },
}

/// What a peer says of itself in HELLO.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Hello {
    pub(crate) realm: String,
    pub(crate) auth: HelloAuth,
    pub(crate) features: Features,
    /// The name of the peer's library, to be shown to people.
    pub(crate) agent: Option<String>,
}

/// A WELCOME.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Welcome {
    pub(crate) session: u64,
    pub(crate) realm: String,
    pub(crate) authid: String,
    pub(crate) authrole: String,
    pub(crate) authmethod: String,
    pub(crate) authprovider: String,
    pub(crate) authextra: Dict,
}

/// An ERROR; `kind` is the type number of the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorMessage {
    pub(crate) kind: u64,
    pub(crate) request: u64,
    pub(crate) uri: String,
    pub(crate) payload: Payload,
    pub(crate) passthru: Option<Box<Passthru>>,
}

/// A registration or subscription that was taken from its owner.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revoked {
    pub(crate) id: u64,
    pub(crate) reason: String,
}

/// A CALL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallMessage {
    pub(crate) request: u64,
    pub(crate) options: CallOptions,
    pub(crate) procedure: Arc<str>,
    pub(crate) payload: Payload,
}

/// What a RESULT or YIELD says, to or from the callee.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) payload: Payload,
    /// Says that this is not the last one.
    pub(crate) progress: bool,
    pub(crate) passthru: Option<Box<Passthru>>,
}

/// An INVOCATION.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InvocationMessage {
    pub(crate) request: u64,
    pub(crate) registration: u64,
    pub(crate) procedure: Arc<str>,
    /// Known to trusted sessions in any case.
    pub(crate) caller: Option<Caller>,
    /// The caller's own id of the call; known to whom the caller is.
    pub(crate) caller_request: Option<u64>,
    /// Says whether others may know the caller, too.
    pub(crate) disclosed: bool,
    /// Says that the caller takes results that come one after the other.
    pub(crate) receive_progress: bool,
    /// Says that more arguments follow.
    pub(crate) progress: bool,
    pub(crate) passthru: Option<Box<Passthru>>,
    pub(crate) payload: Payload,
}

/// An EVENT, shared by all its receivers and encoded once per serialization for all of them.
#[derive(Debug)]
pub(crate) struct EventMessage {
    pub(crate) subscription: u64,
    pub(crate) publication: u64,
    pub(crate) topic: Arc<str>,
    /// Known to trusted sessions in any case.
    pub(crate) publisher: Option<Caller>,
    /// Says whether others may know the publisher, too.
    pub(crate) disclosed: bool,
    /// Says that the event was published before the subscription.
    pub(crate) retained: bool,
    pub(crate) passthru: Option<Box<Passthru>>,
    pub(crate) payload: Payload,
    pub(crate) encoded: EncodedEvent,
}

/// The forms of an EVENT that were made already; nothing for a serialization that cannot carry it.
#[derive(Debug, Default)]
pub(crate) struct EncodedEvent([OnceLock<Option<Bytes>>; 3]);

impl PartialEq for EventMessage {
    fn eq(&self, other: &Self) -> bool {
        self.subscription == other.subscription
            && self.publication == other.publication
            && self.topic == other.topic
            && self.publisher == other.publisher
            && self.disclosed == other.disclosed
            && self.retained == other.retained
            && self.passthru == other.passthru
            && self.payload == other.payload
    }
}

/// Where a message of the peer may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A client, which wrote it to a router.
    Client,
    /// A router, which wrote it to a client.
    Router,
}

impl Message {
    /// Makes an ERROR that carries one text.
    pub(crate) fn error(kind: u64, request: u64, uri: &str, text: &str) -> Self {
        Self::failure(kind, request, uri, Payload::text(text))
    }

    /// Makes an ERROR.
    pub(crate) fn failure(kind: u64, request: u64, uri: &str, payload: Payload) -> Self {
        let uri = uri.to_owned();
        Self::Error(Box::new(ErrorMessage { kind, request, uri, payload, passthru: None }))
    }

    /// Makes a GOODBYE without a text.
    pub(crate) fn goodbye(reason: &str) -> Self {
        Self::Goodbye { message: String::new(), reason: reason.to_owned() }
    }

    /// Returns the request that this message answers.
    pub(crate) fn answered(&self) -> Option<u64> {
        match self {
            Self::Published { request, .. }
            | Self::Subscribed { request, .. }
            | Self::Unsubscribed { request, revoked: None }
            | Self::Result { request, .. }
            | Self::Registered { request, .. }
            | Self::Unregistered { request, revoked: None } => Some(*request),
            Self::Error(error) => Some(error.request),
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
            Self::Call(call) => (code::CALL, call.request),
            Self::Register { request, .. } => (code::REGISTER, *request),
            Self::Unregister { request, .. } => (code::UNREGISTER, *request),
            _ => return None,
        })
    }

    /// Says whether nobody waits for an answer to the message.
    pub(crate) fn is_silent(&self) -> bool {
        self.asked().is_none()
    }

    /// Says whether a joined peer may send this message.
    pub(crate) fn may_come_from(&self, sender: Sender) -> bool {
        let is_request = matches!(
            self,
            Self::Publish { .. }
                | Self::Subscribe { .. }
                | Self::Unsubscribe { .. }
                | Self::Call(_)
                | Self::Cancel { .. }
                | Self::Register { .. }
                | Self::Unregister { .. }
                | Self::Yield { .. }
        );
        match self {
            Self::Error(error) => (error.kind == code::INVOCATION) == (sender == Sender::Client),
            Self::Goodbye { .. } | Self::Abort { .. } => true,
            Self::Hello(_)
            | Self::Welcome(_)
            | Self::Challenge { .. }
            | Self::Authenticate { .. } => false,
            _ => is_request == (sender == Sender::Client),
        }
    }

    /// Returns the name of the message's type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "HELLO",
            Self::Welcome(_) => "WELCOME",
            Self::Abort { .. } => "ABORT",
            Self::Challenge { .. } => "CHALLENGE",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Goodbye { .. } => "GOODBYE",
            Self::Error(_) => "ERROR",
            Self::Publish { .. } => "PUBLISH",
            Self::Published { .. } => "PUBLISHED",
            Self::Subscribe { .. } => "SUBSCRIBE",
            Self::Subscribed { .. } => "SUBSCRIBED",
            Self::Unsubscribe { .. } => "UNSUBSCRIBE",
            Self::Unsubscribed { .. } => "UNSUBSCRIBED",
            Self::Event(_) => "EVENT",
            Self::Call(_) => "CALL",
            Self::Cancel { .. } => "CANCEL",
            Self::Result { .. } => "RESULT",
            Self::Register { .. } => "REGISTER",
            Self::Registered { .. } => "REGISTERED",
            Self::Unregister { .. } => "UNREGISTER",
            Self::Unregistered { .. } => "UNREGISTERED",
            Self::Invocation(_) => "INVOCATION",
            Self::Interrupt { .. } => "INTERRUPT",
            Self::Yield { .. } => "YIELD",
        }
    }

    /// Returns about how many bytes the message takes in a queue.
    pub(crate) fn weight(&self) -> usize {
        /// What a message takes beside its payload.
        const ENVELOPE: usize = 128;
        ENVELOPE
            + match self {
                Self::Event(event) => event.payload.weight(),
                Self::Invocation(invocation) => invocation.payload.weight(),
                Self::Result { answer, .. } | Self::Yield { answer, .. } => answer.payload.weight(),
                Self::Error(error) => error.payload.weight(),
                Self::Call(call) => call.payload.weight(),
                Self::Publish { publication, .. } => publication.payload.weight(),
                _ => 0,
            }
    }

    /// Writes the message, EVENTs once for all receivers; nothing if the serialization cannot
    /// carry the payload.
    pub(crate) fn bytes(&self, serializer: Serializer) -> Option<Bytes> {
        let make = || encode(self, serializer).ok().map(Bytes::from);
        match self {
            Self::Event(event) => event.encoded.0[serializer as usize].get_or_init(make).clone(),
            _ => make(),
        }
    }
}

#[cfg(test)]
mod tests;
