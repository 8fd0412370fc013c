//! The router's part of a login, as a value: HELLO in, CHALLENGE out, AUTHENTICATE in, identity
//! out.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::attempts::{Attempt, Attempts};
use super::decoy::Stranger;
use super::{AuthMethod, AuthRefused, Authenticator, Identity, cra, cryptosign, scram};
use crate::{Dict, Value, uri};

/// What HELLO says of who the peer is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelloAuth {
    pub(crate) authid: Option<String>,
    pub(crate) authmethods: Vec<String>,
    /// The role that the peer would like; WELCOME names the one that it has.
    pub(crate) authrole: Option<String>,
    pub(crate) authextra: Dict,
}

/// What the transport knows of a peer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeerContext {
    pub(crate) address: Option<IpAddr>,
    /// Identifies the TLS connection, if it ends in this process.
    pub(crate) channel_id: Option<[u8; 32]>,
}

/// What follows a HELLO.
#[derive(Debug)]
pub(crate) enum Step {
    /// The peer is known.
    Done(Authenticated),
    /// The peer has to answer a challenge.
    Challenge { method: AuthMethod, extra: Dict, exchange: Exchange },
}

/// A peer that has proven who it is.
#[derive(Debug, PartialEq)]
pub(crate) struct Authenticated {
    pub(crate) identity: Identity,
    pub(crate) method: AuthMethod,
    /// What WELCOME carries: that of the identity, and the router's own proof.
    pub(crate) authextra: Dict,
}

/// A challenge that waits for its answer.
pub(crate) struct Exchange {
    authenticator: Arc<dyn Authenticator>,
    attempt: Attempt,
    realm: String,
    method: AuthMethod,
    pending: Pending,
}

enum Pending {
    /// The name that the peer gave.
    Ticket(String),
    Cra(Box<cra::Pending>),
    Cryptosign(Box<cryptosign::Pending>),
    Scram(Box<scram::Pending>),
}

impl HelloAuth {
    /// Returns the name that the peer gives.
    pub(super) fn authid(&self) -> Result<&str, AuthRefused> {
        let missing = || AuthRefused::new("HELLO has no `authid`: say who you are");
        self.authid.as_deref().ok_or_else(missing)
    }

    /// Finds the peer's first choice among the methods that are offered; a peer that names none
    /// means to be anonymous.
    ///
    /// A choice whose fields are missing is only taken if no other is left: browsers name what
    /// they cannot do.
    fn method(&self, offered: &[AuthMethod]) -> Result<AuthMethod, AuthRefused> {
        let anonymous = [AuthMethod::Anonymous.name().to_owned()];
        let wanted: &[String] =
            if self.authmethods.is_empty() { &anonymous } else { &self.authmethods };
        let names = |method: &AuthMethod| wanted.iter().any(|name| name == method.name());
        let mut common = wanted
            .iter()
            .filter_map(|name| AuthMethod::named(name))
            .filter(|method| offered.iter().any(|offered| offered.is_same(*method)));
        let first = common.clone().next();
        match common.find(|method| self.suffices(*method)).or(first) {
            // Of its two names, that of the specification allows for more.
            Some(AuthMethod::Scram) if names(&AuthMethod::WampScram) => Ok(AuthMethod::WampScram),
            Some(method) => Ok(method),
            None => {
                let names: Vec<&str> = offered.iter().map(|method| method.name()).collect();
                let message = format!("no authentication method in common: offered are {names:?}");
                Err(AuthRefused { reason: uri::NO_MATCHING_AUTH_METHOD.to_owned(), message })
            }
        }
    }

    fn suffices(&self, method: AuthMethod) -> bool {
        let has = |name| self.authextra.get(name).and_then(Value::as_str).is_some();
        match method {
            AuthMethod::Anonymous => true,
            AuthMethod::Ticket | AuthMethod::Wampcra => self.authid.is_some(),
            AuthMethod::Cryptosign => has("pubkey"),
            AuthMethod::Scram | AuthMethod::WampScram => self.authid.is_some() && has("nonce"),
        }
    }
}

impl Exchange {
    /// Answers HELLO for what will be `session`, unless too many logins have failed.
    pub(crate) async fn begin(
        authenticator: &Arc<dyn Authenticator>,
        attempts: &Arc<Attempts>,
        peer: PeerContext,
        realm: &str,
        session: u64,
        hello: &HelloAuth,
    ) -> Result<Step, AuthRefused> {
        let method = hello.method(&authenticator.methods(realm))?;
        let authid = hello.authid.as_deref().filter(|_| method != AuthMethod::Anonymous);
        let attempt = attempts.attempt(authid, peer.address);
        attempt.admit()?;
        if method == AuthMethod::Anonymous {
            let identity = attempt.settle(authenticator.anonymous(realm).await)?;
            return Ok(Step::Done(Authenticated::new(identity, method, Dict::new())));
        }
        let opened = open(&**authenticator, method, peer, realm, session, hello).await;
        // An opened exchange has not ended yet: it neither counts nor clears.
        let (pending, extra) = match opened {
            Ok(opened) => opened,
            Err(refused) => return attempt.settle(Err(refused)),
        };
        let authenticator = Arc::clone(authenticator);
        let realm = realm.to_owned();
        let exchange = Self { authenticator, attempt, realm, method, pending };
        Ok(Step::Challenge { method, extra, exchange })
    }

    /// Answers AUTHENTICATE, unless too many logins have failed since.
    pub(crate) async fn finish(
        self,
        signature: &str,
        extra: &Dict,
    ) -> Result<Authenticated, AuthRefused> {
        let Self { authenticator, attempt, realm, method, pending } = self;
        attempt.admit()?;
        let nothing = Dict::new();
        let proven = match pending {
            Pending::Ticket(authid) => {
                let checked = authenticator.ticket(&authid, signature, &realm).await;
                checked.map(|identity| (identity, nothing))
            }
            Pending::Cra(pending) => pending.finish(signature).map(|found| (found, nothing)),
            Pending::Cryptosign(pending) => pending.finish(signature).map(|found| (found, nothing)),
            Pending::Scram(pending) => pending.finish(signature, extra),
        };
        let (identity, proof) = attempt.settle(proven)?;
        Ok(Authenticated::new(identity, method, proof))
    }
}

impl Authenticated {
    fn new(identity: Identity, method: AuthMethod, proof: Dict) -> Self {
        let mut authextra = identity.authextra.clone();
        for (name, value) in proof.iter() {
            authextra.insert(name, value.clone());
        }
        Self { identity, method, authextra }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realm, method, .. } = self;
        f.debug_struct("Exchange")
            .field("realm", realm)
            .field("method", method)
            .finish_non_exhaustive()
    }
}

/// Asks who the peer says it is, and makes a challenge of the same kind if there is no such user.
async fn open(
    authenticator: &dyn Authenticator,
    method: AuthMethod,
    peer: PeerContext,
    realm: &str,
    session: u64,
    hello: &HelloAuth,
) -> Result<(Pending, Dict), AuthRefused> {
    if method == AuthMethod::Cryptosign {
        let said = cryptosign::Hello::read(hello, peer.channel_id)?;
        let authid = hello.authid.as_deref();
        let identity = authenticator.public_key(authid, said.key(), realm).await?;
        let pending = cryptosign::Pending::new(said, identity);
        let extra = pending.extra();
        return Ok((Pending::Cryptosign(Box::new(pending)), extra));
    }
    let authid = hello.authid()?;
    if method == AuthMethod::Ticket {
        return Ok((Pending::Ticket(authid.to_owned()), Dict::new()));
    }
    // Made for everybody, so that it takes the same time for everybody.
    let stranger = Stranger::new(realm, authid);
    let decoy = authenticator.decoy(realm, stranger.choice);
    if method == AuthMethod::Wampcra {
        let found = authenticator.cra_secret(authid, realm).await?;
        let pending = cra::Pending::new(session, authid, found, &decoy, stranger.salt);
        let extra = pending.extra();
        return Ok((Pending::Cra(Box::new(pending)), extra));
    }
    let said = scram::Hello::read(hello, peer.channel_id)?;
    let found = authenticator.scram_secret(authid, realm).await?;
    let pending = scram::Pending::new(said, found, &decoy, stranger.salt);
    let extra = pending.extra();
    Ok((Pending::Scram(Box::new(pending)), extra))
}

#[cfg(test)]
mod tests;
