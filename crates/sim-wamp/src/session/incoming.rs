//! What comes in to a session: invocations, events, and its end.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{Link, Replies, Session};
use crate::message::{Answer, Caller, InvocationMessage, Message, code};
use crate::{CallError, CancelMode, Passthru, Payload, uri};

/// Something that came in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Somebody called a procedure of this session.
    Invocation(Invocation),
    /// A caller sends more arguments of a call.
    Arguments(Arguments),
    /// A caller, or the router for it, has given a call up.
    Interrupt(Interrupt),
    /// Somebody published to a topic that this session subscribed to.
    Event(Event),
    /// The router has taken a registration from this session.
    Unregistered {
        /// The registration.
        registration: u64,
        /// Why.
        reason: String,
    },
    /// The router has taken a subscription from this session.
    Unsubscribed {
        /// The subscription.
        subscription: u64,
        /// Why.
        reason: String,
    },
    /// The session has ended; nothing comes after this.
    Goodbye {
        /// The URI that says why.
        reason: String,
    },
}

/// A call of a procedure of this session.
#[derive(Debug)]
pub struct Invocation {
    /// The call's id at this session, under which more arguments and interrupts come.
    pub request: u64,
    /// The concrete URI that was called.
    pub procedure: Arc<str>,
    /// The registration under which it was found.
    pub registration: u64,
    /// Who called: always there for a trusted session, otherwise if the router discloses it.
    pub caller: Option<Caller>,
    /// The caller's own id of the call. With the caller's session it names the call at both ends;
    /// only this router tells it, to whom it tells the caller.
    pub caller_request: Option<u64>,
    /// Says that the caller takes results one after the other.
    pub receive_progress: bool,
    /// Says that more arguments follow, as [`SessionEvent::Arguments`].
    pub progress: bool,
    /// How the payload is packed, if it is.
    pub passthru: Option<Box<Passthru>>,
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

/// More arguments of a call.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// The call's id; see [`Invocation::request`].
    pub request: u64,
    /// The arguments.
    pub payload: Payload,
    /// Says that still more follow.
    pub progress: bool,
}

/// The wish that a call be given up.
#[derive(Debug, Clone)]
pub struct Interrupt {
    /// The call's id; see [`Invocation::request`].
    pub request: u64,
    /// Whether the caller still waits for an answer (`Kill`) or not.
    pub mode: CancelMode,
    /// The URI that says why, if the router told.
    pub reason: String,
}

/// Answers one call; dropped without an answer, it answers `wamp.error.canceled`.
#[derive(Debug)]
pub struct Responder {
    link: Arc<Link>,
    request: Option<u64>,
    /// Where the call is noted as long as more arguments may come.
    partial: Option<Partial>,
}

/// The open calls whose last arguments have not come yet.
#[derive(Debug, Clone, Default)]
struct Partial(Arc<Mutex<HashSet<u64>>>);

impl Partial {
    /// Says whether an invocation only brings more arguments, and notes whether others follow.
    fn goes_on(&self, request: u64, more: bool) -> bool {
        let mut open = self.lock();
        if more { !open.insert(request) } else { open.remove(&request) }
    }

    fn forget(&self, request: u64) {
        self.lock().remove(&request);
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Responder {
    /// Sends a result that is not the last; it is dropped if the caller does not take such.
    pub async fn progress(&self, payload: Payload) {
        let Some(request) = self.request else { return };
        let answer = Answer { payload, progress: true, passthru: None };
        // A session that has ended has no caller left to tell.
        drop(self.link.send(Message::Yield { request, answer }).await);
    }

    /// Answers the caller; nothing happens if the caller or this session is gone.
    pub async fn respond(self, result: Result<Payload, CallError>) {
        self.respond_packed(result, None).await;
    }

    /// Answers the caller with a packed payload, likewise.
    pub async fn respond_packed(
        mut self,
        result: Result<Payload, CallError>,
        passthru: Option<Box<Passthru>>,
    ) {
        let Some(request) = self.take() else { return };
        let message = match result {
            Ok(payload) => {
                Message::Yield { request, answer: Answer { payload, progress: false, passthru } }
            }
            Err(CallError { uri, payload }) => {
                Message::failure(code::INVOCATION, request, &uri, payload)
            }
        };
        // A session that has ended has no caller left to tell.
        drop(self.link.send(message).await);
    }
}

impl Responder {
    /// Ends the call on this side; nothing if that was done before.
    fn take(&mut self) -> Option<u64> {
        let request = self.request.take()?;
        if let Some(partial) = &self.partial {
            partial.forget(request);
        }
        Some(request)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let Some(request) = self.take() else { return };
        let text = "the callee gave the call up";
        let message = Message::error(code::INVOCATION, request, uri::CANCELED, text);
        self.link.send_later(message);
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
    /// Says that the event was published before the subscription, and kept.
    pub retained: bool,
    /// How the payload is packed, if it is.
    pub passthru: Option<Box<Passthru>>,
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
    partial: Partial,
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

/// Where a message to a session goes.
enum Accepted {
    /// It has arrived.
    Done,
    /// To the owner.
    Event(SessionEvent),
    /// To the caller of a call, which gets more results.
    Progress(mpsc::Sender<Answer>, u64, Answer),
}

impl Delivery {
    pub(crate) fn new(
        replies: Arc<Replies>,
        incoming: mpsc::Sender<SessionEvent>,
        link: Arc<Link>,
        trusted: bool,
    ) -> Self {
        Self { replies, incoming, link, trusted, partial: Partial::default() }
    }

    /// Delivers at once; what finds no place is not waited for.
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
        match self.accept(message) {
            Accepted::Done => Delivered::Done,
            Accepted::Event(event) => match self.incoming.try_send(event) {
                Ok(()) | Err(TrySendError::Closed(_)) => Delivered::Done,
                Err(TrySendError::Full(_)) => Delivered::Full,
            },
            Accepted::Progress(sender, request, answer) => {
                if let Err(TrySendError::Full(_)) = sender.try_send(answer) {
                    let text = "the results came faster than they were taken";
                    let error = CallError::new(uri::RESOURCE_EXHAUSTED, text);
                    self.replies.complete(request, Err(error));
                }
                Delivered::Done
            }
        }
    }

    /// Delivers as soon as there is room.
    pub(crate) async fn deliver(&self, message: Message) {
        match self.accept(message) {
            Accepted::Done => {}
            // A session whose owner does not listen gets its replies only.
            Accepted::Event(event) => drop(self.incoming.send(event).await),
            // Who has given the call up wants no more of it.
            Accepted::Progress(sender, _, answer) => drop(sender.send(answer).await),
        }
    }

    /// Notes the reason of the end that dropping the delivery will be.
    pub(crate) fn end(&self, reason: &str) {
        self.replies.end(reason);
    }

    /// Completes a request, or returns where the message goes.
    fn accept(&self, message: Message) -> Accepted {
        Accepted::Event(match message {
            Message::Event(event) => SessionEvent::Event(Event {
                // Routers name the topic where a pattern was subscribed to.
                topic: match event.topic.is_empty() {
                    true => self.replies.topic(event.subscription).unwrap_or_default(),
                    false => Arc::clone(&event.topic),
                },
                subscription: event.subscription,
                publication: event.publication,
                publisher: event
                    .publisher
                    .as_ref()
                    .filter(|_| event.disclosed || self.trusted)
                    .cloned(),
                retained: event.retained,
                passthru: event.passthru.clone(),
                payload: event.payload.clone(),
            }),
            Message::Invocation(invocation) => self.invocation(*invocation),
            Message::Interrupt { request, mode, reason } => {
                SessionEvent::Interrupt(Interrupt { request, mode, reason })
            }
            Message::Unregistered { revoked: Some(revoked), .. } => {
                SessionEvent::Unregistered { registration: revoked.id, reason: revoked.reason }
            }
            Message::Unsubscribed { revoked: Some(revoked), .. } => {
                SessionEvent::Unsubscribed { subscription: revoked.id, reason: revoked.reason }
            }
            Message::Result { request, answer } if answer.progress => {
                return match self.replies.progress(request) {
                    Some(sender) => Accepted::Progress(sender, request, answer),
                    None => Accepted::Done,
                };
            }
            other => {
                self.answer(other);
                return Accepted::Done;
            }
        })
    }

    fn invocation(&self, invocation: InvocationMessage) -> SessionEvent {
        let InvocationMessage { request, progress, .. } = invocation;
        let knows_caller = invocation.disclosed || self.trusted;
        if self.partial.goes_on(request, progress) {
            return SessionEvent::Arguments(Arguments {
                request,
                payload: invocation.payload,
                progress,
            });
        }
        // Routers name the procedure where a pattern was registered.
        let procedure = match invocation.procedure.is_empty() {
            true => self.replies.procedure(invocation.registration).unwrap_or_default(),
            false => invocation.procedure,
        };
        SessionEvent::Invocation(Invocation {
            request,
            procedure,
            registration: invocation.registration,
            caller: invocation.caller.filter(|_| knows_caller),
            caller_request: invocation.caller_request.filter(|_| knows_caller),
            receive_progress: invocation.receive_progress,
            progress,
            passthru: invocation.passthru,
            payload: invocation.payload,
            responder: Responder {
                link: Arc::clone(&self.link),
                request: Some(request),
                partial: progress.then(|| self.partial.clone()),
            },
        })
    }

    /// Completes a request, or ends the session.
    fn answer(&self, message: Message) {
        match message {
            Message::Error(error) => {
                let (uri, payload) = (error.uri, error.payload);
                self.replies.complete(error.request, Err(CallError { uri, payload }));
            }
            Message::Goodbye { reason, .. } | Message::Abort { reason, .. } => {
                self.replies.end(&reason);
            }
            other => {
                if let Some(request) = other.answered() {
                    self.replies.complete(request, Ok(other));
                }
            }
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.replies.end(uri::CLOSE_REALM);
    }
}
