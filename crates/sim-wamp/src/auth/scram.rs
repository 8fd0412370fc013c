//! SCRAM: both ends prove that they know a password, and neither shows it.
//!
//! There are two ways to speak it. The specification calls it `wamp-scram`; Autobahn|Python and
//! Crossbar call it `scram`, and differ in what is proven and in how Argon2 is used.

mod client;
mod server;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::binding::TLS_EXPORTER;
use super::crypto::{PBKDF2_MOST, SecretError, argon2id, bounded, hmac, pbkdf2, prepared, xor};
use super::{Decoy, Identity};

pub(super) use client::Client;
pub(super) use server::{Hello, Pending};

/// The least iterations of PBKDF2 that RFC 7677 takes.
const PBKDF2_LEAST: u64 = 4096;

/// How a SCRAM key is derived from a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScramKdf {
    /// PBKDF2-HMAC-SHA-256, which Autobahn|Python knows by name but fails to compute.
    Pbkdf2 {
        /// How often the hash function is applied.
        iterations: u32,
    },
    /// Argon2id as the specification has it, called `argon2id13`.
    Argon2id {
        /// How often the memory is walked over.
        iterations: u32,
        /// The memory, in KiB.
        memory: u32,
    },
    /// Argon2id as Autobahn|Python and Crossbar have it, called `argon2id-13`; the keys of
    /// Autobahn's `derive_scram_credential` are of this kind.
    AutobahnArgon2id {
        /// How often the memory is walked over.
        iterations: u32,
        /// The memory, in KiB.
        memory: u32,
    },
}

/// What a router keeps of a SCRAM password: nobody can log in with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// How the keys were derived.
    pub kdf: ScramKdf,
    /// What the password was salted with.
    pub salt: Vec<u8>,
    /// What a client's proof is checked against.
    pub stored_key: [u8; 32],
    /// What the router's own proof is made with.
    pub server_key: [u8; 32],
}

/// What a SCRAM proof is checked against.
#[derive(Debug, Clone)]
pub struct ScramSecret {
    keys: ScramKeys,
    identity: Identity,
}

/// What binds a login to the connection, as both ends prove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binding {
    /// Nothing, as Autobahn|Python writes it.
    Autobahn,
    /// Nothing, as the specification has it.
    None,
    /// The TLS connection.
    TlsExporter([u8; 32]),
}

/// What both ends have said, and prove that they have.
#[derive(Debug, Clone, Copy)]
struct Conversation<'a> {
    authid: &'a str,
    client_nonce: &'a str,
    nonce: &'a str,
    /// In base64.
    salt: &'a str,
    iterations: u32,
    binding: Binding,
}

impl Default for ScramKdf {
    /// PBKDF2 with 100,000 iterations.
    fn default() -> Self {
        Self::Pbkdf2 { iterations: 100_000 }
    }
}

impl ScramKdf {
    const fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2 { .. } => "pbkdf2",
            Self::Argon2id { .. } => "argon2id13",
            Self::AutobahnArgon2id { .. } => "argon2id-13",
        }
    }

    const fn iterations(self) -> u32 {
        match self {
            Self::Pbkdf2 { iterations }
            | Self::Argon2id { iterations, .. }
            | Self::AutobahnArgon2id { iterations, .. } => iterations,
        }
    }

    const fn memory(self) -> Option<u32> {
        match self {
            Self::Pbkdf2 { .. } => None,
            Self::Argon2id { memory, .. } | Self::AutobahnArgon2id { memory, .. } => Some(memory),
        }
    }

    /// Derives what all keys are made of.
    fn salted_password(self, password: &str, salt: &[u8]) -> Result<Vec<u8>, SecretError> {
        let prepared = prepared(password);
        let prepared = prepared.as_bytes();
        Ok(match self {
            Self::Pbkdf2 { iterations } => {
                bounded("iterations", u64::from(iterations), &(PBKDF2_LEAST..=PBKDF2_MOST))?;
                pbkdf2(prepared, salt, iterations, 32)?
            }
            Self::Argon2id { iterations, memory } => {
                argon2id(prepared, salt, iterations, memory)?.to_vec()
            }
            // Autobahn takes the password as it is, and the text of the hash for the hash.
            Self::AutobahnArgon2id { iterations, memory } => {
                let hash = argon2id(password.as_bytes(), salt, iterations, memory)?;
                STANDARD_NO_PAD.encode(hash).into_bytes()
            }
        })
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").field("kdf", &self.kdf).finish_non_exhaustive()
    }
}

impl ScramKeys {
    /// Derives keys from a password with the default [`ScramKdf`] and a random salt of 16 bytes.
    #[must_use]
    pub fn from_password(password: &str) -> Self {
        let salt: [u8; 16] = rand::random();
        Self::derive(password, ScramKdf::default(), salt).expect("the default is within the bounds")
    }

    /// Derives keys from a password, which takes a while.
    ///
    /// # Errors
    /// When the parameters are beyond what clients take.
    pub fn derive(
        password: &str,
        kdf: ScramKdf,
        salt: impl Into<Vec<u8>>,
    ) -> Result<Self, SecretError> {
        let salt = salt.into();
        let (client_key, server_key) = keys(&kdf.salted_password(password, &salt)?);
        Ok(Self { kdf, salt, stored_key: stored_key(&client_key), server_key })
    }

    /// Makes keys that nobody has the password of.
    pub(super) fn decoy(decoy: &Decoy, salt: [u8; 16]) -> Self {
        let [stored_key, server_key] = rand::random();
        Self { kdf: decoy.scram, salt: salt.to_vec(), stored_key, server_key }
    }

    /// Says whether a client's proof of `message` is right, in a time that tells nothing, and
    /// returns the router's proof.
    fn check(&self, message: &str, proof: &[u8; 32]) -> (Choice, [u8; 32]) {
        let message = [message.as_bytes()];
        let client_key = xor(proof, &hmac(&self.stored_key, &message));
        let is_right = stored_key(&client_key).ct_eq(&self.stored_key);
        (is_right, hmac(&self.server_key, &message))
    }
}

impl ScramSecret {
    /// Makes the identity depend on a password; see [`ScramKeys::from_password`].
    #[must_use]
    pub fn from_password(password: &str, identity: Identity) -> Self {
        Self::from_keys(ScramKeys::from_password(password), identity)
    }

    /// Makes the identity depend on a password whose keys were derived before.
    #[must_use]
    pub fn from_keys(keys: ScramKeys, identity: Identity) -> Self {
        Self { keys, identity }
    }
}

impl Binding {
    /// Returns what the login is bound to, in the terms of RFC 5802.
    fn text(self) -> String {
        match self {
            Self::Autobahn => String::new(),
            Self::None => STANDARD.encode("n,,"),
            Self::TlsExporter(id) => {
                STANDARD.encode([format!("p={TLS_EXPORTER},,").as_bytes(), &id].concat())
            }
        }
    }
}

impl fmt::Display for Conversation<'_> {
    /// Writes what RFC 5802 calls the `AuthMessage`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_nonce, nonce, salt, iterations, .. } = self;
        let mut name = prepared(self.authid).into_owned();
        if self.binding != Binding::Autobahn {
            name = name.replace('=', "=3D").replace(',', "=2C");
        }
        let binding = self.binding.text();
        write!(f, "n={name},r={client_nonce},r={nonce},s={salt},i={iterations},")?;
        write!(f, "c={binding},r={nonce}")
    }
}

/// Makes the client's and the server's key.
fn keys(salted_password: &[u8]) -> ([u8; 32], [u8; 32]) {
    (hmac(salted_password, &[b"Client Key"]), hmac(salted_password, &[b"Server Key"]))
}

fn stored_key(client_key: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(client_key).into()
}

#[cfg(test)]
mod tests;
