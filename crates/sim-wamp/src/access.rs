//! What a peer may do: the question that a router asks its owner at every request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{MatchPolicy, SessionInfo};

/// Something a session wants to do with a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Call a procedure.
    Call,
    /// Offer a procedure.
    Register,
    /// Publish to a topic.
    Publish,
    /// Receive the events of a topic.
    Subscribe,
}

impl Action {
    /// Returns the action as a verb for messages.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Publish => "publish to",
            Self::Subscribe => "subscribe to",
        }
    }
}

/// Answers whether a session may do something.
///
/// It is asked in the session's own task, one command after the other, and never by the realm: it
/// may take its time, which then only this session waits for.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Answers whether `session` may do `action` with all URIs that `uri` stands for under
    /// `policy`, which is `Exact` for calls and publications.
    async fn authorize(
        &self,
        session: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission;
}

/// What an [`Authorizer`] answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    pub(crate) allowed: bool,
    pub(crate) disclose: bool,
    pub(crate) only: Option<Pattern>,
    pub(crate) cached: bool,
}

/// The URIs that one pattern stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) uri: Arc<str>,
    pub(crate) policy: MatchPolicy,
}

impl Permission {
    /// Refuses.
    #[must_use]
    pub fn deny() -> Self {
        Self::default()
    }

    /// Allows.
    #[must_use]
    pub fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    /// Discloses who calls or publishes, whether the peer asks for it or not.
    #[must_use]
    pub fn disclosed(mut self) -> Self {
        self.disclose = true;
        self
    }

    /// Delivers only the events of a narrower pattern than the one that was subscribed to.
    #[must_use]
    pub fn narrowed_to(mut self, uri: impl Into<Arc<str>>, policy: MatchPolicy) -> Self {
        self.only = Some(Pattern { uri: uri.into(), policy });
        self
    }

    /// Has the session remember the answer until
    /// [`Router::role_changed`](crate::Router::role_changed) names its role.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// Says whether the answer is yes.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }
}

impl From<bool> for Permission {
    fn from(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }
}

/// How often the rights of each role have changed.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    roles: Mutex<HashMap<String, Arc<AtomicU64>>>,
}

impl Epochs {
    /// Returns the counter of a role.
    pub(crate) fn of(&self, role: &str) -> Arc<AtomicU64> {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        match roles.get(role) {
            Some(epoch) => Arc::clone(epoch),
            None => Arc::clone(roles.entry(role.to_owned()).or_default()),
        }
    }

    /// Makes all answers for a role outdated.
    pub(crate) fn advance(&self, role: &str) {
        self.of(role).fetch_add(1, Ordering::Release);
    }
}

/// The answers that a session remembers.
#[derive(Debug, Default)]
pub(crate) struct PermissionCache {
    epoch: u64,
    answers: HashMap<(Action, MatchPolicy), HashMap<Box<str>, Permission>>,
    count: usize,
}

impl PermissionCache {
    /// The most answers of one session; then it starts anew.
    const MOST: usize = 256;

    /// Finds an answer that is not outdated.
    pub(crate) fn get(
        &mut self,
        epoch: u64,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Option<&Permission> {
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::default() };
        }
        self.answers.get(&(action, policy))?.get(uri)
    }

    /// Remembers an answer that was given in an epoch, unless a newer one has begun.
    pub(crate) fn put(
        &mut self,
        epoch: u64,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
        answer: &Permission,
    ) {
        if self.epoch != epoch {
            return;
        }
        if self.count >= Self::MOST {
            *self = Self { epoch, ..Self::default() };
        }
        self.count += 1;
        self.answers.entry((action, policy)).or_default().insert(uri.into(), answer.clone());
    }
}
