//! What happened to an object, as the journal records it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{GamePk, RunPk, Stored, Timestamp, UserPk};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was stored for the first time.
    Created,
    /// It was stored again, whether or not anything differs.
    Changed,
    /// It was deleted, by itself or with its parent.
    Deleted,
}

impl Action {
    /// The name in events: `created`, `changed` or `deleted`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }

    /// The action with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Created, Self::Changed, Self::Deleted].into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number: grows with every change, in commit order.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// The game that the object belongs to; none for users.
    pub game: Option<GamePk>,
    /// The run that the object belongs to; none for games, phases, roles and users.
    pub run: Option<RunPk>,
    /// What happened.
    pub action: Action,
    /// The object afterwards, or as it was before it was deleted.
    pub object: Arc<Stored>,
    /// Who did it; none when the service itself did.
    pub actor: Option<UserPk>,
    /// The call or request that caused it, for people who read the audit log.
    pub cause: Option<Arc<str>>,
}
