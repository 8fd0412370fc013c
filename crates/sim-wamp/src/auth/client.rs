//! The client's part of a login, as a value: HELLO out, CHALLENGE in, AUTHENTICATE out, WELCOME
//! in.

use std::fmt;

use super::exchange::HelloAuth;
use super::{AuthMethod, Credentials, cra, cryptosign, scram};
use crate::Dict;

/// A client that logs in.
pub(crate) struct ClientExchange {
    proof: Proof,
    has_answered: bool,
}

enum Proof {
    Anonymous,
    Ticket(String),
    Cra(String),
    Cryptosign { key: [u8; 32], channel_id: Option<[u8; 32]> },
    Scram(scram::Client),
}

impl ClientExchange {
    /// Begins a login, and returns what HELLO says of it.
    ///
    /// With a `channel_id` the proofs of cryptosign and SCRAM hold on this TLS connection only,
    /// and routers that cannot do that refuse them.
    pub(crate) fn begin(
        credentials: &Credentials,
        channel_id: Option<[u8; 32]>,
    ) -> (Self, HelloAuth) {
        let mut authextra = Dict::new();
        let (proof, authid) = match credentials {
            Credentials::Anonymous => (Proof::Anonymous, None),
            Credentials::Ticket { authid, ticket } => {
                (Proof::Ticket(ticket.clone()), Some(authid.clone()))
            }
            Credentials::Cra { authid, secret } => {
                (Proof::Cra(secret.clone()), Some(authid.clone()))
            }
            Credentials::Cryptosign { authid, key } => {
                authextra = cryptosign::authextra(key, channel_id);
                (Proof::Cryptosign { key: *key, channel_id }, authid.clone())
            }
            Credentials::Scram { authid, password } => {
                let client = scram::Client::new(authid, password, channel_id);
                authextra = client.authextra();
                let authid = client.authid().to_owned();
                (Proof::Scram(client), Some(authid))
            }
        };
        let authmethods = proof.methods().iter().map(|method| method.name().to_owned()).collect();
        let hello = HelloAuth { authid, authmethods, authrole: None, authextra };
        (Self { proof, has_answered: false }, hello)
    }

    /// Answers CHALLENGE with the signature and the fields of AUTHENTICATE, or says what is wrong
    /// with it.
    ///
    /// Deriving a key from a password takes as long as the router wants, which is some seconds at
    /// most.
    pub(crate) fn answer(&mut self, method: &str, extra: &Dict) -> Result<(String, Dict), String> {
        let Some(method) = self.proof.methods().iter().find(|known| known.name() == method) else {
            return Err(format!("the router wants `{method}`, which was not offered to it"));
        };
        if std::mem::replace(&mut self.has_answered, true) {
            return Err("the router sent a second CHALLENGE".to_owned());
        }
        let signature = match &mut self.proof {
            Proof::Anonymous => return Err("the router wants a proof from nobody".to_owned()),
            Proof::Ticket(ticket) => ticket.clone(),
            Proof::Cra(secret) => cra::answer(secret, extra)?,
            Proof::Cryptosign { key, channel_id } => cryptosign::answer(key, *channel_id, extra)?,
            Proof::Scram(client) => return client.answer(*method, extra),
        };
        Ok((signature, Dict::new()))
    }

    /// Checks WELCOME, or says why it is not to be trusted.
    pub(crate) fn welcomed(&self, authextra: &Dict) -> Result<(), String> {
        match &self.proof {
            Proof::Scram(client) => client.welcomed(authextra),
            _ => Ok(()),
        }
    }
}

impl Proof {
    fn methods(&self) -> &'static [AuthMethod] {
        match self {
            Self::Anonymous => &[AuthMethod::Anonymous],
            Self::Ticket(_) => &[AuthMethod::Ticket],
            Self::Cra(_) => &[AuthMethod::Wampcra],
            Self::Cryptosign { .. } => &[AuthMethod::Cryptosign],
            // Crossbar refuses whoever names a method that it does not know before one that it
            // does.
            Self::Scram(_) => &[AuthMethod::Scram, AuthMethod::WampScram],
        }
    }
}

impl fmt::Debug for ClientExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.proof.methods().iter().map(|method| method.name()).collect();
        f.debug_struct("ClientExchange").field("methods", &names).finish_non_exhaustive()
    }
}
