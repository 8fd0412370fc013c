//! The requests of a session that wait for their answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::message::{Answer, Message};
use crate::{CallError, uri};

/// How many results of one call wait for its caller.
const PROGRESS: usize = 256;

type Outcome = Result<Message, CallError>;

/// The open requests, and how the session ended.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    open: Mutex<Open>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    waiting: HashMap<u64, Waiter>,
    ended: Option<String>,
}

#[derive(Debug)]
struct Waiter {
    last: oneshot::Sender<Outcome>,
    /// Where the results go that are not the last, for a caller who takes such.
    progress: Option<mpsc::Sender<Answer>>,
}

impl Replies {
    /// Opens a request.
    pub(crate) fn wait_for(self: &Arc<Self>, request: u64) -> Result<Waiting, CallError> {
        let (last, outcome) = oneshot::channel();
        self.enter(request, Waiter { last, progress: None })?;
        Ok(Waiting { replies: Arc::clone(self), request, outcome })
    }

    /// Opens a call whose results come one after the other.
    pub(crate) fn wait_for_many(
        self: &Arc<Self>,
        request: u64,
    ) -> Result<(Waiting, mpsc::Receiver<Answer>), CallError> {
        let (last, outcome) = oneshot::channel();
        let (progress, results) = mpsc::channel(PROGRESS);
        self.enter(request, Waiter { last, progress: Some(progress) })?;
        Ok((Waiting { replies: Arc::clone(self), request, outcome }, results))
    }

    fn enter(&self, request: u64, waiter: Waiter) -> Result<(), CallError> {
        let mut open = self.lock();
        if let Some(reason) = &open.ended {
            return Err(CallError::ended(reason));
        }
        open.waiting.insert(request, waiter);
        Ok(())
    }

    /// Says whether the session still lives.
    pub(crate) fn check(&self) -> Result<(), CallError> {
        self.lock().ended.as_deref().map_or(Ok(()), |reason| Err(CallError::ended(reason)))
    }

    /// Answers a request, if anybody still waits for it.
    pub(crate) fn complete(&self, request: u64, outcome: Outcome) {
        let waiter = self.lock().waiting.remove(&request);
        if let Some(waiter) = waiter {
            // Whoever does not wait any more has given the answer up.
            drop(waiter.last.send(outcome));
        }
    }

    /// Returns where the results of a call go that are not the last.
    pub(crate) fn progress(&self, request: u64) -> Option<mpsc::Sender<Answer>> {
        self.lock().waiting.get(&request)?.progress.clone()
    }

    /// Ends the session, for the first reason that is given, and all its open requests.
    pub(crate) fn end(&self, reason: &str) {
        let waiting = {
            let mut open = self.lock();
            open.ended.get_or_insert_with(|| reason.to_owned());
            std::mem::take(&mut open.waiting)
        };
        // Their receivers see the dropped senders and ask for the reason.
        drop(waiting);
        self.ended.cancel();
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Returns why the session ended.
    pub(crate) fn reason(&self) -> String {
        self.lock().ended.clone().unwrap_or_else(|| uri::CLOSE_REALM.to_owned())
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open request; dropping it gives the answer up.
#[derive(Debug)]
pub(crate) struct Waiting {
    replies: Arc<Replies>,
    request: u64,
    outcome: oneshot::Receiver<Outcome>,
}

impl Waiting {
    /// Waits for the answer.
    pub(crate) async fn answer(&mut self) -> Outcome {
        let outcome = (&mut self.outcome).await;
        outcome.unwrap_or_else(|_| Err(CallError::ended(&self.replies.reason())))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.replies.lock().waiting.remove(&self.request);
    }
}
