//! The session as its owner sees it, the same in process and over a socket.

mod call;
mod incoming;
mod publication;
mod replies;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

pub use call::{Call, CallResult};
pub use incoming::{Arguments, Event, Incoming, Interrupt, Invocation, Responder, SessionEvent};
pub(crate) use incoming::{Delivered, Delivery};
pub(crate) use publication::Audience;
pub use publication::Publication;
pub(crate) use replies::Replies;

use crate::message::Message;
use crate::router::{Command, Gate, Granted};
use crate::{
    CallError, CallOptions, MatchPolicy, Payload, RegisterOptions, SessionInfo, SubscribeOptions,
    uri,
};

/// A joined session: the handle that acts, and the receiver of what comes in.
#[derive(Debug)]
pub struct LocalSession {
    /// Calls, registers, publishes and subscribes.
    pub session: Session,
    /// Receives invocations and events.
    pub incoming: Incoming,
}

impl LocalSession {
    /// Takes the two halves apart.
    #[must_use]
    pub fn split(self) -> (Session, Incoming) {
        (self.session, self.incoming)
    }
}

/// The handle of a session; clones share one session.
///
/// The session leaves its realm when [`Session::leave`] is called, or when the last of its
/// handles and its [`Incoming`] are dropped.
#[derive(Debug, Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    info: Arc<SessionInfo>,
    link: Arc<Link>,
    replies: Arc<Replies>,
    next_request: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.link.hang_up();
    }
}

/// The way from a session to its router.
#[derive(Debug)]
pub(crate) enum Link {
    /// To a realm of this process.
    Realm { commands: mpsc::Sender<Command>, session: u64, gate: Gate },
    /// To the task that holds a socket.
    Socket { messages: mpsc::Sender<Message>, ended: CancellationToken },
}

impl Link {
    /// Sends a message, or says why it was refused. A publication that nobody waits for is
    /// refused silently, as over a socket.
    async fn send(&self, message: Message) -> Result<(), CallError> {
        match self {
            Self::Realm { commands, session, gate } => {
                let granted = match gate.admit(&message).await {
                    Ok(granted) => granted,
                    Err(_) if message.is_silent() => return Ok(()),
                    Err(error) => return Err(error),
                };
                let command = Command::Message { session: *session, message, granted };
                commands.send(command).await.map_err(|_| CallError::ended(uri::SYSTEM_SHUTDOWN))
            }
            Self::Socket { messages, .. } => {
                messages.send(message).await.map_err(|_| CallError::ended(uri::CLOSE_REALM))
            }
        }
    }

    /// Sends what somebody waits for, from where nothing can be awaited: what finds no room at once
    /// is sent by a task of its own, which ends when the other end has taken it or is gone.
    fn send_later(&self, message: Message) {
        match self {
            Self::Realm { commands, session, .. } => {
                let granted = Granted::default();
                put(commands, Command::Message { session: *session, message, granted });
            }
            Self::Socket { messages, .. } => put(messages, message),
        }
    }

    /// Returns the URI of a message whose answer gives it an id, if only the id comes back with
    /// what is sent there: a realm of this process always tells the URI.
    fn named(&self, message: &Message) -> Option<Arc<str>> {
        match (self, message) {
            (Self::Realm { .. }, _) => None,
            (_, Message::Register { options, procedure, .. }) => {
                (options.policy == MatchPolicy::Exact).then(|| Arc::clone(procedure))
            }
            (_, Message::Subscribe { options, topic, .. }) => {
                (options.policy == MatchPolicy::Exact).then(|| Arc::clone(topic))
            }
            _ => None,
        }
    }

    /// Ends the session of which no handle is left.
    fn hang_up(&self) {
        match self {
            Self::Realm { commands, session, .. } => {
                put(commands, Command::Leave { session: *session });
            }
            Self::Socket { ended, .. } => ended.cancel(),
        }
    }
}

/// Puts something into a queue, at once or by a task of its own.
fn put<T: Send + 'static>(queue: &mpsc::Sender<T>, item: T) {
    let Err(TrySendError::Full(item)) = queue.try_send(item) else { return };
    // Without a runtime nobody empties the queue either.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let queue = queue.clone();
        runtime.spawn(async move {
            // An end that is gone waits for nothing any more.
            drop(queue.send(item).await);
        });
    }
}

impl Session {
    pub(crate) fn new(info: Arc<SessionInfo>, link: Arc<Link>, replies: Arc<Replies>) -> Self {
        Self { inner: Arc::new(Inner { info, link, replies, next_request: AtomicU64::new(1) }) }
    }

    /// Returns who this session is to its realm.
    #[must_use]
    pub fn info(&self) -> &SessionInfo {
        &self.inner.info
    }

    /// Offers a procedure, or all procedures of a pattern, and returns the registration's id.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.procedure_already_exists`.
    pub async fn register(
        &self,
        uri: &str,
        options: impl Into<RegisterOptions>,
    ) -> Result<u64, CallError> {
        let (procedure, options) = (Arc::from(uri), options.into());
        let make = |request| Message::Register { request, options, procedure };
        match self.request(make).await? {
            Message::Registered { registration, .. } => Ok(registration),
            other => Err(unexpected(&other)),
        }
    }

    /// Withdraws a registration.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.no_such_registration`.
    pub async fn unregister(&self, registration: u64) -> Result<(), CallError> {
        self.request(|request| Message::Unregister { request, registration }).await?;
        Ok(())
    }

    /// Subscribes to a topic, or to all topics of a pattern, and returns the subscription's id.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.not_authorized`.
    pub async fn subscribe(
        &self,
        uri: &str,
        options: impl Into<SubscribeOptions>,
    ) -> Result<u64, CallError> {
        let (topic, options) = (Arc::from(uri), options.into());
        match self.request(|request| Message::Subscribe { request, options, topic }).await? {
            Message::Subscribed { subscription, .. } => Ok(subscription),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.no_such_subscription`.
    pub async fn unsubscribe(&self, subscription: u64) -> Result<(), CallError> {
        self.request(|request| Message::Unsubscribe { request, subscription }).await?;
        Ok(())
    }

    /// Calls a procedure and waits for its result, for as long as the callee takes. Dropping the
    /// returned future cancels the call.
    ///
    /// # Errors
    /// The ERROR of the callee or of the router, such as `wamp.error.no_such_procedure`.
    pub async fn call(&self, uri: &str, payload: Payload) -> Result<Payload, CallError> {
        let call = self.start_call(uri, payload, CallOptions::default()).await?;
        Ok(call.result().await?.payload)
    }

    /// Starts a call, whose results or arguments may come one after the other.
    ///
    /// # Errors
    /// That the session may not call the procedure, or has ended.
    pub async fn start_call(
        &self,
        uri: &str,
        payload: Payload,
        options: CallOptions,
    ) -> Result<Call, CallError> {
        let request = self.next_request();
        let replies = &self.inner.replies;
        let waiting = if options.receive_progress {
            let (waiting, progress) = replies.wait_for_many(request)?;
            (waiting, Some(progress))
        } else {
            (replies.wait_for(request, None)?, None)
        };
        let link = Arc::clone(&self.inner.link);
        Call::start(link, request, waiting, Arc::from(uri), payload, options).await
    }

    /// Publishes an event; waits for the router, and returns the publication's id, if it shall be
    /// acknowledged.
    ///
    /// # Errors
    /// The ERROR of the router if the publication shall be acknowledged; that the session has
    /// ended in any case.
    pub async fn publish(&self, publication: Publication) -> Result<Option<u64>, CallError> {
        if !publication.acknowledge {
            let request = self.next_request();
            let publication = Box::new(publication);
            self.inner.replies.check()?;
            self.inner.link.send(Message::Publish { request, publication }).await?;
            return Ok(None);
        }
        let publication = Box::new(publication);
        match self.request(|request| Message::Publish { request, publication }).await? {
            Message::Published { publication, .. } => Ok(Some(publication)),
            other => Err(unexpected(&other)),
        }
    }

    /// Publishes events in their order and without acknowledgment; in process, all of them are
    /// one command to the realm, so that nobody else's events come between them.
    ///
    /// # Errors
    /// That the session has ended.
    pub async fn publish_all(&self, publications: Vec<Publication>) -> Result<(), CallError> {
        self.inner.replies.check()?;
        if let Link::Realm { commands, session, gate } = &*self.inner.link {
            let mut admitted = Vec::with_capacity(publications.len());
            for publication in publications {
                if gate.admit_publication(&publication).await.is_ok() {
                    admitted.push(publication);
                }
            }
            let command = Command::PublishAll { session: *session, publications: admitted };
            return commands
                .send(command)
                .await
                .map_err(|_| CallError::ended(uri::SYSTEM_SHUTDOWN));
        }
        for mut publication in publications {
            publication.acknowledge = false;
            self.publish(publication).await?;
        }
        Ok(())
    }

    /// Says goodbye to the realm and waits until it has let the session go.
    pub async fn leave(&self) {
        let sent = match &*self.inner.link {
            Link::Realm { commands, session, .. } => {
                commands.send(Command::Goodbye { session: *session }).await.is_ok()
            }
            Link::Socket { messages, .. } => {
                messages.send(Message::goodbye(uri::CLOSE_REALM)).await.is_ok()
            }
        };
        if sent {
            self.inner.replies.ended().await;
        }
    }

    fn next_request(&self) -> u64 {
        self.inner.next_request.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request and waits for its answer.
    async fn request(&self, make: impl FnOnce(u64) -> Message) -> Result<Message, CallError> {
        let request = self.next_request();
        let message = make(request);
        let replies = &self.inner.replies;
        replies.forget(&message);
        let mut waiting = replies.wait_for(request, self.inner.link.named(&message))?;
        self.inner.link.send(message).await?;
        waiting.answer().await
    }
}

/// Makes the error of a request that got the answer of another kind of request.
fn unexpected(message: &Message) -> CallError {
    CallError::new(
        uri::PROTOCOL_VIOLATION,
        &format!("the router answered with {}, which does not belong here", message.name()),
    )
}
