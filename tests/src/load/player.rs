//! A player that costs little: frames are looked at as text and never parsed into values.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::wamp::open_socket;

/// One logged-in session.
#[derive(Debug)]
pub(super) struct Player {
    socket: WebSocketStream<TcpStream>,
    next_request: u64,
    /// The newest period that was announced to this player.
    pub(super) period: u64,
}

/// What one frame means to the generator.
#[derive(Debug, PartialEq)]
enum Heard {
    Ok(u64),
    /// A decision with its operand.
    Decision(f64),
    Period(u64),
    OtherEvent,
    Other,
}

impl Player {
    /// Logs in with the password that all seeded players have.
    pub(super) async fn login(url: &str, email: &str) -> Result<Self> {
        let config = WebSocketConfig::default().read_buffer_size(16 << 10).write_buffer_size(0);
        let socket = open_socket(url, config).await?;
        let mut player = Self { socket, next_request: 0, period: 0 };
        let roles = json!({"caller": {}, "subscriber": {}});
        let hello = json!({"roles": roles, "authmethods": ["ticket"], "authid": email});
        player.send(json!([1, "realm1", hello]).to_string()).await?;
        player.expect_frame("[4,").await?;
        let ticket = email.split('@').next().unwrap_or_default();
        player.send(json!([5, ticket, {}]).to_string()).await?;
        player.expect_frame("[2,").await?;
        Ok(player)
    }

    /// Subscribes as the stock page does, to the three actions of a scope.
    pub(super) async fn follow(&mut self, scope_uri: &str) -> Result<()> {
        for action in ["add_child", "update_child", "remove_child"] {
            self.next_request += 1;
            let topic = format!("{scope_uri}.{action}");
            let message: Value = json!([32, self.next_request, {"match": "prefix"}, topic]);
            self.send(message.to_string()).await?;
            self.expect_frame("[33,").await?;
        }
        Ok(())
    }

    /// Sends a decision; the answer is for [`Self::acknowledged`].
    pub(super) async fn submit(&mut self, root: &str, period: u64, operand: u32) -> Result<()> {
        self.next_request += 1;
        let id = self.next_request;
        let uri = format!("{root}.model.period.{period}.submit_decision");
        self.send(format!("[48,{id},{{}},\"{uri}\",[{operand}]]")).await
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

    /// Reads for ever, as a page that only shows what comes.
    pub(super) async fn watch(&mut self) -> Result<()> {
        loop {
            self.hear().await?;
        }
    }

    async fn hear(&mut self) -> Result<Heard> {
        let text = self.receive().await?;
        let heard = understand(&text)?;
        if let Heard::Period(pk) = heard {
            self.period = self.period.max(pk);
        }
        Ok(heard)
    }

    async fn expect_frame(&mut self, start: &str) -> Result<()> {
        loop {
            let text = self.receive().await?;
            if text.starts_with(start) {
                return Ok(());
            }
            if !text.starts_with("[36,") {
                bail!("expected a message `{start}…`, got `{text}`");
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<()> {
        self.socket.send(Message::text(text)).await.context("sending a frame")
    }

    async fn receive(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.socket.next().await.context("the service closed the connection")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(reason) => bail!("the service closed the connection: {reason:?}"),
                _ => {}
            }
        }
    }
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
