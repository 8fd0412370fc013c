//! From HELLO to a proven identity.

use std::sync::{Arc, LazyLock};

use axum::extract::ws::{Message as Frame, WebSocket};
use tokio::sync::mpsc;

use super::connection::{Activity, Farewell, receive};
use super::{Command, Inner};
use crate::auth::{Attempts, Authenticated, Exchange, HelloAuth, PeerContext, Step};
use crate::id::random_id;
use crate::message::{Message, Violation};
use crate::{AttemptLimits, AuthMethod, AuthRefused, Dict, SessionInfo, Value, uri};

/// The failed logins of all routers of this process.
static ATTEMPTS: LazyLock<Arc<Attempts>> =
    LazyLock::new(|| Arc::new(Attempts::new(AttemptLimits::default())));

/// A peer that may join its realm.
pub(super) struct Candidate {
    pub(super) info: Arc<SessionInfo>,
    pub(super) commands: mpsc::Sender<Command>,
}

/// One handshake.
pub(super) struct Handshake<'a> {
    pub(super) router: &'a Inner,
    pub(super) socket: &'a mut WebSocket,
    pub(super) activity: &'a Activity,
}

impl Handshake<'_> {
    /// Reads HELLO and has the peer prove who it is.
    pub(super) async fn run(mut self) -> Result<Candidate, Farewell> {
        let (realm, hello) = match self.receive().await? {
            Message::Hello { realm, details } => (realm, details),
            other => return Err(Violation::OutOfOrder(other.name()).into()),
        };
        let Some((realm, commands)) = self.router.realms.get_key_value(realm.as_str()) else {
            let text = format!("no realm `{realm}` on this router");
            return Err(Farewell::abort(uri::NO_SUCH_REALM, text));
        };
        let session = random_id();
        let hello = HelloAuth {
            authid: hello.authid.clone(),
            authmethods: hello.authmethods.clone(),
            ..HelloAuth::default()
        };
        let peer = PeerContext::default();
        let authenticator = &self.router.authenticator;
        let step = Exchange::begin(authenticator, &ATTEMPTS, peer, realm, session, &hello).await;
        let authenticated: Authenticated = match step.map_err(refuse)? {
            Step::Done(authenticated) => authenticated,
            Step::Challenge { method, extra, exchange } => {
                let challenge = extra.get("challenge").and_then(Value::as_str).map(str::to_owned);
                let signature = self.challenge(method, challenge).await?;
                exchange.finish(&signature, &Dict::new()).await.map_err(refuse)?
            }
        };
        let identity = authenticated.identity;
        let info = Arc::new(SessionInfo {
            session,
            authid: identity.authid.into(),
            authrole: identity.authrole.into(),
            authmethod: authenticated.method.name().into(),
            authprovider: identity.authprovider.into(),
            realm: Arc::clone(realm),
        });
        Ok(Candidate { info, commands: commands.clone() })
    }

    /// Sends CHALLENGE and waits for AUTHENTICATE.
    async fn challenge(
        &mut self,
        method: AuthMethod,
        challenge: Option<String>,
    ) -> Result<String, Farewell> {
        let message = Message::Challenge { method: method.name().to_owned(), challenge };
        let frame = Frame::Text(message.text());
        self.socket.send(frame).await.map_err(|_| Farewell::gone())?;
        match self.receive().await? {
            Message::Authenticate { signature } => Ok(signature),
            other => Err(Violation::OutOfOrder(other.name()).into()),
        }
    }

    /// Receives a message; a peer may give up with ABORT at any time.
    async fn receive(&mut self) -> Result<Message, Farewell> {
        let limit = self.router.limits.message_bytes;
        match receive(self.socket, limit, self.activity).await? {
            Message::Abort { .. } => Err(Farewell::close(1000, "")),
            message => Ok(message),
        }
    }
}

fn refuse(refused: AuthRefused) -> Farewell {
    Farewell::abort(&refused.reason, refused.message)
}
