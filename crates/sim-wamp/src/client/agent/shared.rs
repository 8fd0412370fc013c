//! What an agent's task and its handles share.

use std::sync::Arc;

use tokio::sync::watch;

use super::status::{Refused, Setback, State, Status, StatusWatch};
use super::supervisor::chain;
use super::wishes::Wishes;
use crate::{CallError, Session, uri};

/// The present session, how it stands, and what is wanted.
#[derive(Debug)]
pub(super) struct Shared {
    states: watch::Sender<State>,
    pub(super) wishes: Arc<Wishes>,
    pub(super) event_queue: usize,
}

impl Shared {
    pub(super) fn new(event_queue: usize) -> Self {
        let status = Status::Connecting { attempt: 1, last_error: None };
        let states = watch::Sender::new(State { session: None, status });
        Self { states, wishes: Arc::new(Wishes::new()), event_queue }
    }

    pub(super) fn connecting(&self, attempt: u32, last_error: Option<Setback>) {
        let status = Status::Connecting { attempt, last_error };
        self.states.send_replace(State { session: None, status });
    }

    pub(super) fn joined(&self, session: Session) {
        let info = Arc::new(session.info().clone());
        let status = Status::Joined { info, refused: Vec::new() };
        self.states.send_replace(State { session: Some(session), status });
    }

    /// Says what the router refuses, if that is news.
    pub(super) fn report(&self, now: Vec<Refused>) {
        self.states.send_if_modified(|state| {
            let Status::Joined { refused, .. } = &mut state.status else { return false };
            let is_news = *refused != now;
            *refused = now;
            is_news
        });
    }

    /// Ends all; a second end changes nothing.
    pub(super) fn end(&self, status: Status) {
        if self.states.borrow().status.is_final() {
            return;
        }
        let error = no_session(&status);
        self.states.send_replace(State { session: None, status });
        self.wishes.end(error);
    }

    pub(super) fn watch(&self) -> StatusWatch {
        StatusWatch::new(self.states.subscribe())
    }

    /// Returns the present session.
    pub(super) fn session(&self) -> Result<Session, CallError> {
        let state = self.states.borrow();
        state.session.clone().ok_or_else(|| no_session(&state.status))
    }

    /// Waits for a session that is another than one that has ended.
    pub(super) async fn next_session(&self, stale: Option<u64>) -> Result<Session, CallError> {
        let is_other = |session: &Session| Some(session.info().session) != stale;
        let mut states = self.states.subscribe();
        let found = states.wait_for(|state| {
            state.status.is_final() || state.session.as_ref().is_some_and(is_other)
        });
        let state = found.await.expect("the sender lives as long as `self`");
        state.session.clone().ok_or_else(|| no_session(&state.status))
    }
}

/// Makes the error of a request for which there is no session.
fn no_session(status: &Status) -> CallError {
    let text = match status {
        Status::Failed { last_error } => format!("the agent has given up: {}", chain(last_error)),
        Status::Left { reason } => return CallError::ended(reason),
        Status::Connecting { .. } | Status::Joined { .. } => {
            "the agent has no session at the moment".to_owned()
        }
    };
    CallError::new(uri::SESSION_ENDED, &text)
}
