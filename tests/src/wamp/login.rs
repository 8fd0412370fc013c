//! The opening handshake: HELLO, perhaps CHALLENGE and AUTHENTICATE, WELCOME or ABORT.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::messages::code;
use super::{Received, Wamp};

/// Who logs in, and how.
#[derive(Debug, Clone, Copy)]
pub enum Login<'a> {
    /// Nobody in particular.
    Anonymous,
    /// E-mail or user id with the password.
    Ticket {
        /// The name.
        authid: &'a str,
        /// The password.
        ticket: &'a str,
    },
    /// User id with a shared secret, as the stock browser does.
    Cra {
        /// The user id.
        authid: &'a str,
        /// The secret the challenge is signed with.
        secret: &'a str,
    },
}

/// What the router said at the welcome.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The session's id.
    pub session: u64,
    /// Who the router takes us for.
    pub authid: String,
    /// All it said.
    pub details: Value,
}

/// An ABORT.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The reason's URI.
    pub reason: String,
    /// The text for people.
    pub message: String,
}

impl Wamp {
    /// Logs in on an open connection, in another realm than the URL's if one is given.
    ///
    /// # Errors
    /// When the router breaks the protocol; a refusal is an answer like another.
    pub async fn hello(
        &mut self,
        realm: Option<&str>,
        login: Login<'_>,
    ) -> Result<Result<Welcome, Refused>> {
        let realm = realm.unwrap_or(&self.realm);
        self.send(&json!([code::HELLO, realm, hello_details(login)])).await?;
        let mut frame = self.frame().await?;
        if frame[0] == code::CHALLENGE {
            let signature = respond(&frame, login)?;
            self.send(&json!([code::AUTHENTICATE, signature, {}])).await?;
            frame = self.frame().await?;
        }
        let answer = read_answer(&frame).with_context(|| format!("in the frame {frame}"))?;
        self.welcome = answer.as_ref().ok().cloned();
        Ok(answer)
    }

    async fn frame(&mut self) -> Result<Value> {
        match self.receive().await? {
            Received::Frame(frame) => Ok(frame),
            Received::Closed(code) => bail!("closed ({code:?}) during the handshake"),
        }
    }
}

/// What the stock browser says of itself, with the method and name of this login.
fn hello_details(login: Login<'_>) -> Value {
    let mut details = json!({"roles": {
        "caller": {"features": {"caller_identification": true, "progressive_call_results": true}},
        "callee": {"features": {"pattern_based_registration": true}},
        "publisher": {"features": {"publisher_identification": true, "publisher_exclusion": true}},
        "subscriber": {"features": {"pattern_based_subscription": true}},
    }});
    let (method, authid) = match login {
        Login::Anonymous => ("anonymous", None),
        Login::Ticket { authid, .. } => ("ticket", Some(authid)),
        Login::Cra { authid, .. } => ("wampcra", Some(authid)),
    };
    details["authmethods"] = json!([method]);
    if let Some(authid) = authid {
        details["authid"] = json!(authid);
    }
    details
}

fn respond(challenge: &Value, login: Login<'_>) -> Result<String> {
    let method = challenge[1].as_str().context("the challenge names no method")?;
    match login {
        Login::Ticket { ticket, .. } if method == "ticket" => Ok(ticket.to_owned()),
        Login::Cra { secret, .. } if method == "wampcra" => {
            let extra = &challenge[2];
            // A stock browser would derive a key from the salt and then throw it away.
            ensure!(extra.get("salt").is_none(), "the challenge has a salt");
            sign(secret, extra["challenge"].as_str().context("no challenge in the challenge")?)
        }
        other => bail!("a challenge of method `{method}` for {other:?}"),
    }
}

fn sign(secret: &str, challenge: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(challenge.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

fn read_answer(frame: &Value) -> Result<Result<Welcome, Refused>> {
    match frame[0].as_u64() {
        Some(code::WELCOME) => {
            let details = frame[2].clone();
            for role in ["broker", "dealer"] {
                ensure!(details["roles"][role].is_object(), "the role `{role}` is missing");
            }
            let session = frame[1].as_u64().context("the session is no id")?;
            let authid = details["authid"].as_str().context("no authid")?.to_owned();
            Ok(Ok(Welcome { session, authid, details }))
        }
        Some(code::ABORT) => Ok(Err(Refused {
            reason: frame[2].as_str().context("the reason is no URI")?.to_owned(),
            message: frame[1]["message"].as_str().unwrap_or_default().to_owned(),
        })),
        _ => bail!("neither WELCOME nor ABORT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_signed_as_the_specification_says() {
        // The second test case of RFC 4231.
        let signature = sign("Jefe", "what do ya want for nothing?").unwrap();
        assert_eq!(signature, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }

    #[test]
    fn a_salted_challenge_is_refused() {
        let challenge = json!([4, "wampcra", {"challenge": "{}", "salt": "x"}]);
        assert!(respond(&challenge, Login::Cra { authid: "1", secret: "s" }).is_err());
    }
}
