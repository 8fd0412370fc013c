//! What comes in to a session: invocations, events, and its end.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{Link, Replies, Session};
use crate::message::{Caller, Message, code};
use crate::{CallError, Payload, uri};

/// Something that came in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Somebody called a procedure of this session.
    Invocation(Invocation),
    /// Somebody published to a topic that this session subscribed to.
    Event(Event),
    /// The session has ended; nothing comes after this.
    Goodbye {
        /// The URI that says why.
        reason: String,
    },
}

/// A call of a procedure of this session.
#[derive(Debug)]
pub struct Invocation {
    /// The concrete URI that was called.
    pub procedure: Arc<str>,
    /// The registration under which it was found.
    pub registration: u64,
    /// Who called: always there for a trusted session, otherwise if the router discloses it.
    pub caller: Option<Caller>,
    /// The arguments.
    pub payload: Payload,
    /// Answers the caller.
    pub responder: Responder,
}

impl Invocation {
    /// Answers the caller; nothing happens if the caller or this session is gone.
    pub async fn respond(self, result: Result<Payload, CallError>) {
        self.responder.respond(result).await;
    }
}

/// Answers one call; dropped without an answer, it answers `wamp.error.canceled`.
#[derive(Debug)]
pub struct Responder {
    link: Arc<Link>,
    request: Option<u64>,
}

impl Responder {
    /// Answers the caller; nothing happens if the caller or this session is gone.
    pub async fn respond(mut self, result: Result<Payload, CallError>) {
        let Some(request) = self.request.take() else { return };
        let message = match result {
            Ok(payload) => Message::Yield { request, payload },
            Err(CallError { uri, payload }) => {
                Message::Error { kind: code::INVOCATION, request, uri, payload }
            }
        };
        // A session that has ended has no caller left to tell.
        drop(self.link.send(message).await);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let Some(request) = self.request.take() else { return };
        let text = "the callee gave the call up";
        let message = Message::error(code::INVOCATION, request, uri::CANCELED, text);
        if !self.link.try_send(message) {
            tracing::warn!(request, "call was given up and its caller could not be told");
        }
    }
}

/// An event of a topic.
#[derive(Debug, Clone)]
pub struct Event {
    /// The concrete topic.
    pub topic: Arc<str>,
    /// The subscription that matched.
    pub subscription: u64,
    /// The publication's id.
    pub publication: u64,
    /// Who published, if a session did: always there for a trusted session, otherwise if the
    /// router discloses it.
    pub publisher: Option<Caller>,
    /// The arguments.
    pub payload: Payload,
}

/// The receiving half of a session.
///
/// In process its queue holds [`Limits::local_queue`](crate::Limits::local_queue) entries and the
/// realm never waits for it. While less than a quarter of the places is free, new invocations are
/// answered with `wamp.error.resource_exhausted` in the session's name, so that room is left for
/// events. An event that finds no place at all would be lost unnoticed: it ends the session
/// instead, with `wamp.error.resource_exhausted`. Over a socket a full queue makes the socket
/// wait, and then the router decides.
///
/// An `Incoming` that is dropped while the session lives makes it deaf: invocations answer
/// `wamp.error.canceled`, events are dropped.
#[derive(Debug)]
pub struct Incoming {
    events: mpsc::Receiver<SessionEvent>,
    session: Session,
    ended: bool,
}

impl Incoming {
    pub(crate) fn new(events: mpsc::Receiver<SessionEvent>, session: Session) -> Self {
        Self { events, session, ended: false }
    }

    /// Waits for the next; `None` after the goodbye.
    ///
    /// Nothing is lost when the returned future is dropped.
    pub async fn recv(&mut self) -> Option<SessionEvent> {
        if let Some(event) = self.events.recv().await {
            return Some(event);
        }
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        Some(SessionEvent::Goodbye { reason: self.session.inner.replies.reason() })
    }
}

/// The router's end of a session: completes its requests and fills its [`Incoming`]. Dropping it
/// ends the session.
#[derive(Debug)]
pub(crate) struct Delivery {
    replies: Arc<Replies>,
    incoming: mpsc::Sender<SessionEvent>,
    link: Arc<Link>,
    trusted: bool,
}

/// What became of a message to a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It arrived, or nobody wants it.
    Done,
    /// An invocation was not taken; the URI says why.
    Refused { request: u64, uri: &'static str, text: &'static str },
    /// An event found no place.
    Full,
    /// Nobody is there any more.
    Gone,
}

impl Delivery {
    pub(crate) fn new(
        replies: Arc<Replies>,
        incoming: mpsc::Sender<SessionEvent>,
        link: Arc<Link>,
        trusted: bool,
    ) -> Self {
        Self { replies, incoming, link, trusted }
    }

    /// Delivers without waiting.
    pub(crate) fn try_deliver(&self, message: Message) -> Delivered {
        if let Message::Invocation(invocation) = &message {
            let request = invocation.request;
            if self.incoming.is_closed() {
                let (uri, text) = (uri::CANCELED, "the callee does not listen any more");
                return Delivered::Refused { request, uri, text };
            }
            if self.incoming.capacity() < self.incoming.max_capacity() / 4 {
                let (uri, text) = (uri::RESOURCE_EXHAUSTED, "the callee is overloaded, try again");
                return Delivered::Refused { request, uri, text };
            }
        }
        let Some(event) = self.accept(message) else { return Delivered::Done };
        match self.incoming.try_send(event) {
            Ok(()) | Err(TrySendError::Closed(_)) => Delivered::Done,
            Err(TrySendError::Full(_)) => Delivered::Full,
        }
    }

    /// Delivers as soon as there is room.
    pub(crate) async fn deliver(&self, message: Message) {
        if let Some(event) = self.accept(message) {
            // A session whose owner does not listen gets its replies only.
            drop(self.incoming.send(event).await);
        }
    }

    /// Notes the reason of the end that dropping the delivery will be.
    pub(crate) fn end(&self, reason: &str) {
        self.replies.end(reason);
    }

    /// Completes a request, or returns what the owner shall receive.
    fn accept(&self, message: Message) -> Option<SessionEvent> {
        match message {
            Message::Event(event) => Some(SessionEvent::Event(Event {
                topic: Arc::clone(&event.topic),
                subscription: event.subscription,
                publication: event.publication,
                publisher: event
                    .publisher
                    .as_ref()
                    .filter(|_| event.disclosed || self.trusted)
                    .cloned(),
                payload: event.payload.clone(),
            })),
            Message::Invocation(invocation) => Some(SessionEvent::Invocation(Invocation {
                procedure: invocation.procedure,
                registration: invocation.registration,
                caller: invocation.caller.filter(|_| invocation.disclosed || self.trusted),
                payload: invocation.payload,
                responder: Responder {
                    link: Arc::clone(&self.link),
                    request: Some(invocation.request),
                },
            })),
            Message::Error { request, uri, payload, .. } => {
                self.replies.complete(request, Err(CallError { uri, payload }));
                None
            }
            Message::Goodbye { reason, .. } | Message::Abort { reason, .. } => {
                self.replies.end(&reason);
                None
            }
            other => {
                if let Some(request) = other.answered() {
                    self.replies.complete(request, Ok(other));
                }
                None
            }
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.replies.end(uri::CLOSE_REALM);
    }
}
