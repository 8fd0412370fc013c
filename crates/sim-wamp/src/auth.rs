//! Who a peer is and what it may do: the two questions that a router asks its owner.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{Caller, MatchPolicy, uri};

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
}

impl AuthMethod {
    /// Returns the method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ticket => "ticket",
            Self::Wampcra => "wampcra",
        }
    }
}

/// Who a peer turned out to be; WELCOME names this `authid`, whatever name the peer gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who the peer is.
    pub authid: String,
    /// What kind of peer it is.
    pub authrole: String,
    /// Who vouched for it, such as `static` or `dynamic`.
    pub authprovider: String,
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
}

/// What a WAMP-CRA signature is checked against.
pub struct CraSecret {
    secrets: Vec<Vec<u8>>,
    identity: Identity,
}

impl std::fmt::Debug for CraSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CraSecret").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl CraSecret {
    /// Makes the identity depend on one secret.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>, identity: Identity) -> Self {
        Self { secrets: vec![secret.into()], identity }
    }

    /// Accepts another secret as well, as for a user with several logins.
    #[must_use]
    pub fn or(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Returns who the peer is if its signature is right.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Says whether `signature` is that of `challenge`, in a time that tells nothing.
    pub(crate) fn verify(&self, challenge: &str, signature: &str) -> bool {
        let mut right = subtle::Choice::from(0);
        for secret in &self.secrets {
            right |= sign(secret, challenge).as_bytes().ct_eq(signature.as_bytes());
        }
        right.into()
    }
}

/// Signs a WAMP-CRA challenge.
pub(crate) fn sign(secret: &[u8], challenge: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(challenge.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Answers who a peer is; everything is refused until a method is overridden.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Returns the methods this authenticator offers in a realm; the peer's first choice among
    /// them is taken.
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        vec![AuthMethod::Wampcra, AuthMethod::Ticket, AuthMethod::Anonymous]
    }

    /// Answers who a peer is that proves nothing.
    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        Err(AuthRefused::new("anonymous sessions are not allowed here"))
    }

    /// Checks a ticket.
    async fn ticket(
        &self,
        _authid: &str,
        _ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        Err(AuthRefused::new("tickets are not accepted here"))
    }

    /// Finds the secret that a peer of this name must sign with.
    async fn cra_secret(&self, _authid: &str, _realm: &str) -> Result<CraSecret, AuthRefused> {
        Err(AuthRefused::new("signatures are not accepted here"))
    }
}

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
    ) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { authid: "4".into(), authrole: "browser".into(), authprovider: "x".into() }
    }

    #[test]
    fn signature_of_a_recorded_browser_is_right() {
        let challenge = concat!(
            r#"{"authid": "4", "authrole": "browser", "authmethod": "wampcra", "#,
            r#""authprovider": "dynamic", "session": 4477279358199008, "#,
            r#""nonce": "QFENNfltezGR6pEFzowY9nfrr9QHN+T1O7MvnO6CkKTDx1vybV67kfBLwsC6duC8", "#,
            r#""timestamp": "2026-11-22T07:12:20.293Z"}"#
        );
        let signature = "Ed57qBrjS0SCoTXac2qoaPtRs+FwVqmv5eDv5rFLKMI=";
        assert!(CraSecret::new("nopassword", identity()).verify(challenge, signature));
        assert!(CraSecret::new("other", identity()).or("nopassword").verify(challenge, signature));
        assert!(!CraSecret::new("nopassworD", identity()).verify(challenge, signature));
        assert!(!CraSecret::new("nopassword", identity()).verify(challenge, ""));
    }

    #[test]
    fn debug_text_hides_secrets() {
        let text = format!("{:?}", CraSecret::new("hush", identity()));
        assert!(!text.contains("hush") && !text.contains("104"), "{text}");
    }
}
