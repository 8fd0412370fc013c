//! A player that costs little: messages are looked at as text and never parsed into values.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::socket::{Endpoint, Socket};

/// The actions of a scope that the stock page follows.
const ACTIONS: [&str; 3] = ["add_child", "update_child", "remove_child"];

/// The secret of logins under `--legacy-auth`.
const LEGACY_SECRET: &[u8] = b"nopassword";

/// One logged-in session.
#[derive(Debug)]
pub(super) struct Player {
    socket: Socket,
    next_request: u64,
    /// The newest period that was announced to this player.
    pub(super) period: u64,
}

/// What one message means to the generator.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// The answer `ok` to the request of this number.
    Ok(u64),
    /// A decision with its operand.
    Decision(f64),
    /// A new period.
    Period(u64),
    /// An event of another kind.
    OtherEvent,
    /// Anything else.
    Other,
}

impl Player {
    /// Logs in with the password that all seeded players have.
    pub(super) async fn login(endpoint: &Endpoint, email: &str) -> Result<Self> {
        let (mut player, _) = Self::hello(endpoint, "ticket", email).await?;
        let ticket = email.split('@').next().unwrap_or_default();
        player.authenticate(ticket).await?;
        Ok(player)
    }

    /// Logs in without a password, as `--legacy-auth` lets every user do who plays: checking
    /// thousands of passwords takes minutes.
    pub(super) async fn login_legacy(endpoint: &Endpoint, user: u64) -> Result<Self> {
        let (mut player, text) = Self::hello(endpoint, "wampcra", &user.to_string()).await?;
        let message: Value = serde_json::from_str(&text).context("reading the challenge")?;
        let challenge = message[2]["challenge"].as_str().context("no challenge")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(LEGACY_SECRET)?;
        mac.update(challenge.as_bytes());
        player.authenticate(&BASE64_STANDARD.encode(mac.finalize().into_bytes())).await?;
        Ok(player)
    }

    /// Connects and says who this is; gives the challenge.
    async fn hello(endpoint: &Endpoint, method: &str, authid: &str) -> Result<(Self, String)> {
        let socket = Socket::open(endpoint, None).await?;
        let mut player = Self { socket, next_request: 0, period: 0 };
        let roles = json!({"caller": {}, "subscriber": {}});
        let hello = json!({"roles": roles, "authmethods": [method], "authid": authid});
        player.socket.push(&json!([1, "realm1", hello]).to_string());
        let challenge = player.expect_message("[4,").await?;
        Ok((player, challenge))
    }

    async fn authenticate(&mut self, signature: &str) -> Result<()> {
        self.socket.push(&json!([5, signature, {}]).to_string());
        self.expect_message("[2,").await.map(|_| ())
    }

    /// Subscribes as the stock page does, to the three actions of a scope.
    pub(super) async fn follow(&mut self, scope_uri: &str) -> Result<()> {
        for action in ACTIONS {
            let id = self.request();
            let topic = format!("{scope_uri}.{action}");
            self.socket.push(&json!([32, id, {"match": "prefix"}, topic]).to_string());
        }
        for _ in ACTIONS {
            self.expect_message("[33,").await?;
        }
        Ok(())
    }

    /// Sends a decision; the answer is for [`Self::acknowledged`].
    pub(super) async fn submit(&mut self, root: &str, period: u64, operand: u32) -> Result<()> {
        let id = self.request();
        let uri = format!("{root}.model.period.{period}.submit_decision");
        self.socket.push(&format!("[48,{id},{{}},\"{uri}\",[{operand}]]"));
        self.socket.flush().await
    }

    /// Reads up to the answer to the last decision, which must be `ok`.
    pub(super) async fn acknowledged(&mut self) -> Result<Instant> {
        loop {
            if self.hear().await? == Heard::Ok(self.next_request) {
                return Ok(Instant::now());
            }
        }
    }

    /// Reads up to the first event of the decision with this operand.
    pub(super) async fn sees_decision(&mut self, operand: u32) -> Result<Instant> {
        while self.hear().await? != Heard::Decision(operand.into()) {}
        Ok(Instant::now())
    }

    /// Reads up to the announcement of a period after this one.
    pub(super) async fn sees_period_after(&mut self, period: u64) -> Result<u64> {
        while self.period <= period {
            self.hear().await?;
        }
        Ok(self.period)
    }

    /// Reads for ever, as a page that only shows what comes.
    pub(super) async fn watch(&mut self) -> Result<()> {
        loop {
            self.hear().await?;
        }
    }

    /// Reads until something is over.
    pub(super) async fn watch_until(&mut self, over: impl Future<Output = ()>) -> Result<()> {
        tokio::select! {
            () = over => Ok(()),
            ended = self.watch() => ended,
        }
    }

    /// Calls a procedure without arguments and hands the message with its result over.
    pub(super) async fn call<T>(&mut self, uri: &str, take: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let id = self.request();
        self.socket.push(&format!("[48,{id},{{}},\"{uri}\"]"));
        let answer = format!("[50,{id},");
        loop {
            let text = self.socket.receive().await?;
            if text.starts_with(answer.as_bytes()) {
                return Ok(take(text));
            }
            let is_event = text.starts_with(b"[36,");
            ensure!(is_event, "`{uri}` was answered with `{}`", shown(text));
        }
    }

    /// Reads the next message and notes the period that it announces.
    pub(super) async fn hear(&mut self) -> Result<Heard> {
        let text = self.socket.receive().await?;
        let heard = understand(std::str::from_utf8(text).context("a message that is no text")?)?;
        if let Heard::Period(pk) = heard {
            self.period = self.period.max(pk);
        }
        Ok(heard)
    }

    fn request(&mut self) -> u64 {
        self.next_request += 1;
        self.next_request
    }

    async fn expect_message(&mut self, start: &str) -> Result<String> {
        loop {
            let text = self.socket.receive().await?;
            if text.starts_with(start.as_bytes()) {
                return Ok(String::from_utf8_lossy(text).into_owned());
            }
            if !text.starts_with(b"[36,") {
                bail!("expected a message `{start}…`, got `{}`", shown(text));
            }
        }
    }
}

/// A message as a person reads it.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(300)]).into_owned()
}

/// Tells the few frames apart that the generator waits for.
fn understand(text: &str) -> Result<Heard> {
    if text.starts_with("[36,") {
        // The event's arguments begin with the pk and the resource of what changed.
        let Some((before, _)) = text.split_once(",\"period\",{") else {
            let operand = text.split_once("\"operand\":").and_then(|(_, rest)| {
                rest.split(['}', ',']).next().and_then(|operand| operand.parse().ok())
            });
            return Ok(operand.map_or(Heard::OtherEvent, Heard::Decision));
        };
        let pk = before.rsplit('[').next().and_then(|pk| pk.parse().ok());
        return Ok(Heard::Period(pk.with_context(|| format!("no pk in `{text}`"))?));
    }
    if let Some(rest) = text.strip_prefix("[50,") {
        let id = rest.split(',').next().and_then(|id| id.parse().ok());
        let id = id.with_context(|| format!("no request in `{text}`"))?;
        if !rest.contains("[\"ok\"]") {
            bail!("a decision was answered with `{text}`");
        }
        return Ok(Heard::Ok(id));
    }
    if text.starts_with("[8,") || text.starts_with("[3,") || text.starts_with("[6,") {
        bail!("the service refused: `{text}`");
    }
    Ok(Heard::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_by_their_text() {
        let event = |resource: &str, data: &str| {
            let details = r#"{"topic":"r.model.world.1.add_child"}"#;
            format!(r#"[36,7,8,{details},[61,"{resource}",{{"data":{data},"id":61}}]]"#)
        };
        assert_eq!(understand(&event("period", "{}")).unwrap(), Heard::Period(61));
        let decision = event("decision", r#"{"operand":5.0}"#);
        assert_eq!(understand(&decision).unwrap(), Heard::Decision(5.0));
        let result = event("result", r#"{"quotient":2.5}"#);
        assert_eq!(understand(&result).unwrap(), Heard::OtherEvent);
        assert_eq!(understand("[50,12,{},[\"ok\"]]").unwrap(), Heard::Ok(12));
        assert_eq!(understand("[33,1,2]").unwrap(), Heard::Other);
        assert!(understand("[50,12,{},[\"This round is closed.\"]]").is_err());
        assert!(understand("[8,48,12,{},\"wamp.error.not_authorized\"]").is_err());
    }
}
