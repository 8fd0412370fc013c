//! Clients: one session over one connection, and an agent that stays joined.

mod agent;
mod connection;
mod python;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use agent::{
    Agent, AgentBuilder, AgentHandle, Backoff, EventError, Missed, Progress, Refused, RefusedKind,
    Registration, Reply, Request, Results, Setback, Status, StatusWatch, Subscription, Waits,
};
pub use connection::Connection;

use crate::auth::ClientExchange;
use crate::message::{Features, Hello, Message, Welcome, decode};
use crate::session::{Delivery, Link, Replies};
use crate::transport::{ClientTls, FrameLimits, Reader, Transport, Writer, connect, shown};
use crate::{Credentials, Error, Incoming, Serializer, Session, SessionInfo, wire};

/// How many messages wait to be sent; whoever sends one more waits.
const OUTGOING: usize = 1024;
/// How many invocations and events wait for the [`Incoming`]; then the socket waits.
const INCOMING: usize = 1024;
/// What HELLO names as the peer's software.
const AGENT: &str = concat!("sim-wamp/", env!("CARGO_PKG_VERSION"));

/// How a client connects.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The serializations, the preferred one first.
    pub serializers: Vec<Serializer>,
    /// Which certificates are trusted by `wss` and `tls`.
    pub tls: ClientTls,
    /// Whether the proofs of cryptosign and SCRAM hold on this TLS connection only
    /// (`tls-exporter`); routers that cannot do that refuse them.
    pub channel_binding: bool,
    /// The longest message taken from the router, in bytes.
    pub message_bytes: usize,
    /// How long connecting with its handshake, and later closing, may take.
    pub patience: Duration,
    /// How often the router is pinged.
    pub ping: Duration,
    /// How long the router may send nothing at all, not even a pong.
    pub idle: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            serializers: vec![Serializer::Json],
            tls: ClientTls::default(),
            channel_binding: false,
            message_bytes: 64 << 20,
            patience: Duration::from_secs(10),
            ping: Duration::from_secs(10),
            idle: Duration::from_secs(60),
        }
    }
}

/// A session over a connection, used just like one in process.
#[derive(Debug)]
pub struct Client {
    /// Calls, registers, publishes and subscribes.
    pub session: Session,
    /// Receives invocations and events; whoever expects some must keep receiving, because results
    /// come over the same socket behind them.
    pub incoming: Incoming,
    /// Holds the connection.
    pub connection: Connection,
}

impl Client {
    /// Connects to a router's URL (`ws`, `wss`, `tcp`, `tls` or `unix`) and joins a realm.
    ///
    /// # Errors
    /// When the router is not reached, refuses the session, or does not answer in time.
    pub async fn connect(url: &str, realm: &str, credentials: Credentials) -> Result<Self, Error> {
        Self::connect_with(url, realm, &credentials, ClientOptions::default()).await
    }

    /// Connects to a router's URL in a way of one's own, and joins a realm.
    ///
    /// # Errors
    /// When the router is not reached, refuses the session, or does not answer in time.
    pub async fn connect_with(
        url: &str,
        realm: &str,
        credentials: &Credentials,
        options: ClientOptions,
    ) -> Result<Self, Error> {
        let limits = FrameLimits { message_bytes: options.message_bytes };
        let patience = options.patience;
        let opening = async {
            let transport = connect(url, &options.serializers, &options.tls, limits).await?;
            Self::join_within(transport, realm, credentials, &options).await
        };
        timeout(patience, opening).await.map_err(|_| Error::Timeout(shown(url)))?
    }

    /// Joins a realm over a connection that is open already.
    ///
    /// # Errors
    /// When the router refuses the session, or does not answer in time.
    pub async fn join<T: Transport>(
        transport: T,
        realm: &str,
        credentials: &Credentials,
        options: ClientOptions,
    ) -> Result<Self, Error> {
        let joining = Self::join_within(transport, realm, credentials, &options);
        let joined = timeout(options.patience, joining).await;
        joined.map_err(|_| Error::Timeout("the other end of the connection".to_owned()))?
    }

    async fn join_within<T: Transport>(
        transport: T,
        realm: &str,
        credentials: &Credentials,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let (serializer, channel_id) = (transport.serializer(), transport.channel_id());
        let channel_id = channel_id.filter(|_| options.channel_binding);
        let answers_pings = transport.answers_pings();
        let (mut reader, mut writer) = transport.split();
        let (mut exchange, auth) = ClientExchange::begin(credentials, channel_id);
        let realm = realm.to_owned();
        let (features, agent) = (Features::ALL, Some(AGENT.to_owned()));
        let hello = Message::Hello(Box::new(Hello { realm, auth, features, agent }));
        wire::send(&mut writer, serializer, &hello).await?;
        let welcome = loop {
            match receive(&mut reader, &mut writer, serializer).await? {
                Message::Welcome(welcome) => break welcome,
                Message::Abort { message, reason } => {
                    return Err(Error::Aborted { reason, message });
                }
                Message::Challenge { method, extra } => {
                    // Deriving a key may take seconds.
                    let deriving = tokio::task::spawn_blocking(move || {
                        let answer = exchange.answer(&method, &extra);
                        (exchange, answer)
                    });
                    let answered =
                        deriving.await.map_err(|error| Error::Protocol(error.to_string()))?;
                    exchange = answered.0;
                    let answer = match answered.1 {
                        Ok((signature, extra)) => Message::Authenticate { signature, extra },
                        Err(text) => return Err(give_up(&mut writer, serializer, text).await),
                    };
                    wire::send(&mut writer, serializer, &answer).await?;
                }
                other => {
                    let text = format!("{} during the handshake", other.name());
                    return Err(Error::Protocol(text));
                }
            }
        };
        if let Err(text) = exchange.welcomed(&welcome.authextra) {
            return Err(give_up(&mut writer, serializer, text).await);
        }
        Ok(Self::start((reader, writer), (serializer, answers_pings), *welcome, options))
    }

    /// Closes the connection; see [`Connection::close`].
    pub async fn close(self) {
        self.connection.close().await;
    }

    /// Takes the client apart.
    #[must_use]
    pub fn split(self) -> (Session, Incoming, Connection) {
        (self.session, self.incoming, self.connection)
    }

    fn start<R: Reader, W: Writer>(
        halves: (R, W),
        wire: (Serializer, bool),
        welcome: Welcome,
        options: &ClientOptions,
    ) -> Self {
        let info = Arc::new(SessionInfo {
            session: welcome.session,
            authid: welcome.authid.into(),
            authrole: welcome.authrole.into(),
            authmethod: welcome.authmethod.into(),
            authprovider: welcome.authprovider.into(),
            realm: welcome.realm.into(),
        });
        let (messages, outgoing) = mpsc::channel(OUTGOING);
        let (events, incoming) = mpsc::channel(INCOMING);
        let ended = CancellationToken::new();
        let replies = Arc::new(Replies::default());
        let link = Arc::new(Link::Socket { messages, ended: ended.clone() });
        let delivery = Delivery::new(Arc::clone(&replies), events, Arc::clone(&link), false);
        let connection =
            Connection::start(halves, wire, outgoing, delivery, ended, options.clone());
        let session = Session::new(info, link, replies);
        let incoming = Incoming::new(incoming, session.clone());
        Self { session, incoming, connection }
    }
}

/// Tells a router that cannot be trusted, or not be understood, that the session ends here.
async fn give_up<W: Writer>(writer: &mut W, serializer: Serializer, text: String) -> Error {
    let reason = crate::uri::AUTHENTICATION_FAILED.to_owned();
    let abort = Message::Abort { message: String::new(), reason };
    // A router that is gone needs no telling.
    drop(wire::send(writer, serializer, &abort).await);
    Error::Protocol(text)
}

/// Receives a message of the handshake.
async fn receive<R: Reader, W: Writer>(
    reader: &mut R,
    writer: &mut W,
    serializer: Serializer,
) -> Result<Message, Error> {
    let Some(bytes) = wire::receive(reader, writer).await? else {
        return Err(Error::Protocol("the handshake ended without an answer".to_owned()));
    };
    decode(serializer, &bytes).map_err(|violation| Error::Protocol(violation.to_string()))
}
