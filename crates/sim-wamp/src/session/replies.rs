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
    /// The URIs behind ids, where a router sends the id alone.
    procedures: HashMap<u64, Arc<str>>,
    topics: HashMap<u64, Arc<str>>,
    ended: Option<String>,
}

#[derive(Debug)]
struct Waiter {
    last: oneshot::Sender<Outcome>,
    /// Where the results go that are not the last, for a caller who takes such.
    progress: Option<mpsc::Sender<Answer>>,
    /// The URI that the answer gives an id.
    named: Option<Arc<str>>,
}

impl Replies {
    /// Opens a request, whose answer gives `named` an id, if it is a request of that kind.
    pub(crate) fn wait_for(
        self: &Arc<Self>,
        request: u64,
        named: Option<Arc<str>>,
    ) -> Result<Waiting, CallError> {
        let (last, outcome) = oneshot::channel();
        self.enter(request, Waiter { last, progress: None, named })?;
        Ok(Waiting { replies: Arc::clone(self), request, outcome })
    }

    /// Opens a call whose results come one after the other.
    pub(crate) fn wait_for_many(
        self: &Arc<Self>,
        request: u64,
    ) -> Result<(Waiting, mpsc::Receiver<Answer>), CallError> {
        let (last, outcome) = oneshot::channel();
        let (progress, results) = mpsc::channel(PROGRESS);
        self.enter(request, Waiter { last, progress: Some(progress), named: None })?;
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
        let mut open = self.lock();
        let Some(waiter) = open.waiting.remove(&request) else { return };
        match (&outcome, waiter.named) {
            (Ok(Message::Registered { registration, .. }), Some(uri)) => {
                drop(open.procedures.insert(*registration, uri));
            }
            (Ok(Message::Subscribed { subscription, .. }), Some(uri)) => {
                drop(open.topics.insert(*subscription, uri));
            }
            _ => {}
        }
        drop(open);
        // Whoever does not wait any more has given the answer up.
        drop(waiter.last.send(outcome));
    }

    /// Returns the procedure of a registration that has one only.
    pub(crate) fn procedure(&self, registration: u64) -> Option<Arc<str>> {
        self.lock().procedures.get(&registration).cloned()
    }

    /// Returns the topic of a subscription that has one only.
    pub(crate) fn topic(&self, subscription: u64) -> Option<Arc<str>> {
        self.lock().topics.get(&subscription).cloned()
    }

    /// Forgets what an id stands for that is given back by a message.
    pub(crate) fn forget(&self, message: &Message) {
        match message {
            Message::Unregister { registration, .. } => {
                drop(self.lock().procedures.remove(registration));
            }
            Message::Unsubscribe { subscription, .. } => {
                drop(self.lock().topics.remove(subscription));
            }
            _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_id_stands_for_is_known_until_it_is_given_back() {
        let replies = Arc::new(Replies::default());
        let uri: Arc<str> = "com.example.add".into();
        let _waiting = replies.wait_for(1, Some(uri.clone())).unwrap();
        assert_eq!(replies.procedure(77), None);
        replies.complete(1, Ok(Message::Registered { request: 1, registration: 77 }));
        assert_eq!(replies.procedure(77), Some(uri.clone()));
        assert_eq!(replies.topic(77), None);
        replies.forget(&Message::Unregister { request: 2, registration: 77 });
        assert_eq!(replies.procedure(77), None);

        let _waiting = replies.wait_for(3, Some(uri.clone())).unwrap();
        replies.complete(3, Ok(Message::Subscribed { request: 3, subscription: 5 }));
        assert_eq!(replies.topic(5), Some(uri));
        // A pattern has no URI of its own.
        let _waiting = replies.wait_for(4, None).unwrap();
        replies.complete(4, Ok(Message::Subscribed { request: 4, subscription: 6 }));
        assert_eq!(replies.topic(6), None);
    }
}
