//! The router's part of SCRAM.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::Choice;

use super::{Binding, Conversation, ScramKeys, ScramSecret};
use crate::auth::crypto::random_text;
use crate::auth::exchange::HelloAuth;
use crate::auth::{AuthRefused, Decoy, Identity, binding};
use crate::{Dict, Value};

/// How long a client's nonce is at most.
const LONGEST_NONCE: usize = 256;

/// What a client says at first.
#[derive(Debug)]
pub(in crate::auth) struct Hello {
    authid: String,
    nonce: String,
    channel_id: Option<[u8; 32]>,
}

/// What a client's proof will be checked against.
#[derive(Debug)]
pub(in crate::auth) struct Pending {
    hello: Hello,
    keys: ScramKeys,
    /// Nobody, if there is no such user.
    identity: Option<Identity>,
    nonce: String,
}

impl Hello {
    pub(in crate::auth) fn read(
        hello: &HelloAuth,
        channel_id: Option<[u8; 32]>,
    ) -> Result<Self, AuthRefused> {
        let authid = hello.authid()?.to_owned();
        let nonce = hello.authextra.get("nonce").and_then(Value::as_str).unwrap_or_default();
        let is_plain = nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        if nonce.is_empty() || nonce.len() > LONGEST_NONCE || !is_plain {
            return Err(AuthRefused::new("HELLO's `authextra.nonce` must be a text in base64"));
        }
        let channel_id = binding::wanted(&hello.authextra, channel_id)?;
        Ok(Self { authid, nonce: nonce.to_owned(), channel_id })
    }
}

impl Pending {
    /// Begins with what is known of the user, or as if there were one.
    pub(in crate::auth) fn new(
        hello: Hello,
        found: Option<ScramSecret>,
        decoy: &Decoy,
        salt: [u8; 16],
    ) -> Self {
        let decoy = ScramKeys::decoy(decoy, salt);
        let (keys, identity) = match found {
            Some(secret) => (secret.keys, Some(secret.identity)),
            None => (decoy, None),
        };
        let nonce = format!("{}{}", hello.nonce, random_text::<24>());
        Self { hello, keys, identity, nonce }
    }

    /// Returns what CHALLENGE carries; Autobahn|Python takes no field that it does not know.
    pub(in crate::auth) fn extra(&self) -> Dict {
        let kdf = self.keys.kdf;
        let mut extra = Dict::from_iter([
            ("nonce", Value::from(self.nonce.as_str())),
            ("salt", STANDARD.encode(&self.keys.salt).into()),
            ("kdf", kdf.name().into()),
            ("iterations", kdf.iterations().into()),
        ]);
        if let Some(memory) = kdf.memory() {
            extra.insert("memory", memory);
        }
        extra
    }

    /// Checks the client's proof, and returns the router's.
    pub(in crate::auth) fn finish(
        self,
        proof: &str,
        extra: &Dict,
    ) -> Result<(Identity, Dict), AuthRefused> {
        let binding = self.binding(extra)?;
        let wrong = || AuthRefused::new("SCRAM proof is invalid");
        let proof = STANDARD.decode(proof).ok().and_then(|proof| <[u8; 32]>::try_from(proof).ok());
        let proof = proof.ok_or_else(wrong)?;
        let message = Conversation {
            authid: &self.hello.authid,
            client_nonce: &self.hello.nonce,
            nonce: &self.nonce,
            salt: &STANDARD.encode(&self.keys.salt),
            iterations: self.keys.kdf.iterations(),
            binding,
        };
        let (is_right, verifier) = self.keys.check(&message.to_string(), &proof);
        let is_known = Choice::from(u8::from(self.identity.is_some()));
        let identity = self.identity.filter(|_| (is_right & is_known).into()).ok_or_else(wrong)?;
        let verifier = STANDARD.encode(verifier);
        // The names of the specification, and of Autobahn|Python.
        let names = ["verifier", "scram_server_signature"];
        Ok((identity, Dict::from_iter(names.map(|name| (name, verifier.as_str())))))
    }

    /// Finds out what the client has proven the login to be bound to.
    fn binding(&self, extra: &Dict) -> Result<Binding, AuthRefused> {
        let Some(nonce) = extra.get("nonce") else {
            // Autobahn|Python sends no fields at all, and knows of no binding.
            return match self.hello.channel_id {
                None => Ok(Binding::Autobahn),
                Some(_) => Err(AuthRefused::new("AUTHENTICATE has no `nonce`")),
            };
        };
        if nonce.as_str() != Some(&self.nonce) {
            return Err(AuthRefused::new("AUTHENTICATE's `nonce` is not that of CHALLENGE"));
        }
        let channel_id = self.hello.channel_id;
        let data = extra.get("cbind_data").and_then(Value::as_str);
        let data = data.and_then(|data| STANDARD.decode(data).ok());
        let is_same = binding::is_named(extra, channel_id)
            && channel_id.is_none_or(|id| data.is_some_and(|data| data == id));
        if !is_same {
            return Err(AuthRefused::new("AUTHENTICATE's channel binding is not that of HELLO"));
        }
        Ok(channel_id.map_or(Binding::None, Binding::TlsExporter))
    }
}
