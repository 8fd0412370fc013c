//! What can go wrong: the crate's own error, and the ERROR that answers a request.

use crate::transport::{ConnectError, TransportError};
use crate::{Payload, uri};

/// Why a router or a client could not be started or joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The router has no realm of this name.
    #[error("no realm `{0}`: name one of the router's realms")]
    NoSuchRealm(String),
    /// The realm has as many sessions as its limits allow.
    #[error("realm `{0}` is full: raise `Limits::sessions`")]
    RealmFull(String),
    /// The router is shut down.
    #[error("the router is shut down: nobody can join it any more")]
    ShutDown,
    /// The router was not reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke during the handshake.
    #[error("the connection broke before the session had joined")]
    Transport(#[from] TransportError),
    /// The router refused the session.
    #[error("the router aborted the session with `{reason}`: {message}")]
    Aborted {
        /// The URI of ABORT.
        reason: String,
        /// The text of ABORT, or nothing.
        message: String,
    },
    /// The router sent something that WAMP does not allow here.
    #[error("the router broke the protocol: {0}")]
    Protocol(String),
    /// The router did not answer in time.
    #[error("the router at `{0}` did not answer in time")]
    Timeout(String),
}

/// The reasons of ABORT that the next attempt would get, too, because they are about what the
/// peer asked for and not about the router's present state.
///
/// `wamp.error.authorization_failed` is not among them: with that a router says that it could not
/// find out.
const FINAL: [&str; 11] = [
    uri::AUTHENTICATION_FAILED,
    uri::NOT_AUTHORIZED,
    uri::NO_SUCH_REALM,
    uri::NO_MATCHING_AUTH_METHOD,
    uri::INVALID_URI,
    "wamp.error.authentication_denied",
    "wamp.error.authentication_required",
    "wamp.error.authorization_denied",
    "wamp.error.authorization_required",
    "wamp.error.no_such_principal",
    "wamp.error.no_such_role",
];

impl Error {
    /// Says whether joining there would fail every time.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Aborted { reason, .. } => FINAL.contains(&reason.as_str()),
            Self::Connect(ConnectError::Url { .. }) => true,
            _ => false,
        }
    }
}

/// The ERROR that answers a call or another request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{uri}`: {}", self.payload.args_json())]
pub struct CallError {
    /// Says what kind of error it is.
    pub uri: String,
    /// Says what happened, usually as one text in the arguments.
    pub payload: Payload,
}

impl CallError {
    /// Makes an error that carries one text.
    #[must_use]
    pub fn new(uri: impl Into<String>, message: &str) -> Self {
        Self { uri: uri.into(), payload: Payload::text(message) }
    }

    /// Makes the error of a request whose session has ended.
    pub(crate) fn ended(reason: &str) -> Self {
        Self::new(uri::SESSION_ENDED, &format!("the session has ended with `{reason}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aborted(reason: &str) -> Error {
        Error::Aborted { reason: reason.to_owned(), message: String::new() }
    }

    #[test]
    fn refused_logins_are_final_and_a_router_that_is_busy_or_gone_is_not() {
        for reason in ["wamp.error.authentication_failed", "wamp.error.no_such_realm"] {
            assert!(aborted(reason).is_final(), "{reason}");
        }
        for reason in [uri::RESOURCE_EXHAUSTED, uri::SYSTEM_SHUTDOWN, "com.example.unknown"] {
            assert!(!aborted(reason).is_final(), "{reason}");
        }
        // With that a router says that it could not find out who this is.
        assert!(!aborted(uri::AUTHORIZATION_FAILED).is_final());
        assert!(!Error::Timeout("ws://a".to_owned()).is_final());
        assert!(
            Error::from(ConnectError::Url { url: "x".to_owned(), reason: "no scheme" }).is_final()
        );
    }
}
