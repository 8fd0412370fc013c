//! The calls of an agent's procedures that are not answered yet.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::handler::{Handler, Request};
use crate::{CallError, Invocation, uri};

/// The calls, each in a task of its own; dropping them ends all.
#[derive(Debug)]
pub(super) struct Calls {
    open: HashMap<u64, Open>,
    tasks: JoinSet<u64>,
    most: usize,
}

#[derive(Debug)]
struct Open {
    interrupted: CancellationToken,
    task: AbortHandle,
}

impl Calls {
    pub(super) fn new(most: usize) -> Self {
        Self { open: HashMap::new(), tasks: JoinSet::new(), most }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Begins a call, or refuses it.
    pub(super) async fn begin(&mut self, call: Invocation, handler: Option<Handler>) {
        let refused = if call.progress || call.passthru.is_some() {
            let text = "this procedure takes plain arguments, and all of them at once";
            (uri::FEATURE_NOT_SUPPORTED, text)
        } else if self.open.len() >= self.most {
            (uri::RESOURCE_EXHAUSTED, "too many calls are open here: try again later")
        } else if let Some(handler) = handler {
            return self.spawn(call, handler);
        } else {
            (uri::NO_SUCH_PROCEDURE, "the procedure is not offered any more")
        };
        call.respond(Err(CallError::new(refused.0, refused.1))).await;
    }

    /// Ends the task of a call that nobody waits for any more.
    pub(super) fn interrupt(&self, request: u64) {
        if let Some(open) = self.open.get(&request) {
            open.interrupted.cancel();
        }
    }

    /// Waits for a call to be over, and forgets it; for ever if there is none.
    pub(super) async fn forget_next(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(request)) => drop(self.open.remove(&request)),
            Some(Err(error)) => {
                // Only what a procedure drops can panic outside of it.
                tracing::error!(%error, "the task of a call failed");
                self.open.retain(|_, open| !open.task.is_finished());
            }
            None => std::future::pending().await,
        }
    }

    fn spawn(&mut self, call: Invocation, handler: Handler) {
        let request = call.request;
        let interrupted = CancellationToken::new();
        let task = self.tasks.spawn(run(call, handler, interrupted.clone()));
        self.open.insert(request, Open { interrupted, task });
    }
}

/// Runs a procedure for one call and answers it.
async fn run(call: Invocation, handler: Handler, interrupted: CancellationToken) -> u64 {
    let Invocation { request, procedure, caller, receive_progress, payload, responder, .. } = call;
    let (sender, mut results) = mpsc::channel(1);
    let progress = receive_progress.then_some(sender);
    let called = Request::new(Arc::clone(&procedure), caller, payload, progress);
    let outcome = {
        let handling = AssertUnwindSafe(async move { handler(called).await }).catch_unwind();
        let mut handling = pin!(handling);
        loop {
            tokio::select! {
                biased;
                () = interrupted.cancelled() => break None,
                Some(result) = results.recv() => responder.progress(result).await,
                outcome = &mut handling => break Some(outcome),
            }
        }
    };
    let answer = match outcome {
        Some(Ok(answer)) => answer,
        Some(Err(_)) => Err(panicked(&procedure)),
        None => Err(CallError::new(uri::CANCELED, "the call was canceled")),
    };
    // What the procedure has sent before it came to its end comes before its answer.
    results.close();
    while let Ok(result) = results.try_recv() {
        responder.progress(result).await;
    }
    responder.respond(answer).await;
    request
}

/// Says no more to a caller than that something is wrong here; what was said to the panic hook
/// says the rest.
fn panicked(procedure: &str) -> CallError {
    tracing::error!(procedure, "a procedure panicked");
    CallError::new(uri::RUNTIME_ERROR, "the procedure failed")
}
