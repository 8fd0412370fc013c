//! What a procedure of an agent is given and what it gives back.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::wishes::Standing;
use crate::message::Caller;
use crate::{CallError, Payload, uri};

/// A call of a procedure of an agent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// The concrete URI that was called.
    pub procedure: Arc<str>,
    /// Who called, if the router discloses it.
    pub caller: Option<Caller>,
    /// The arguments.
    pub payload: Payload,
    /// Where results go that are not the last.
    pub progress: Progress,
}

/// Takes the results of a call that are not the last; clones lead to the same call.
#[derive(Debug, Clone)]
pub struct Progress {
    results: Option<mpsc::Sender<Payload>>,
}

/// What a procedure may return: a [`Payload`] as it is, anything else as the one argument of the
/// result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of a procedure",
    note = "return a `Payload` or something that implements `serde::Serialize`"
)]
pub trait Reply {
    /// Makes the payload of the result.
    ///
    /// # Errors
    /// When the value cannot be written.
    fn into_payload(self) -> Result<Payload, CallError>;
}

/// A procedure that an agent offers in every session that it has; dropping it withdraws it.
///
/// Calls that are open then are still answered.
#[derive(Debug)]
#[must_use = "dropping it withdraws the procedure"]
pub struct Registration {
    procedure: Arc<str>,
    _standing: Standing,
}

/// A procedure as the agent keeps it.
pub(super) type Handler =
    Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Payload, CallError>> + Send + Sync>;

/// Makes all procedures alike.
pub(super) fn handler<F, Fut, R>(procedure: F) -> Handler
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, CallError>> + Send + 'static,
    R: Reply,
{
    Arc::new(move |request| {
        let handling = procedure(request);
        async move { handling.await?.into_payload() }.boxed()
    })
}

impl Request {
    pub(super) fn new(
        procedure: Arc<str>,
        caller: Option<Caller>,
        payload: Payload,
        results: Option<mpsc::Sender<Payload>>,
    ) -> Self {
        Self { procedure, caller, payload, progress: Progress { results } }
    }

    /// Reads the positional arguments as a tuple or list.
    ///
    /// # Errors
    /// `wamp.error.invalid_argument` when they are not of that type, for the caller.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.payload.args().map_err(|_| self.refused("positional"))
    }

    /// Reads the keyword arguments as a struct or map.
    ///
    /// # Errors
    /// `wamp.error.invalid_argument` when they are not of that type, for the caller.
    pub fn kwargs<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.payload.kwargs().map_err(|_| self.refused("keyword"))
    }

    fn refused(&self, which: &str) -> CallError {
        let text = format!("`{}` does not take these {which} arguments", self.procedure);
        CallError::new(uri::INVALID_ARGUMENT, &text)
    }
}

impl Progress {
    /// Says whether the caller takes such results.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.results.is_some()
    }

    /// Sends a result, as soon as there is room for it; nothing happens if the caller does not
    /// take such or the call is over.
    ///
    /// # Errors
    /// When the value cannot be written.
    pub async fn send(&self, result: impl Reply) -> Result<(), CallError> {
        let Some(results) = &self.results else { return Ok(()) };
        let payload = result.into_payload()?;
        // A call that is over has nobody left to tell.
        drop(results.send(payload).await);
        Ok(())
    }
}

impl Reply for Payload {
    fn into_payload(self) -> Result<Payload, CallError> {
        Ok(self)
    }
}

impl<T: Serialize> Reply for T {
    fn into_payload(self) -> Result<Payload, CallError> {
        Payload::from_args(&(self,)).map_err(|error| {
            // What does not fit is the callee's affair, not the caller's.
            tracing::error!(%error, "a result cannot be written");
            CallError::new(uri::RUNTIME_ERROR, "the result cannot be written")
        })
    }
}

impl Registration {
    pub(super) fn new(procedure: Arc<str>, standing: Standing) -> Self {
        Self { procedure, _standing: standing }
    }

    /// Returns the procedure or pattern.
    #[must_use]
    pub fn procedure(&self) -> &str {
        &self.procedure
    }
}
