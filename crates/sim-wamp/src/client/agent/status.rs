//! How it stands with an agent, for whoever wants to know.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{CallError, Error, Session, SessionInfo};

/// How it stands with an agent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Status {
    /// It has no session and is about to get one.
    Connecting {
        /// Which attempt it is since there was no session.
        attempt: u32,
        /// Why there is none yet; nothing before the first attempt of all.
        last_error: Option<Setback>,
    },
    /// It has a session.
    Joined {
        /// Who it is to the realm.
        info: Arc<SessionInfo>,
        /// What the router refuses in this session although it granted it before, or has taken
        /// away; the agent asks for it again.
        refused: Vec<Refused>,
    },
    /// It has left because it was told to; nothing comes after this.
    Left {
        /// The URI with which the last session ended.
        reason: String,
    },
    /// It has given up; nothing comes after this.
    Failed {
        /// Why.
        last_error: Setback,
    },
}

/// A registration or subscription that an agent does not have although it should.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// What it is.
    pub kind: RefusedKind,
    /// The procedure or topic, or their pattern.
    pub uri: Arc<str>,
    /// What the router says.
    pub error: CallError,
}

/// What a [`Refused`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// A procedure that is not offered.
    Registration,
    /// A topic from which nothing comes.
    Subscription,
}

/// Why an agent has no session.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Setback {
    /// It could not join.
    #[error(transparent)]
    Join(Arc<Error>),
    /// The session that it had has ended.
    #[error("the session has ended with `{reason}`")]
    Ended {
        /// The URI that says why.
        reason: String,
    },
}

/// The status of an agent as it changes.
#[derive(Debug, Clone)]
pub struct StatusWatch {
    states: watch::Receiver<State>,
}

/// What an agent tells its handles; one value, so that who sees that it has joined has its
/// session, too.
#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Option<Session>,
    pub(super) status: Status,
}

impl Status {
    /// Says whether the agent has ended, so that nothing comes after this.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Left { .. } | Self::Failed { .. })
    }
}

impl StatusWatch {
    pub(super) fn new(states: watch::Receiver<State>) -> Self {
        Self { states }
    }

    /// Returns how it stands now.
    #[must_use]
    pub fn now(&self) -> Status {
        self.states.borrow().status.clone()
    }

    /// Waits until the status is another than when it was last waited for; nothing after the last
    /// one. Who waits too late sees the newest only.
    pub async fn changed(&mut self) -> Option<Status> {
        let is_seen = !self.states.has_changed().unwrap_or(false);
        if is_seen && self.states.borrow().status.is_final() {
            return None;
        }
        self.states.changed().await.ok()?;
        Some(self.states.borrow_and_update().status.clone())
    }

    /// Waits for a status of some kind, which may be the present one; nothing if the agent has
    /// ended otherwise.
    pub async fn wait_for(&mut self, mut wanted: impl FnMut(&Status) -> bool) -> Option<Status> {
        let found =
            self.states.wait_for(|state| state.status.is_final() || wanted(&state.status)).await;
        let status = found.ok()?.status.clone();
        wanted(&status).then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri;

    #[tokio::test]
    async fn watch_ends_with_the_last_status() {
        let status = Status::Connecting { attempt: 1, last_error: None };
        let (states, receiver) = watch::channel(State { session: None, status });
        let mut watch = StatusWatch::new(receiver);
        assert!(matches!(watch.now(), Status::Connecting { .. }));
        let status = Status::Left { reason: uri::CLOSE_REALM.to_owned() };
        states.send_replace(State { session: None, status });
        assert!(watch.wait_for(|status| matches!(status, Status::Joined { .. })).await.is_none());
        let mut late = watch.clone();
        assert!(late.changed().await.is_none());
        assert!(watch.wait_for(Status::is_final).await.is_some());
    }
}
