//! Cryptosign: the peer signs a random challenge with its Ed25519 key.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use subtle::{Choice, ConstantTimeEq};

use super::crypto::xor;
use super::exchange::HelloAuth;
use super::{AuthRefused, Identity, binding};
use crate::{Dict, Value};

/// What a client says at first.
#[derive(Debug)]
pub(super) struct Hello {
    key: VerifyingKey,
    channel_id: Option<[u8; 32]>,
}

/// What a client's signature will be checked against.
#[derive(Debug)]
pub(super) struct Pending {
    hello: Hello,
    challenge: [u8; 32],
    /// Nobody, if nobody has this key.
    identity: Option<Identity>,
}

impl Hello {
    pub(super) fn read(
        hello: &HelloAuth,
        channel_id: Option<[u8; 32]>,
    ) -> Result<Self, AuthRefused> {
        let key = hello.authextra.get("pubkey").and_then(Value::as_str);
        let key = key.and_then(bytes).and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let key = key.ok_or_else(|| {
            AuthRefused::new("HELLO's `authextra.pubkey` must be an Ed25519 key of 64 hex digits")
        })?;
        let channel_id = binding::wanted(&hello.authextra, channel_id)?;
        Ok(Self { key, channel_id })
    }

    pub(super) fn key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}

impl Pending {
    pub(super) fn new(hello: Hello, identity: Option<Identity>) -> Self {
        Self { hello, challenge: rand::random(), identity }
    }

    /// Returns what CHALLENGE carries.
    pub(super) fn extra(&self) -> Dict {
        let challenge = Value::from(hex::encode(self.challenge));
        let binding = binding::name(self.hello.channel_id);
        Dict::from_iter([("challenge", challenge), ("channel_binding", binding)])
    }

    /// Checks the signature, which is followed by what was signed.
    pub(super) fn finish(self, signed: &str) -> Result<Identity, AuthRefused> {
        let expected = bound(&self.challenge, self.hello.channel_id);
        let is_right = bytes::<96>(signed).is_some_and(|signed| {
            let (signature, message) = signed.split_at(64);
            let signature = Signature::from_slice(signature).expect("64 bytes are a signature");
            let is_signed = self.hello.key.verify_strict(&expected, &signature).is_ok();
            (Choice::from(u8::from(is_signed)) & message.ct_eq(&expected)).into()
        });
        let wrong = || AuthRefused::new("cryptosign signature is invalid");
        self.identity.filter(|_| is_right).ok_or_else(wrong)
    }
}

/// Returns what HELLO carries for a client with this private key.
pub(super) fn authextra(key: &[u8; 32], channel_id: Option<[u8; 32]>) -> Dict {
    let public = SigningKey::from_bytes(key).verifying_key();
    let public = Value::from(hex::encode(public.as_bytes()));
    Dict::from_iter([("pubkey", public), ("channel_binding", binding::name(channel_id))])
}

/// Answers a challenge as a client.
pub(super) fn answer(
    key: &[u8; 32],
    channel_id: Option<[u8; 32]>,
    extra: &Dict,
) -> Result<String, String> {
    let challenge = extra.get("challenge").and_then(Value::as_str).and_then(bytes);
    let challenge = challenge.ok_or("CHALLENGE has no `challenge` of 64 hex digits")?;
    if !binding::is_named(extra, channel_id) {
        return Err("CHALLENGE's `channel_binding` is not that of HELLO".to_owned());
    }
    let message = bound(&challenge, channel_id);
    let signature = SigningKey::from_bytes(key).sign(&message);
    Ok(hex::encode([&signature.to_bytes()[..], &message].concat()))
}

/// Binds a challenge to the TLS connection, if there is one to bind it to.
fn bound(challenge: &[u8; 32], channel_id: Option<[u8; 32]>) -> [u8; 32] {
    channel_id.map_or(*challenge, |id| xor(challenge, &id))
}

/// Reads bytes from hex digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests;
