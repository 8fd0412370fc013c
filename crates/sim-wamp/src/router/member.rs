//! What broker and dealer know of a session.

use std::sync::Arc;

use crate::SessionInfo;
use crate::message::Features;

/// A session of a realm.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) info: Arc<SessionInfo>,
    /// Whether nobody asks what it may do, and how much.
    pub(crate) trusted: bool,
    pub(crate) features: Features,
}

impl Member {
    pub(crate) fn session(&self) -> u64 {
        self.info.session
    }
}
