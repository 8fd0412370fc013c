//! What a program does through an agent.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::handler::{Registration, Reply, Request, handler};
use super::queue::Queue;
use super::results::{Results, read};
use super::shared::Shared;
use super::status::StatusWatch;
use super::subscription::Subscription;
use super::values::arguments;
use crate::{
    Call, CallError, CallOptions, Payload, Publication, RegisterOptions, Session, SubscribeOptions,
    uri,
};

/// Acts for an [`Agent`](super::Agent), in whichever session it has; clones act for the same one.
///
/// A handle does not keep its agent alive, so that a procedure may hold one. Arguments are a tuple
/// or a list, or `()` for none; for keyword arguments there are the methods that take a
/// [`Payload`].
#[derive(Debug, Clone)]
pub struct AgentHandle {
    shared: Arc<Shared>,
    /// Whether calls and publications wait for a session.
    waits: bool,
}

impl AgentHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, waits: false }
    }

    /// Returns how it stands, and how that changes.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        self.shared.watch()
    }

    /// Returns the present session, for what only a [`Session`] can do.
    ///
    /// # Errors
    /// `wamp.error.session_ended` while there is none.
    pub fn session(&self) -> Result<Session, CallError> {
        self.shared.session()
    }

    /// Waits until there is a session, and returns it.
    ///
    /// # Errors
    /// `wamp.error.session_ended` when the agent has ended.
    pub async fn joined(&self) -> Result<Session, CallError> {
        self.shared.next_session(None).await
    }

    /// Returns a handle whose calls and publications wait for a session while there is none,
    /// instead of failing at once: calls for no longer than their time-out, if they have one.
    ///
    /// What was sent is never sent again, here neither: a call whose session is lost fails.
    #[must_use]
    pub fn when_joined(&self) -> Self {
        Self { waits: true, ..self.clone() }
    }

    /// Calls a procedure and reads the first argument of its result, `null` if it has none; the
    /// others are dropped, and so is the result with the type [`serde::de::IgnoredAny`]. Dropping
    /// the returned future cancels the call.
    ///
    /// # Errors
    /// The ERROR of the callee or of the router; `wamp.error.session_ended` without a session or
    /// when it is lost; `wamp.error.payload_not_supported` when the result is of another type.
    pub async fn call<T: DeserializeOwned>(
        &self,
        procedure: &str,
        args: &impl Serialize,
    ) -> Result<T, CallError> {
        let call = self.call_with(procedure, arguments(args)?, CallOptions::default()).await?;
        read(procedure, &call.result().await?.payload)
    }

    /// Starts a call in a way of one's own.
    ///
    /// # Errors
    /// `wamp.error.session_ended` without a session; that the session may not call the procedure.
    pub async fn call_with(
        &self,
        procedure: &str,
        payload: Payload,
        options: CallOptions,
    ) -> Result<Call, CallError> {
        if !self.waits {
            return self.shared.session()?.start_call(procedure, payload, options).await;
        }
        let begun = Instant::now();
        let mut stale = None;
        loop {
            let left = options.timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
            let session = self.session_within(left, stale).await?;
            // Nothing left would mean no time-out at all.
            let left = options.timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
            let timeout = left.map(|left| left.max(Duration::from_millis(1)));
            let options = CallOptions { timeout, ..options.clone() };
            match session.start_call(procedure, payload.clone(), options).await {
                // It ended before the call was sent, and the agent does not know yet.
                Err(error) if error.uri == uri::SESSION_ENDED => {
                    stale = Some(session.info().session);
                }
                started => return started,
            }
        }
    }

    /// Starts a call whose results come one after the other.
    ///
    /// # Errors
    /// `wamp.error.session_ended` without a session; that the session may not call the procedure.
    pub async fn results<T: DeserializeOwned>(
        &self,
        procedure: &str,
        args: &impl Serialize,
    ) -> Result<Results<T>, CallError> {
        let options = CallOptions { receive_progress: true, ..CallOptions::default() };
        let call = self.call_with(procedure, arguments(args)?, options).await?;
        Ok(Results::new(call, procedure.into()))
    }

    /// Publishes an event to everybody but oneself, without acknowledgment: whether the router
    /// takes it is not known.
    ///
    /// # Errors
    /// `wamp.error.session_ended` without a session.
    pub async fn publish(&self, topic: &str, args: &impl Serialize) -> Result<(), CallError> {
        self.publish_with(Publication::new(topic, arguments(args)?)).await?;
        Ok(())
    }

    /// Publishes an event in a way of one's own; returns the publication's id if it shall be
    /// acknowledged.
    ///
    /// # Errors
    /// The ERROR of the router if the publication shall be acknowledged;
    /// `wamp.error.session_ended` without a session.
    pub async fn publish_with(&self, publication: Publication) -> Result<Option<u64>, CallError> {
        if !self.waits {
            return self.shared.session()?.publish(publication).await;
        }
        let mut stale = None;
        loop {
            let session = self.shared.next_session(stale).await?;
            let published = session.publish(publication.clone()).await;
            // Without an acknowledgment to wait for, it was not sent.
            let is_unsent = !publication.acknowledge
                && published.as_ref().is_err_and(|error| error.uri == uri::SESSION_ENDED);
            if !is_unsent {
                return published;
            }
            stale = Some(session.info().session);
        }
    }

    /// Offers a procedure, or all procedures of a pattern, in this session and all that follow;
    /// waits until a router has answered.
    ///
    /// `procedure` runs in a task of its own for each call. It is ended where it waits when the
    /// caller cancels or the session is lost. When it panics, the caller gets
    /// `wamp.error.runtime_error` and no more. Calls with arguments that come one after the other
    /// or are packed are refused; a [`Client`](crate::Client) can serve such.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.procedure_already_exists`;
    /// `wamp.error.session_ended` when the agent has ended.
    pub async fn register<F, Fut, R>(
        &self,
        uri: &str,
        options: impl Into<RegisterOptions>,
        procedure: F,
    ) -> Result<Registration, CallError>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, CallError>> + Send + 'static,
        R: Reply,
    {
        let uri: Arc<str> = uri.into();
        let wishes = &self.shared.wishes;
        let standing = wishes.register(Arc::clone(&uri), options.into(), handler(procedure));
        Ok(Registration::new(uri, standing.await?))
    }

    /// Subscribes to a topic, or to all topics of a pattern, in this session and all that follow;
    /// waits until a router has answered.
    ///
    /// Several subscriptions of one topic are one at the router, and each gets every event.
    ///
    /// # Errors
    /// The ERROR of the router, such as `wamp.error.not_authorized`;
    /// `wamp.error.session_ended` when the agent has ended.
    pub async fn subscribe(
        &self,
        topic: &str,
        options: impl Into<SubscribeOptions>,
    ) -> Result<Subscription, CallError> {
        let topic: Arc<str> = topic.into();
        let queue = Arc::new(Queue::new(self.shared.event_queue));
        let wishes = &self.shared.wishes;
        let standing = wishes.subscribe(Arc::clone(&topic), options.into(), Arc::clone(&queue));
        let standing = standing.await?;
        Ok(Subscription::new(topic, queue, standing))
    }

    async fn session_within(
        &self,
        limit: Option<Duration>,
        stale: Option<u64>,
    ) -> Result<Session, CallError> {
        let joining = self.shared.next_session(stale);
        let Some(limit) = limit else { return joining.await };
        timeout(limit, joining).await.unwrap_or_else(|_| {
            let text = "there was no session within the time of the call";
            Err(CallError::new(uri::TIMEOUT, text))
        })
    }
}
