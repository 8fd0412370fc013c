//! WAMP-CRA: the peer signs a text with a secret that both ends know, or with a key that is
//! derived from it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use subtle::{Choice, ConstantTimeEq};

use super::crypto::{SecretError, hmac, pbkdf2, random_text};
use super::{AuthMethod, AuthRefused, Decoy, Identity};
use crate::{Dict, Value, uri};

/// What a client takes for granted that says a salt and nothing else, as autobahn-js does.
const DEFAULT_ITERATIONS: u32 = 1000;
const DEFAULT_KEYLEN: usize = 32;

/// How a WAMP-CRA key is derived from a password with PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CraCost {
    /// How often the hash function is applied.
    pub iterations: u32,
    /// How long the key is, in bytes.
    pub keylen: usize,
}

/// What a WAMP-CRA signature is checked against.
#[derive(Clone)]
pub struct CraSecret {
    pub(super) key: CraKey,
    pub(super) identity: Identity,
}

/// What a client's signature will be checked against.
pub(super) struct Pending {
    challenge: String,
    secret: CraSecret,
    is_known: Choice,
}

/// What a WAMP-CRA signature is made with, whoever makes it.
#[derive(Clone)]
pub(super) struct CraKey {
    /// One, or several of which each is right.
    secrets: Vec<Vec<u8>>,
    salt: Option<(String, CraCost)>,
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
        Self { key: CraKey::plain(secret), identity }
    }

    /// Makes the identity depend on a password, of which only a derived key is kept.
    ///
    /// The salt goes to whoever asks, as it is; [`CraSecret::random_salt`] draws one.
    ///
    /// # Errors
    /// When `iterations` or `keylen` is beyond what clients take.
    pub fn salted(
        password: &str,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
        identity: Identity,
    ) -> Result<Self, SecretError> {
        Ok(Self { key: CraKey::salted(password, salt, iterations, keylen)?, identity })
    }

    /// Makes the identity depend on a key that was derived before, as the base64 text that
    /// `derive_key` of the Autobahn libraries gives.
    #[must_use]
    pub fn derived(
        key: impl Into<Vec<u8>>,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
        identity: Identity,
    ) -> Self {
        Self { key: CraKey::derived(key, salt, iterations, keylen), identity }
    }

    /// Accepts another secret as well, as for a user with several logins; it is a key already if
    /// this one is.
    #[must_use]
    pub fn or(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.key.secrets.push(secret.into());
        self
    }

    /// Draws a salt that looks like those of unknown users.
    #[must_use]
    pub fn random_salt() -> String {
        random_text::<16>()
    }

    /// Makes a secret that nobody knows, of a user who does not exist.
    fn decoy(decoy: &Decoy, authid: &str, salt: [u8; 16]) -> Self {
        let identity = Identity::new(authid, &*decoy.authrole, &*decoy.authprovider);
        let salt = decoy.cra.map(|cost| (STANDARD.encode(salt), cost));
        let secrets = vec![random_text::<32>().into_bytes()];
        Self { key: CraKey { secrets, salt }, identity }
    }

    /// Says whether `signature` is that of `challenge`, in a time that tells nothing.
    fn verify(&self, challenge: &str, signature: &str) -> Choice {
        let mut right = Choice::from(0);
        for secret in &self.key.secrets {
            right |= sign(secret, challenge).as_bytes().ct_eq(signature.as_bytes());
        }
        right
    }
}

impl Pending {
    /// Begins with what is known of the user, or as if there were one.
    pub(super) fn new(
        session: u64,
        authid: &str,
        found: Option<CraSecret>,
        decoy: &Decoy,
        salt: [u8; 16],
    ) -> Self {
        let nobody = CraSecret::decoy(decoy, authid, salt);
        let is_known = Choice::from(u8::from(found.is_some()));
        let secret = found.unwrap_or(nobody);
        let challenge = json!({
            "authid": secret.identity.authid,
            "authrole": secret.identity.authrole,
            "authmethod": AuthMethod::Wampcra.name(),
            "authprovider": secret.identity.authprovider,
            "session": session,
            "nonce": random_text::<32>(),
            "timestamp": jiff::Timestamp::now().to_string(),
        })
        .to_string();
        Self { challenge, secret, is_known }
    }

    /// Returns what CHALLENGE carries.
    pub(super) fn extra(&self) -> Dict {
        let mut extra = Dict::from_iter([("challenge", self.challenge.as_str())]);
        if let Some((salt, cost)) = &self.secret.key.salt {
            extra.insert("salt", salt.as_str());
            extra.insert("iterations", cost.iterations);
            extra.insert("keylen", cost.keylen as u64);
        }
        extra
    }

    /// Checks the signature.
    pub(super) fn finish(self, signature: &str) -> Result<Identity, AuthRefused> {
        if (self.secret.verify(&self.challenge, signature) & self.is_known).into() {
            return Ok(self.secret.identity);
        }
        // The URI is that of the system whose browsers are served here; others send
        // `wamp.error.authentication_failed`.
        let reason = uri::NOT_AUTHORIZED.to_owned();
        Err(AuthRefused { reason, message: "WAMP-CRA signature is invalid".to_owned() })
    }
}

impl CraKey {
    pub(super) fn plain(secret: impl Into<Vec<u8>>) -> Self {
        Self { secrets: vec![secret.into()], salt: None }
    }

    pub(super) fn salted(
        password: &str,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
    ) -> Result<Self, SecretError> {
        let salt = salt.into();
        let key = derive(password, &salt, iterations, keylen)?;
        Ok(Self::derived(key, salt, iterations, keylen))
    }

    pub(super) fn derived(
        key: impl Into<Vec<u8>>,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
    ) -> Self {
        let salt = (salt.into(), CraCost { iterations, keylen });
        Self { secrets: vec![key.into()], salt: Some(salt) }
    }

    /// Returns how the key is derived, if it is.
    pub(super) fn cost(&self) -> Option<CraCost> {
        self.salt.as_ref().map(|(_, cost)| *cost)
    }
}

/// Answers a challenge as a client.
pub(super) fn answer(secret: &str, extra: &Dict) -> Result<String, String> {
    let Some(challenge) = extra.get("challenge").and_then(Value::as_str) else {
        return Err("CHALLENGE has no text `challenge` to sign".to_owned());
    };
    let Some(salt) = extra.get("salt").filter(|salt| **salt != Value::Null) else {
        return Ok(sign(secret.as_bytes(), challenge));
    };
    let salt = salt.as_str().ok_or("CHALLENGE's `salt` must be a text")?;
    let iterations = number(extra, "iterations")?.unwrap_or(DEFAULT_ITERATIONS);
    let keylen = number(extra, "keylen")?.unwrap_or(DEFAULT_KEYLEN);
    let key = derive(secret, salt, iterations, keylen)
        .map_err(|error| format!("CHALLENGE asks for too much or too little: {error}"))?;
    Ok(sign(key.as_bytes(), challenge))
}

/// Reads a number of CHALLENGE; `null` is none.
pub(super) fn number<N: TryFrom<u64>>(extra: &Dict, name: &str) -> Result<Option<N>, String> {
    let Some(value) = extra.get(name).filter(|value| **value != Value::Null) else {
        return Ok(None);
    };
    let number = value.as_u64().and_then(|number| N::try_from(number).ok());
    number.map(Some).ok_or_else(|| format!("CHALLENGE's `{name}` is no number of a sensible size"))
}

/// Derives the key, which is a base64 text.
fn derive(
    password: &str,
    salt: &str,
    iterations: u32,
    keylen: usize,
) -> Result<String, SecretError> {
    pbkdf2(password.as_bytes(), salt.as_bytes(), iterations, keylen).map(|key| STANDARD.encode(key))
}

/// Signs a challenge.
fn sign(secret: &[u8], challenge: &str) -> String {
    STANDARD.encode(hmac(secret, &[challenge.as_bytes()]))
}

#[cfg(test)]
mod tests;
