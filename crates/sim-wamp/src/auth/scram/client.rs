//! The client's part of SCRAM.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use super::{Binding, Conversation, ScramKdf, keys, stored_key};
use crate::auth::cra::number;
use crate::auth::crypto::{hmac, prepared, random_text, xor};
use crate::auth::{AuthMethod, binding};
use crate::{Dict, Value};

/// A client that proves to know a password.
pub(in crate::auth) struct Client {
    authid: String,
    password: String,
    nonce: String,
    channel_id: Option<[u8; 32]>,
    /// What the router has to prove in turn.
    pub(super) verifier: Option<[u8; 32]>,
}

impl Client {
    pub(in crate::auth) fn new(authid: &str, password: &str, channel_id: Option<[u8; 32]>) -> Self {
        Self {
            authid: prepared(authid).into_owned(),
            password: password.to_owned(),
            // Some routers append bytes and others texts: a multiple of three bytes, whose text
            // has no padding, is what both then begin with.
            nonce: random_text::<24>(),
            channel_id,
            verifier: None,
        }
    }

    /// Returns the name as HELLO gives it.
    pub(in crate::auth) fn authid(&self) -> &str {
        &self.authid
    }

    /// Returns what HELLO carries.
    pub(in crate::auth) fn authextra(&self) -> Dict {
        let nonce = Value::from(self.nonce.as_str());
        Dict::from_iter([("nonce", nonce), ("channel_binding", binding::name(self.channel_id))])
    }

    /// Answers a challenge.
    pub(in crate::auth) fn answer(
        &mut self,
        method: AuthMethod,
        extra: &Dict,
    ) -> Result<(String, Dict), String> {
        let binding = match (method, self.channel_id) {
            (AuthMethod::WampScram, None) => Binding::None,
            (AuthMethod::WampScram, Some(id)) => Binding::TlsExporter(id),
            (_, None) => Binding::Autobahn,
            (_, Some(_)) => {
                return Err("the router cannot bind the login to the TLS connection".to_owned());
            }
        };
        let nonce = text(extra, "nonce")?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err("CHALLENGE's `nonce` does not continue that of HELLO".to_owned());
        }
        let salt = text(extra, "salt")?;
        let kdf = kdf(extra)?;
        let salt_bytes = STANDARD.decode(salt).map_err(|_| "CHALLENGE's `salt` is no base64")?;
        let salted_password = kdf
            .salted_password(&self.password, &salt_bytes)
            .map_err(|error| format!("CHALLENGE asks for too much or too little: {error}"))?;
        let (client_key, server_key) = keys(&salted_password);
        let message = Conversation {
            authid: &self.authid,
            client_nonce: &self.nonce,
            nonce,
            salt,
            iterations: kdf.iterations(),
            binding,
        }
        .to_string();
        let message = [message.as_bytes()];
        self.verifier = Some(hmac(&server_key, &message));
        let proof = xor(&client_key, &hmac(&stored_key(&client_key), &message));
        Ok((STANDARD.encode(proof), self.said(nonce)))
    }

    /// Checks that the router knows the password, too.
    pub(in crate::auth) fn welcomed(&self, authextra: &Dict) -> Result<(), String> {
        let proof = ["verifier", "scram_server_signature"]
            .iter()
            .find_map(|name| authextra.get(name).and_then(Value::as_str))
            .ok_or("WELCOME does not prove that the router knows the password")?;
        // The example of the specification has the mark of RFC 5802 before the base64.
        let proof = STANDARD.decode(proof.strip_prefix("v=").unwrap_or(proof)).unwrap_or_default();
        match self.verifier {
            Some(verifier) if proof.ct_eq(&verifier).into() => Ok(()),
            _ => Err("the router does not know the password: its proof is wrong".to_owned()),
        }
    }

    /// Returns what AUTHENTICATE carries besides the proof.
    fn said(&self, nonce: &str) -> Dict {
        let data = self.channel_id.map_or(Value::Null, |id| STANDARD.encode(id).into());
        Dict::from_iter([
            ("nonce", Value::from(nonce)),
            ("channel_binding", binding::name(self.channel_id)),
            ("cbind_data", data),
        ])
    }
}

/// Reads how the router wants the key to be derived.
fn kdf(extra: &Dict) -> Result<ScramKdf, String> {
    let required = |name| number(extra, name)?.ok_or(format!("CHALLENGE has no `{name}`"));
    let iterations = required("iterations")?;
    match text(extra, "kdf")? {
        "pbkdf2" => Ok(ScramKdf::Pbkdf2 { iterations }),
        "argon2id13" => Ok(ScramKdf::Argon2id { iterations, memory: required("memory")? }),
        "argon2id-13" => Ok(ScramKdf::AutobahnArgon2id { iterations, memory: required("memory")? }),
        other => Err(format!("CHALLENGE asks for the unknown key derivation `{other}`")),
    }
}

fn text<'a>(extra: &'a Dict, name: &str) -> Result<&'a str, String> {
    let text = extra.get(name).and_then(Value::as_str);
    text.ok_or_else(|| format!("CHALLENGE has no text `{name}`"))
}
