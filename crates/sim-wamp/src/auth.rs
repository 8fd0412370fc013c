//! Who a peer is and what it may do: the two questions that a router asks its owner.

mod attempts;
mod binding;
mod client;
mod cra;
mod credentials;
mod crypto;
mod cryptosign;
mod decoy;
mod exchange;
mod scram;
mod static_users;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Caller, Dict, uri};

pub use attempts::AttemptLimits;
pub use cra::{CraCost, CraSecret};
pub use credentials::Credentials;
pub use crypto::SecretError;
pub use decoy::Decoy;
pub use scram::{ScramKdf, ScramKeys, ScramSecret};
pub use static_users::{StaticUser, StaticUsers};

pub(crate) use attempts::Attempts;
pub(crate) use client::ClientExchange;
pub(crate) use exchange::{Authenticated, Exchange, HelloAuth, PeerContext, Step};

/// One session of a realm, as its router knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The session's id, unique among the sessions of its realm.
    pub session: u64,
    /// Who the peer is.
    pub authid: Arc<str>,
    /// What kind of peer it is; rules are written per role.
    pub authrole: Arc<str>,
    /// How the peer proved who it is.
    pub authmethod: Arc<str>,
    /// Who vouched for the peer.
    pub authprovider: Arc<str>,
    /// The realm that the session has joined.
    pub realm: Arc<str>,
}

impl SessionInfo {
    /// Returns what is disclosed of the session to others.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            session: self.session,
            authid: Arc::clone(&self.authid),
            authrole: Arc::clone(&self.authrole),
        }
    }
}

/// A way to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// No proof at all.
    Anonymous,
    /// A password or token, sent as it is.
    Ticket,
    /// A signature with a shared secret, which stays secret.
    Wampcra,
    /// A signature with a key of the peer's own.
    Cryptosign,
    /// A password that stays secret, and that the router knows, too. To offer it is to offer
    /// [`AuthMethod::WampScram`] as well.
    Scram,
    /// The same by the name that the specification has for it; Autobahn and Crossbar have the
    /// other.
    WampScram,
}

impl AuthMethod {
    const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::Ticket,
        Self::Wampcra,
        Self::Cryptosign,
        Self::Scram,
        Self::WampScram,
    ];

    /// Returns the method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ticket => "ticket",
            Self::Wampcra => "wampcra",
            Self::Cryptosign => "cryptosign",
            Self::Scram => "scram",
            Self::WampScram => "wamp-scram",
        }
    }

    /// Finds the method of a name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Says whether two methods differ in nothing but their name.
    fn is_same(self, other: Self) -> bool {
        let is_scram = |method| matches!(method, Self::Scram | Self::WampScram);
        self == other || (is_scram(self) && is_scram(other))
    }
}

/// Who a peer turned out to be; WELCOME names this `authid`, whatever name the peer gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Who the peer is.
    pub authid: String,
    /// What kind of peer it is.
    pub authrole: String,
    /// Who vouched for it, such as `static` or `dynamic`.
    pub authprovider: String,
    /// What else WELCOME tells the peer.
    pub authextra: Dict,
}

impl Identity {
    /// Makes an identity without anything else.
    #[must_use]
    pub fn new(
        authid: impl Into<String>,
        authrole: impl Into<String>,
        authprovider: impl Into<String>,
    ) -> Self {
        Self {
            authid: authid.into(),
            authrole: authrole.into(),
            authprovider: authprovider.into(),
            authextra: Dict::new(),
        }
    }
}

/// A refused authentication: the reason and the text of the ABORT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("authentication refused with `{reason}`: {message}")]
pub struct AuthRefused {
    /// The URI of the ABORT.
    pub reason: String,
    /// The text of the ABORT, which the peer may read.
    pub message: String,
}

impl AuthRefused {
    /// Refuses with `wamp.error.authentication_failed`.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { reason: uri::AUTHENTICATION_FAILED.to_owned(), message: message.into() }
    }

    /// Refuses with `wamp.error.authorization_failed`, because it cannot be found out at the
    /// moment who the peer is. Such a login is not counted as a failed one, and agents try again.
    #[must_use]
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { reason: uri::AUTHORIZATION_FAILED.to_owned(), message: message.into() }
    }
}

/// Answers who a peer is; everything is refused until a method is overridden.
///
/// An unknown user is answered with `None` where there is that answer: its challenge then looks
/// like everybody's, takes the same time, and no answer to it is right. A refusal tells the peer
/// at once. Either way, and when a proof is wrong, a failed login is counted.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Returns the methods this authenticator offers in a realm; the peer's first choice among
    /// them is taken.
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        vec![AuthMethod::Cryptosign, AuthMethod::Scram, AuthMethod::Wampcra, AuthMethod::Ticket]
    }

    /// Answers who a peer is that proves nothing; only asked if `methods` offers that.
    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        Err(AuthRefused::new("anonymous sessions are not allowed here"))
    }

    /// Checks a ticket; it should take the same time for an unknown user as for a wrong ticket,
    /// and refuse both with the same text.
    async fn ticket(
        &self,
        _authid: &str,
        _ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        Err(AuthRefused::new("tickets are not accepted here"))
    }

    /// Finds the secret that a peer of this name must sign with.
    ///
    /// The challenge names the identity: where it is another authid than the peer gave, strangers
    /// learn that there is such a user.
    async fn cra_secret(
        &self,
        _authid: &str,
        _realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        Err(AuthRefused::new("signatures are not accepted here"))
    }

    /// Finds who has this public key of Ed25519; a peer that gives no name is known by it alone.
    async fn public_key(
        &self,
        _authid: Option<&str>,
        _key: &[u8; 32],
        _realm: &str,
    ) -> Result<Option<Identity>, AuthRefused> {
        Err(AuthRefused::new("keys are not accepted here"))
    }

    /// Finds the keys of the password that a peer of this name must know.
    async fn scram_secret(
        &self,
        _authid: &str,
        _realm: &str,
    ) -> Result<Option<ScramSecret>, AuthRefused> {
        Err(AuthRefused::new("SCRAM passwords are not accepted here"))
    }

    /// Returns what the WAMP-CRA and SCRAM challenges of unknown users look like: the same as
    /// those of the others. `choice` is always the same for the same name, and chooses among
    /// several looks.
    fn decoy(&self, _realm: &str, _choice: u64) -> Decoy {
        Decoy::default()
    }
}
