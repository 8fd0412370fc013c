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
