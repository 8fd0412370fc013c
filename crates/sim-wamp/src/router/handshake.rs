//! From HELLO to a proven identity.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::connection::Farewell;
use super::member::Member;
use super::{Command, Inner};
use crate::auth::{Authenticated, Exchange, PeerContext, Step};
use crate::id::random_id;
use crate::message::{Hello, Message, Violation, Welcome, decode};
use crate::transport::{Close, Reader, Writer};
use crate::{AuthRefused, MatchPolicy, Serializer, SessionInfo, counters, uri, wire};

/// A peer that may join its realm.
pub(super) struct Candidate {
    pub(super) member: Member,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) welcome: Message,
}

/// One handshake.
pub(super) struct Handshake<'a, R, W> {
    pub(super) router: &'a Inner,
    pub(super) serializer: Serializer,
    pub(super) address: Option<IpAddr>,
    pub(super) channel_id: Option<[u8; 32]>,
    pub(super) reader: &'a mut R,
    pub(super) writer: &'a mut W,
}

impl<R: Reader, W: Writer> Handshake<'_, R, W> {
    /// Reads HELLO and has the peer prove who it is.
    pub(super) async fn run(mut self) -> Result<Candidate, Farewell> {
        let hello = match self.receive().await? {
            Message::Hello(hello) => hello,
            other => return Err(Violation::OutOfOrder(other.name()).into()),
        };
        let realm = hello.realm.as_str();
        let Some((realm, commands)) = self.router.realms.get_key_value(realm) else {
            if !uri::validate(realm, MatchPolicy::Exact) {
                let text = "the name of the realm is not a valid URI";
                return Err(Farewell::abort(uri::INVALID_URI, text));
            }
            let text = format!("no realm `{realm}` on this router");
            return Err(Farewell::abort(uri::NO_SUCH_REALM, text));
        };
        let session = random_id();
        let proven = self.prove(realm, session, &hello).await?;
        let info = Arc::new(SessionInfo {
            session,
            authid: proven.identity.authid.as_str().into(),
            authrole: proven.identity.authrole.as_str().into(),
            authmethod: proven.method.name().into(),
            authprovider: proven.identity.authprovider.as_str().into(),
            realm: Arc::clone(realm),
        });
        let welcome = Message::Welcome(Box::new(Welcome {
            session,
            realm: (**realm).to_owned(),
            authid: proven.identity.authid,
            authrole: proven.identity.authrole,
            authmethod: proven.method.name().to_owned(),
            authprovider: proven.identity.authprovider,
            authextra: proven.authextra,
        }));
        let member = Member::new(info, false, hello.features);
        Ok(Candidate { member, commands: commands.clone(), welcome })
    }

    async fn prove(
        &mut self,
        realm: &str,
        session: u64,
        hello: &Hello,
    ) -> Result<Authenticated, Farewell> {
        let peer = PeerContext { address: self.address, channel_id: self.channel_id };
        let (authenticator, attempts) = (&self.router.authenticator, &self.router.attempts);
        let step =
            Exchange::begin(authenticator, attempts, peer, realm, session, &hello.auth).await;
        match step.map_err(refuse)? {
            Step::Done(authenticated) => Ok(authenticated),
            Step::Challenge { method, extra, exchange } => {
                let challenge = Message::Challenge { method: method.name().to_owned(), extra };
                wire::send(self.writer, self.serializer, &challenge).await?;
                match self.receive().await? {
                    Message::Authenticate { signature, extra } => {
                        exchange.finish(&signature, &extra).await.map_err(refuse)
                    }
                    other => Err(Violation::OutOfOrder(other.name()).into()),
                }
            }
        }
    }

    /// Receives a message; a peer may give up with ABORT at any time.
    async fn receive(&mut self) -> Result<Message, Farewell> {
        let Some(bytes) = wire::receive(self.reader, self.writer).await? else {
            return Err(Farewell::close(Close::NORMAL));
        };
        if bytes.len() > self.router.limits.hello_bytes {
            counters::limited("hello_bytes");
            return Err(Farewell::close(Close::TOO_LONG));
        }
        match decode(self.serializer, &bytes)? {
            Message::Abort { .. } => Err(Farewell::close(Close::NORMAL)),
            message => Ok(message),
        }
    }
}

fn refuse(refused: AuthRefused) -> Farewell {
    counters::refused();
    Farewell::abort(&refused.reason, refused.message)
}
