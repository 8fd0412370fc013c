//! From HELLO to a proven identity.

use std::sync::Arc;

use axum::extract::ws::{Message as Frame, WebSocket};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio::sync::mpsc;

use super::connection::{Activity, Farewell, receive};
use super::{Command, Inner};
use crate::id::random_id;
use crate::message::{Hello, Message, Violation};
use crate::{AuthMethod, AuthRefused, Identity, SessionInfo, uri};

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
        let method = self.method(realm, &hello)?;
        let identity = match method {
            AuthMethod::Anonymous => {
                self.router.authenticator.anonymous(realm).await.map_err(refuse)?
            }
            AuthMethod::Ticket => self.ticket(realm, &hello).await?,
            AuthMethod::Wampcra => self.wampcra(realm, &hello, session).await?,
        };
        let info = Arc::new(SessionInfo {
            session,
            authid: identity.authid.into(),
            authrole: identity.authrole.into(),
            authmethod: method.name().into(),
            authprovider: identity.authprovider.into(),
            realm: Arc::clone(realm),
        });
        Ok(Candidate { info, commands: commands.clone() })
    }

    /// Finds the peer's first choice among the methods that are offered; a peer that names none
    /// means to be anonymous.
    fn method(&self, realm: &str, hello: &Hello) -> Result<AuthMethod, Farewell> {
        let offered = self.router.authenticator.methods(realm);
        let anonymous = [AuthMethod::Anonymous.name().to_owned()];
        let wanted: &[String] =
            if hello.authmethods.is_empty() { &anonymous } else { &hello.authmethods };
        let find = |name: &String| offered.iter().find(|method| method.name() == name);
        wanted.iter().find_map(find).copied().ok_or_else(|| {
            let names: Vec<&str> = offered.iter().map(|method| method.name()).collect();
            let text = format!("no authentication method in common: offered are {names:?}");
            Farewell::abort(uri::NO_MATCHING_AUTH_METHOD, text)
        })
    }

    async fn ticket(&mut self, realm: &str, hello: &Hello) -> Result<Identity, Farewell> {
        let authid = authid(hello)?;
        let ticket = self.challenge(AuthMethod::Ticket, None).await?;
        self.router.authenticator.ticket(authid, &ticket, realm).await.map_err(refuse)
    }

    async fn wampcra(
        &mut self,
        realm: &str,
        hello: &Hello,
        session: u64,
    ) -> Result<Identity, Farewell> {
        let authid = authid(hello)?;
        let secret = self.router.authenticator.cra_secret(authid, realm).await.map_err(refuse)?;
        let identity = secret.identity();
        let challenge = json!({
            "authid": identity.authid,
            "authrole": identity.authrole,
            "authmethod": AuthMethod::Wampcra.name(),
            "authprovider": identity.authprovider,
            "session": session,
            "nonce": STANDARD.encode(rand::random::<[u8; 32]>()),
            "timestamp": jiff::Timestamp::now().to_string(),
        })
        .to_string();
        let signature = self.challenge(AuthMethod::Wampcra, Some(challenge.clone())).await?;
        if secret.verify(&challenge, &signature) {
            return Ok(identity.clone());
        }
        // The URI is that of the system whose browsers are served here; others send
        // `wamp.error.authentication_failed`.
        Err(Farewell::abort(uri::NOT_AUTHORIZED, "WAMP-CRA signature is invalid"))
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

fn authid(hello: &Hello) -> Result<&str, Farewell> {
    hello.authid.as_deref().ok_or_else(|| {
        Farewell::abort(uri::AUTHENTICATION_FAILED, "HELLO has no `authid`: say who you are")
    })
}

fn refuse(refused: AuthRefused) -> Farewell {
    Farewell::abort(&refused.reason, refused.message)
}
