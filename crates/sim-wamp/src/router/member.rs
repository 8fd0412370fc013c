//! What broker and dealer know of a session.

use std::sync::Arc;

use jiff::Timestamp;

use crate::SessionInfo;
use crate::message::Features;

/// A session of a realm.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) info: Arc<SessionInfo>,
    /// Whether nobody asks what it may do, and how much.
    pub(crate) trusted: bool,
    pub(crate) features: Features,
    pub(crate) joined: Timestamp,
}

impl Member {
    /// Makes a session that joins now.
    pub(crate) fn new(info: Arc<SessionInfo>, trusted: bool, features: Features) -> Self {
        Self { info, trusted, features, joined: Timestamp::now() }
    }

    pub(crate) fn session(&self) -> u64 {
        self.info.session
    }
}
