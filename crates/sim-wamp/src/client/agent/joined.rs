//! One session of an agent: fulfills the wishes, and hands out what comes in.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::backoff::{Backoff, Waits};
use super::calls::Calls;
use super::status::{Refused, RefusedKind};
use super::wishes::{Question, Want, Wish};
use crate::{CallError, Connection, Incoming, Invocation, Session, SessionEvent, uri};

/// How many events and calls may come before the answers that explain them; see [`Joined::early`].
const EARLY: usize = 1024;

/// How a session ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, for the reason of this URI.
    Lost(String),
    /// Because the agent was told to leave.
    Left(String),
}

/// A session.
pub(super) struct Joined<'a> {
    shared: &'a Shared,
    backoff: &'a Backoff,
    session: Session,
    holdings: HashMap<Wish, Holding>,
    registrations: HashMap<u64, Wish>,
    subscriptions: HashMap<u64, Wish>,
    /// What the router is asked, and when it is to be asked again.
    pending: FuturesUnordered<BoxFuture<'static, Done>>,
    /// How many of these wait for an answer of the router.
    asking: usize,
    /// What came for ids that are not known yet: the answer is there, but it was not looked at.
    early: VecDeque<SessionEvent>,
    calls: Calls,
    is_closing: bool,
}

/// How it stands with one wish in this session.
struct Holding {
    state: State,
    waits: Waits,
    /// What the router said last, as long as the wish is not fulfilled although it was before.
    refused: Option<Refused>,
    /// The router has taken it away in this session.
    was_revoked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The router is asked; with the id, if it is for what is retained only.
    Asked(Option<u64>),
    Held(u64),
    /// It is being given back.
    Returned,
    /// The router is asked again later.
    Refused,
}

/// Something that is done.
enum Done {
    Answered { wish: Wish, youngest: u64, outcome: Result<u64, CallError> },
    Returned { wish: Wish, id: u64 },
    Due(Wish),
}

impl<'a> Joined<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        backoff: &'a Backoff,
        session: Session,
        calls_at_once: usize,
    ) -> Self {
        Self {
            shared,
            backoff,
            session,
            holdings: HashMap::new(),
            registrations: HashMap::new(),
            subscriptions: HashMap::new(),
            pending: FuturesUnordered::new(),
            asking: 0,
            early: VecDeque::new(),
            calls: Calls::new(calls_at_once),
            is_closing: false,
        }
    }

    /// Serves the session to its end; a wish to leave withdraws the procedures first, and gives
    /// open calls some time.
    pub(super) async fn run(
        mut self,
        mut incoming: Incoming,
        connection: Connection,
        leaving: &CancellationToken,
        patience: Duration,
    ) -> End {
        for wish in self.shared.wishes.begin() {
            self.settle(&wish);
        }
        let mut deadline = Instant::now();
        while !(self.is_closing && self.asking == 0 && self.calls.is_empty()) {
            tokio::select! {
                biased;
                Some(done) = self.pending.next() => self.done(done).await,
                () = self.shared.wishes.changed() => {
                    for wish in self.shared.wishes.take_changed() {
                        self.settle(&wish);
                    }
                }
                () = self.calls.forget_next() => {}
                () = leaving.cancelled(), if !self.is_closing => {
                    deadline = Instant::now() + patience;
                    self.close();
                }
                () = sleep_until(deadline), if self.is_closing => break,
                event = incoming.recv() => match event {
                    Some(SessionEvent::Goodbye { reason }) if !self.is_closing => {
                        return End::Lost(reason);
                    }
                    Some(SessionEvent::Goodbye { reason }) => return End::Left(reason),
                    Some(event) => self.take(event).await,
                    None => return End::Lost(uri::CLOSE_REALM.to_owned()),
                },
            }
        }
        drop(self);
        connection.close().await;
        End::Left(last_words(incoming).await)
    }

    /// Does what is left to do for a wish.
    fn settle(&mut self, wish: &Wish) {
        let wishes = &self.shared.wishes;
        let is_withdrawn = self.is_closing && matches!(wish, Wish::Procedure(_));
        let want = if is_withdrawn { Want::Nobody } else { wishes.want(wish) };
        match (self.holdings.get(wish).map(|holding| holding.state), want) {
            (None, Want::Again | Want::Fresh | Want::FreshRetained)
            | (Some(State::Refused), Want::Fresh | Want::FreshRetained) => self.ask(wish, None),
            (Some(State::Held(_)), Want::Fresh) => wishes.granted(wish, 0, false),
            (Some(State::Held(id)), Want::FreshRetained) => self.ask(wish, Some(id)),
            (Some(State::Held(id)), Want::Nobody) => self.give_back(wish, id),
            (Some(State::Refused), Want::Nobody) => {
                self.holdings.remove(wish);
                self.report();
            }
            _ => {}
        }
    }

    fn ask(&mut self, wish: &Wish, held: Option<u64>) {
        if self.is_closing {
            return;
        }
        // Who withdraws a wish meanwhile has it settled again.
        let Some((question, youngest)) = self.shared.wishes.question(wish) else { return };
        let holding = self.holdings.entry(wish.clone()).or_insert_with(|| Holding {
            state: State::Refused,
            waits: Waits::new(self.backoff),
            refused: None,
            was_revoked: false,
        });
        holding.state = State::Asked(held);
        // Two who take a procedure from each other would do nothing else.
        let may_force = !holding.was_revoked;
        let (session, wish) = (self.session.clone(), wish.clone());
        self.asking += 1;
        self.pending.push(Box::pin(async move {
            let outcome = match question {
                Question::Register(uri, mut options) => {
                    options.force_reregister &= may_force;
                    session.register(&uri, options).await
                }
                Question::Subscribe(topic, options) => session.subscribe(&topic, options).await,
            };
            Done::Answered { wish, youngest, outcome }
        }));
    }

    fn give_back(&mut self, wish: &Wish, id: u64) {
        if let Some(holding) = self.holdings.get_mut(wish) {
            holding.state = State::Returned;
        }
        let (session, wish) = (self.session.clone(), wish.clone());
        self.asking += 1;
        self.pending.push(Box::pin(async move {
            let outcome = match wish {
                Wish::Procedure(_) => session.unregister(id).await,
                Wish::Topic(..) => session.unsubscribe(id).await,
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "what was given back was not there any more");
            }
            Done::Returned { wish, id }
        }));
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Due(wish) => {
                let holding = self.holdings.get(&wish);
                if holding.is_some_and(|holding| holding.state == State::Refused) {
                    self.ask(&wish, None);
                }
                return;
            }
            Done::Answered { wish, youngest, outcome } => {
                self.asking -= 1;
                self.answered(&wish, youngest, outcome);
            }
            Done::Returned { wish, id } => {
                self.asking -= 1;
                self.holdings.remove(&wish);
                self.ids(&wish).remove(&id);
                self.settle(&wish);
            }
        }
        for event in std::mem::take(&mut self.early) {
            self.take(event).await;
        }
    }

    fn answered(&mut self, wish: &Wish, youngest: u64, outcome: Result<u64, CallError>) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        let State::Asked(held) = holding.state else { return };
        match outcome {
            Ok(id) => {
                holding.state = State::Held(id);
                let was_refused = holding.refused.take().is_some();
                self.ids(wish).insert(id, wish.clone());
                self.shared.wishes.granted(wish, youngest, held.is_none());
                if was_refused {
                    self.report();
                }
            }
            // All is asked again in the next session.
            Err(error) if error.uri == uri::SESSION_ENDED => return,
            Err(error) => match (self.shared.wishes.refused(wish, youngest, &error), held) {
                (_, Some(id)) => holding.state = State::Held(id),
                (Some((kind, uri)), None) => self.retry(wish, Refused { kind, uri, error }),
                (None, None) => {
                    self.holdings.remove(wish);
                    self.report();
                }
            },
        }
        self.settle(wish);
    }

    /// Takes note that the router has taken something away.
    fn revoked(&mut self, wish: &Wish, reason: String) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        holding.was_revoked = true;
        match holding.state {
            State::Held(_) => {}
            State::Asked(_) => return holding.state = State::Asked(None),
            State::Returned | State::Refused => return,
        }
        let (kind, uri) = match self.shared.wishes.question(wish) {
            Some((Question::Register(uri, _), _)) => (RefusedKind::Registration, uri),
            Some((Question::Subscribe(topic, _), _)) => (RefusedKind::Subscription, topic),
            None => return drop(self.holdings.remove(wish)),
        };
        let error = CallError::new(reason, "the router has taken it away");
        self.retry(wish, Refused { kind, uri, error });
    }

    /// Asks again later.
    fn retry(&mut self, wish: &Wish, refused: Refused) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        let (uri, error) = (&refused.uri, &refused.error);
        tracing::warn!(%uri, %error, "the router refuses what it granted before");
        holding.state = State::Refused;
        holding.refused = Some(refused);
        let (wait, wish) = (holding.waits.next(), wish.clone());
        self.pending.push(Box::pin(async move {
            sleep(wait).await;
            Done::Due(wish)
        }));
        self.report();
    }

    fn report(&self) {
        let refused = self.holdings.values().filter_map(|holding| holding.refused.clone());
        let mut refused: Vec<Refused> = refused.collect();
        refused.sort_by(|one, other| one.uri.cmp(&other.uri));
        self.shared.report(refused);
    }

    /// Withdraws the procedures; what is open goes on.
    fn close(&mut self) {
        self.is_closing = true;
        self.shared.wishes.close();
        let procedures: Vec<Wish> = self.registrations.values().cloned().collect();
        for wish in procedures {
            self.settle(&wish);
        }
    }

    async fn take(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Event(event) => match self.subscriptions.get(&event.subscription) {
                Some(wish) => self.shared.wishes.dispatch(wish, &event),
                None => drop(self.keep(SessionEvent::Event(event))),
            },
            SessionEvent::Invocation(call) => self.call(call).await,
            SessionEvent::Interrupt(interrupt) => {
                let request = interrupt.request;
                self.calls.interrupt(request);
                self.early.retain(|event| !is_call(event, request));
            }
            SessionEvent::Unregistered { registration, reason } => {
                match self.registrations.remove(&registration) {
                    Some(wish) => self.revoked(&wish, reason),
                    None => {
                        drop(self.keep(SessionEvent::Unregistered { registration, reason }));
                    }
                }
            }
            SessionEvent::Unsubscribed { subscription, reason } => {
                match self.subscriptions.remove(&subscription) {
                    Some(wish) => self.revoked(&wish, reason),
                    None => {
                        drop(self.keep(SessionEvent::Unsubscribed { subscription, reason }));
                    }
                }
            }
            // Calls whose arguments come one after the other were refused.
            SessionEvent::Arguments(_) | SessionEvent::Goodbye { .. } => {}
        }
    }

    async fn call(&mut self, call: Invocation) {
        let handler = match self.registrations.get(&call.registration) {
            Some(wish) => self.shared.wishes.handler(wish),
            None => match self.keep(SessionEvent::Invocation(call)) {
                Some(SessionEvent::Invocation(call)) => {
                    return self.calls.begin(call, None).await;
                }
                _ => return,
            },
        };
        self.calls.begin(call, handler).await;
    }

    /// Keeps what came early until an answer explains it, or returns what none will explain.
    fn keep(&mut self, event: SessionEvent) -> Option<SessionEvent> {
        if self.asking == 0 || self.early.len() >= EARLY {
            tracing::debug!("the router sent something of an unknown registration or subscription");
            return Some(event);
        }
        self.early.push_back(event);
        None
    }

    fn ids(&mut self, wish: &Wish) -> &mut HashMap<u64, Wish> {
        match wish {
            Wish::Procedure(_) => &mut self.registrations,
            Wish::Topic(..) => &mut self.subscriptions,
        }
    }
}

fn is_call(event: &SessionEvent, number: u64) -> bool {
    matches!(event, SessionEvent::Invocation(Invocation { request, .. }) if *request == number)
}

/// Returns why a session ended that is closed.
async fn last_words(mut incoming: Incoming) -> String {
    loop {
        match incoming.recv().await {
            Some(SessionEvent::Goodbye { reason }) => return reason,
            Some(_) => {}
            None => return uri::CLOSE_REALM.to_owned(),
        }
    }
}
