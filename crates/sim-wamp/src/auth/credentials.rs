//! What a client proves with who it is.

use std::fmt;

/// How a client proves who it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// Not at all.
    Anonymous,
    /// By a password or token.
    Ticket {
        /// Who the client says it is.
        authid: String,
        /// The password or token.
        ticket: String,
    },
    /// By a signature with a shared secret, with WAMP-CRA.
    Cra {
        /// Who the client says it is.
        authid: String,
        /// What it signs with.
        secret: String,
    },
    /// By a signature with a key of its own, with cryptosign.
    Cryptosign {
        /// Who the client says it is; the router knows it by the key, too.
        authid: Option<String>,
        /// The private key of Ed25519: the 32 bytes that RFC 8032 calls the seed.
        key: [u8; 32],
    },
    /// By a password that stays secret, with SCRAM, which the router has to know, too.
    Scram {
        /// Who the client says it is.
        authid: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, authid) = match self {
            Self::Anonymous => ("Anonymous", None),
            Self::Ticket { authid, .. } => ("Ticket", Some(authid)),
            Self::Cra { authid, .. } => ("Cra", Some(authid)),
            Self::Cryptosign { authid, .. } => ("Cryptosign", authid.as_ref()),
            Self::Scram { authid, .. } => ("Scram", Some(authid)),
        };
        f.debug_struct(name).field("authid", &authid).finish_non_exhaustive()
    }
}
