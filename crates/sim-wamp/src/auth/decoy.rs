//! The challenges of users who do not exist: they look like everybody's, so that nobody learns
//! who exists.

use std::sync::LazyLock;

use super::crypto::hmac;
use super::{CraCost, ScramKdf};

/// What the challenge of an unknown user looks like.
///
/// The salts are 16 bytes that are always the same for the same name, as long as the process
/// runs; the challenges of real users look no different if their salts come from
/// [`CraSecret::random_salt`](crate::CraSecret::random_salt) and
/// [`ScramKeys::from_password`](crate::ScramKeys::from_password).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoy {
    /// The role that a WAMP-CRA challenge names.
    pub authrole: String,
    /// The provider that a WAMP-CRA challenge names.
    pub authprovider: String,
    /// How WAMP-CRA keys are derived, if they are.
    pub cra: Option<CraCost>,
    /// How SCRAM keys are derived.
    pub scram: ScramKdf,
}

impl Default for Decoy {
    /// A `user` whose provider is `static`, whose WAMP-CRA secret has no salt, and whose SCRAM
    /// keys come from [`ScramKeys::from_password`](crate::ScramKeys::from_password).
    fn default() -> Self {
        Self {
            authrole: "user".to_owned(),
            authprovider: "static".to_owned(),
            cra: None,
            scram: ScramKdf::default(),
        }
    }
}

/// What is always the same for a stranger who gives this name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stranger {
    /// What an authenticator chooses among several looks by.
    pub(super) choice: u64,
    pub(super) salt: [u8; 16],
}

impl Stranger {
    pub(super) fn new(realm: &str, authid: &str) -> Self {
        static KEY: LazyLock<[u8; 32]> = LazyLock::new(rand::random);
        // No URI has a NUL, so that no two pairs are one text.
        let bytes = hmac(&*KEY, &[realm.as_bytes(), b"\0", authid.as_bytes()]);
        let (choice, rest) = bytes.split_first_chunk().expect("32 bytes have 8 at the start");
        let salt = *rest.first_chunk().expect("24 bytes have 16 at the start");
        Self { choice: u64::from_le_bytes(*choice), salt }
    }
}
