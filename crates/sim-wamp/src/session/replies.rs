//! The requests of a session that wait for their answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::{CallError, uri};

type Answer = Result<Message, CallError>;

/// The open requests, and how the session ended.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    open: Mutex<Open>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    ended: Option<String>,
}

impl Replies {
    /// Opens a request.
    pub(crate) fn wait_for(self: &Arc<Self>, request: u64) -> Result<Waiting, CallError> {
        let (sender, answer) = oneshot::channel();
        let mut open = self.lock();
        if let Some(reason) = &open.ended {
            return Err(CallError::ended(reason));
        }
        open.waiting.insert(request, sender);
        Ok(Waiting { replies: Arc::clone(self), request, answer: Some(answer) })
    }

    /// Says whether the session still lives.
    pub(crate) fn check(&self) -> Result<(), CallError> {
        self.lock().ended.as_deref().map_or(Ok(()), |reason| Err(CallError::ended(reason)))
    }

    /// Answers a request; false if nobody waits for it any more.
    pub(crate) fn complete(&self, request: u64, answer: Answer) -> bool {
        let waiting = self.lock().waiting.remove(&request);
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
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
    answer: Option<oneshot::Receiver<Answer>>,
}

impl Waiting {
    /// Waits for the answer.
    pub(crate) async fn answer(mut self) -> Answer {
        let answer = self.answer.take().expect("`answer` takes self and is called once");
        answer.await.unwrap_or_else(|_| Err(CallError::ended(&self.replies.reason())))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.replies.lock().waiting.remove(&self.request);
    }
}
