//! One session of an agent: fulfills the wishes, and hands out what comes in.

mod asking;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::backoff::{Backoff, Waits};
use super::calls::Calls;
use super::status::Refused;
use super::wishes::Wish;
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
    /// How often it was put off; what was put off earlier is not due any more.
    retries: u64,
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
    Due { wish: Wish, retry: u64 },
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
