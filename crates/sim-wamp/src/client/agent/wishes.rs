//! What the program wants of every session: its procedures and topics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::handler::Handler;
use super::queue::Queue;
use super::status::RefusedKind;
use crate::{CallError, Event, MatchPolicy, RegisterOptions, SubscribeOptions, uri};

/// What can be asked of the router.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Wish {
    /// A topic, for all who want it: a session has one subscription of it.
    Topic(Arc<str>, MatchPolicy),
    /// A procedure, by its number here.
    Procedure(u64),
}

/// All wishes, shared by the handles, which change them, and the session, which fulfills them.
///
/// Values of the program are never dropped under the lock, since dropping them may lead back here.
#[derive(Debug)]
pub(super) struct Wishes {
    inside: Mutex<Inside>,
    /// Tells the session that wishes have changed.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    topics: HashMap<(Arc<str>, MatchPolicy), Vec<Subscriber>>,
    procedures: BTreeMap<u64, Procedure>,
    /// Those that the session has not looked at yet; kept only while there is one.
    changed: HashSet<Wish>,
    has_session: bool,
    /// Why nothing can be wished any more.
    over: Option<CallError>,
    last: u64,
}

struct Procedure {
    uri: Arc<str>,
    options: RegisterOptions,
    handler: Handler,
    asker: Option<Asker>,
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    queue: Arc<Queue>,
    get_retained: bool,
    asker: Option<Asker>,
}

/// Where the first answer goes.
type Asker = oneshot::Sender<Result<(), CallError>>;

/// What is to be asked of the router.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    Register(Arc<str>, RegisterOptions),
    Subscribe(Arc<str>, SubscribeOptions),
}

/// How much a wish is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nobody wants it.
    Nobody,
    /// Those want it who had it before.
    Again,
    /// Somebody waits for the first answer.
    Fresh,
    /// Somebody waits for the first answer and what is retained.
    FreshRetained,
}

/// One wish of one owner; dropping it withdraws the wish.
#[derive(Debug)]
pub(super) struct Standing {
    wishes: Arc<Wishes>,
    wish: Wish,
    number: u64,
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.wishes.withdraw(&self.wish, self.number);
    }
}

impl std::fmt::Debug for Procedure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Procedure").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Wishes {
    pub(super) fn new() -> Self {
        Self { inside: Mutex::default(), changed: Notify::new() }
    }

    /// Wishes for a procedure to be offered, and waits until the router has answered once.
    pub(super) async fn register(
        self: &Arc<Self>,
        uri: Arc<str>,
        options: RegisterOptions,
        handler: Handler,
    ) -> Result<Standing, CallError> {
        let (asker, answer) = oneshot::channel();
        let add = |inside: &mut Inside, number| {
            let procedure = Procedure { uri, options, handler, asker: Some(asker) };
            inside.procedures.insert(number, procedure);
            Wish::Procedure(number)
        };
        self.wish(add, answer).await
    }

    /// Wishes for the events of a topic, and waits until the router has answered once.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        topic: Arc<str>,
        options: SubscribeOptions,
        queue: Arc<Queue>,
    ) -> Result<Standing, CallError> {
        let (asker, answer) = oneshot::channel();
        let add = |inside: &mut Inside, number| {
            let get_retained = options.get_retained;
            let subscriber = Subscriber { number, queue, get_retained, asker: Some(asker) };
            let key = (Arc::clone(&topic), options.policy);
            inside.topics.entry(key).or_default().push(subscriber);
            Wish::Topic(topic, options.policy)
        };
        self.wish(add, answer).await
    }

    async fn wish(
        self: &Arc<Self>,
        add: impl FnOnce(&mut Inside, u64) -> Wish,
        answer: oneshot::Receiver<Result<(), CallError>>,
    ) -> Result<Standing, CallError> {
        let standing = {
            let mut inside = self.lock();
            if let Some(over) = &inside.over {
                return Err(over.clone());
            }
            inside.last += 1;
            let number = inside.last;
            let wish = add(&mut inside, number);
            inside.note(&wish);
            Standing { wishes: Arc::clone(self), wish, number }
        };
        self.changed.notify_one();
        match answer.await {
            Ok(answer) => answer.map(|()| standing),
            Err(_) => Err(self.over()),
        }
    }

    fn withdraw(&self, wish: &Wish, number: u64) {
        let mut inside = self.lock();
        let _procedure = inside.procedures.remove(&number);
        if let Wish::Topic(topic, policy) = wish {
            let key = (Arc::clone(topic), *policy);
            if let Some(subscribers) = inside.topics.get_mut(&key) {
                subscribers.retain(|subscriber| subscriber.number != number);
                if subscribers.is_empty() {
                    inside.topics.remove(&key);
                }
            }
        }
        inside.note(wish);
        // Before the procedure, which is dropped last.
        drop(inside);
        self.changed.notify_one();
    }

    /// Begins a session: returns all wishes, and from now on keeps what changes.
    pub(super) fn begin(&self) -> Vec<Wish> {
        let mut inside = self.lock();
        inside.has_session = true;
        inside.changed.clear();
        let procedures = inside.procedures.keys().map(|number| Wish::Procedure(*number));
        let topics =
            inside.topics.keys().map(|(topic, policy)| Wish::Topic(topic.clone(), *policy));
        procedures.chain(topics).collect()
    }

    /// Ends a session.
    pub(super) fn pause(&self) {
        let mut inside = self.lock();
        inside.has_session = false;
        inside.changed.clear();
    }

    /// Waits for wishes to change; nothing is lost when the returned future is dropped.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes the wishes that have changed.
    pub(super) fn take_changed(&self) -> Vec<Wish> {
        self.lock().changed.drain().collect()
    }

    /// Ends all: whoever still waits for something is told so.
    pub(super) fn end(&self, error: CallError) {
        let mut inside = self.lock();
        inside.over = Some(error);
        let topics = std::mem::take(&mut inside.topics);
        let procedures = std::mem::take(&mut inside.procedures);
        inside.changed.clear();
        drop(inside);
        for subscriber in topics.into_values().flatten() {
            subscriber.queue.close();
        }
        drop(procedures);
    }

    /// Takes no more wishes from now on; those that are there stay.
    pub(super) fn close(&self) {
        self.lock().over = Some(CallError::ended(uri::CLOSE_REALM));
    }

    /// Says how much a wish is wanted.
    pub(super) fn want(&self, wish: &Wish) -> Want {
        let inside = self.lock();
        match wish {
            Wish::Procedure(number) => {
                inside.procedures.get(number).map_or(Want::Nobody, |procedure| {
                    if procedure.asker.is_some() { Want::Fresh } else { Want::Again }
                })
            }
            Wish::Topic(..) => {
                let subscribers = inside.subscribers(wish);
                let fresh = subscribers.iter().filter(|subscriber| subscriber.asker.is_some());
                let fresh = fresh.map(|subscriber| subscriber.get_retained).max();
                match fresh {
                    Some(true) => Want::FreshRetained,
                    Some(false) => Want::Fresh,
                    None if subscribers.is_empty() => Want::Nobody,
                    None => Want::Again,
                }
            }
        }
    }

    /// Returns what is to be asked for a wish, and the number of the youngest that the answer is
    /// for; nothing if nobody wants it.
    pub(super) fn question(&self, wish: &Wish) -> Option<(Question, u64)> {
        let inside = self.lock();
        let question = match wish {
            Wish::Procedure(number) => {
                let procedure = inside.procedures.get(number)?;
                Question::Register(Arc::clone(&procedure.uri), procedure.options)
            }
            Wish::Topic(topic, policy) => {
                let subscribers = inside.subscribers(wish);
                if subscribers.is_empty() {
                    return None;
                }
                let get_retained = subscribers.iter().any(|subscriber| subscriber.get_retained);
                let options = SubscribeOptions { policy: *policy, get_retained };
                Question::Subscribe(Arc::clone(topic), options)
            }
        };
        Some((question, inside.last))
    }

    /// Answers those who wait, as far as the question was asked for them, too; `is_new` says that
    /// the wish was not fulfilled just before.
    pub(super) fn granted(&self, wish: &Wish, youngest: u64, is_new: bool) {
        let mut inside = self.lock();
        if let Wish::Procedure(number) = wish
            && let Some(procedure) = inside.procedures.get_mut(number)
        {
            answer(&mut procedure.asker, Ok(()));
        }
        for subscriber in inside.subscribers_mut(wish) {
            if subscriber.asker.is_none() {
                if is_new {
                    subscriber.queue.reconnected();
                }
            } else if subscriber.is_asked_for(youngest) {
                answer(&mut subscriber.asker, Ok(()));
            }
        }
    }

    /// Answers those who wait, whose wish then goes, and says what the wish is of those who had it
    /// before, if there are any.
    pub(super) fn refused(
        &self,
        wish: &Wish,
        youngest: u64,
        error: &CallError,
    ) -> Option<(RefusedKind, Arc<str>)> {
        let mut inside = self.lock();
        match wish {
            Wish::Procedure(number) => {
                let procedure = inside.procedures.get_mut(number)?;
                if procedure.asker.is_none() {
                    return Some((RefusedKind::Registration, Arc::clone(&procedure.uri)));
                }
                answer(&mut procedure.asker, Err(error.clone()));
                let procedure = inside.procedures.remove(number);
                drop(inside);
                drop(procedure);
                None
            }
            Wish::Topic(topic, policy) => {
                let key = (Arc::clone(topic), *policy);
                let subscribers = inside.topics.get_mut(&key)?;
                subscribers.retain_mut(|subscriber| {
                    let is_refused =
                        subscriber.asker.is_some() && subscriber.is_asked_for(youngest);
                    if is_refused {
                        answer(&mut subscriber.asker, Err(error.clone()));
                    }
                    !is_refused
                });
                let has_old = subscribers.iter().any(|subscriber| subscriber.asker.is_none());
                if subscribers.is_empty() {
                    inside.topics.remove(&key);
                }
                has_old.then(|| (RefusedKind::Subscription, Arc::clone(topic)))
            }
        }
    }

    /// Hands an event to all who want it.
    pub(super) fn dispatch(&self, wish: &Wish, event: &Event) {
        for subscriber in self.lock().subscribers(wish) {
            if subscriber.get_retained || !event.retained {
                subscriber.queue.push(event.clone());
            }
        }
    }

    /// Returns the code of a procedure.
    pub(super) fn handler(&self, wish: &Wish) -> Option<Handler> {
        let Wish::Procedure(number) = wish else { return None };
        self.lock().procedures.get(number).map(|procedure| Arc::clone(&procedure.handler))
    }

    fn over(&self) -> CallError {
        let over = self.lock().over.clone();
        over.unwrap_or_else(|| CallError::ended(uri::CLOSE_REALM))
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn note(&mut self, wish: &Wish) {
        if self.has_session {
            self.changed.insert(wish.clone());
        }
    }

    fn subscribers(&self, wish: &Wish) -> &[Subscriber] {
        let Wish::Topic(topic, policy) = wish else { return &[] };
        self.topics.get(&(Arc::clone(topic), *policy)).map_or(&[], Vec::as_slice)
    }

    fn subscribers_mut(&mut self, wish: &Wish) -> &mut [Subscriber] {
        let Wish::Topic(topic, policy) = wish else { return &mut [] };
        self.topics.get_mut(&(Arc::clone(topic), *policy)).map_or(&mut [], Vec::as_mut_slice)
    }
}

impl Subscriber {
    /// Says whether a question was asked for this one, too: what is retained comes only to those
    /// who were there before it.
    fn is_asked_for(&self, youngest: u64) -> bool {
        !self.get_retained || self.number <= youngest
    }
}

fn answer(asker: &mut Option<Asker>, answer: Result<(), CallError>) {
    if let Some(asker) = asker.take() {
        // Who does not wait any more withdraws the wish.
        drop(asker.send(answer));
    }
}
