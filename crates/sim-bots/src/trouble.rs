//! What can come in a player's way.

use std::time::Duration;

use sim_wamp::{CallError, uri};

/// What a service answers that cannot do it now.
const UNAVAILABLE: &str = "wamp.error.unavailable";

/// What came in a player's way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The router was not reached, or did not let the player in.
    #[error("cannot log in: {0}")]
    Login(#[source] sim_wamp::Error),
    /// A call or subscription was answered with an ERROR.
    #[error("`{uri}` was answered with {error}")]
    Refused {
        /// What was asked for.
        uri: String,
        /// The answer.
        error: CallError,
    },
    /// Something did not come in time.
    #[error("waited {limit:?} in vain for {what}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// The router ended the session.
    #[error("the router ended the session with `{0}`")]
    Ended(String),
    /// Something is there that nobody expects.
    #[error("{0}")]
    Wrong(String),
}

impl Trouble {
    /// Whether the session is gone, or the service could not serve it, as when it stops.
    pub(crate) fn is_loss(&self) -> bool {
        let lost = [uri::SESSION_ENDED, uri::CANCELED, UNAVAILABLE];
        match self {
            Self::Ended(_) => true,
            Self::Refused { error, .. } => lost.contains(&&*error.uri),
            _ => false,
        }
    }

    /// The URI under which the trouble is counted; a word where there is none.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Login(sim_wamp::Error::Aborted { reason, .. }) => reason,
            Self::Login(_) => "no connection",
            Self::Refused { error, .. } => &error.uri,
            Self::Late { .. } => "late",
            Self::Ended(reason) => reason,
            Self::Wrong(_) => "wrong",
        }
    }
}
