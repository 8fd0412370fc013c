//! A session over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::auth::ClientExchange;
use crate::message::{Hello, Message, Welcome, decode, encode};
use crate::session::{Delivery, Link, Replies};
use crate::{Credentials, Dict, Error, Incoming, Session, SessionInfo, uri};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How many messages wait to be sent; whoever sends one more waits.
const OUTGOING: usize = 1024;
/// How many invocations and events wait for the [`Incoming`]; then the socket waits.
const INCOMING: usize = 1024;
/// The longest message taken from the router.
const MAX_MESSAGE: usize = 64 << 20;
/// How long connecting with its handshake, and later closing, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the router is pinged, and how long it may send nothing at all.
const PING: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);

/// A session over a WebSocket, used just like one in process.
#[derive(Debug)]
pub struct Client {
    /// Calls, registers, publishes and subscribes.
    pub session: Session,
    /// Receives invocations and events; whoever expects some must keep receiving, because results
    /// come over the same socket behind them.
    pub incoming: Incoming,
    /// Holds the socket.
    pub connection: Connection,
}

/// The task that holds the socket of a [`Client`]; dropping it closes the socket.
#[derive(Debug)]
pub struct Connection {
    task: JoinHandle<()>,
    ended: CancellationToken,
}

impl Connection {
    /// Sends what is queued, says goodbye, closes the socket and waits for all of that.
    pub async fn close(mut self) {
        self.ended.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "task of a WAMP client failed");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Client {
    /// Connects to a router's `ws://` URL and joins a realm.
    ///
    /// # Errors
    /// When the router is not reached, refuses the session, or does not answer in time.
    pub async fn connect(url: &str, realm: &str, credentials: Credentials) -> Result<Self, Error> {
        let opening = async {
            let mut socket = open(url).await?;
            let welcome = handshake(url, &mut socket, realm, &credentials).await?;
            Ok((socket, welcome))
        };
        let (socket, welcome) =
            timeout(PATIENCE, opening).await.map_err(|_| Error::Timeout(url.to_owned()))??;
        Ok(Self::start(socket, *welcome))
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

    fn start(socket: Socket, welcome: Welcome) -> Self {
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
        let task = tokio::spawn(drive(socket, outgoing, delivery, ended.clone()));
        let session = Session::new(info, link, replies);
        let incoming = Incoming::new(incoming, session.clone());
        Self { session, incoming, connection: Connection { task, ended } }
    }
}

async fn open(url: &str) -> Result<Socket, Error> {
    let failed = |source| Error::WebSocket { url: url.to_owned(), source: Box::new(source) };
    let mut request = url.into_client_request().map_err(failed)?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(4096)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let no_delay = true;
    let (socket, _) =
        connect_async_with_config(request, Some(config), no_delay).await.map_err(failed)?;
    Ok(socket)
}

async fn handshake(
    url: &str,
    socket: &mut Socket,
    realm: &str,
    credentials: &Credentials,
) -> Result<Box<Welcome>, Error> {
    let failed = |source| Error::WebSocket { url: url.to_owned(), source: Box::new(source) };
    let (mut exchange, said) = ClientExchange::begin(credentials, None);
    let details = Hello { authid: said.authid, authmethods: said.authmethods };
    let hello = Message::Hello { realm: realm.to_owned(), details: Box::new(details) };
    socket.send(frame(&hello)).await.map_err(failed)?;
    loop {
        let text = match socket.next().await {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => continue,
            Some(Ok(other)) => {
                return Err(Error::Protocol(format!("the handshake ended with {other:?}")));
            }
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(failed(SocketError::ConnectionClosed)),
        };
        match decode(&text).map_err(|violation| Error::Protocol(violation.to_string()))? {
            Message::Welcome(welcome) => {
                exchange.welcomed(&Dict::new()).map_err(Error::Protocol)?;
                return Ok(welcome);
            }
            Message::Abort { message, reason } => return Err(Error::Aborted { reason, message }),
            Message::Challenge { method, challenge } => {
                let extra = challenge.map(|challenge| ("challenge", challenge));
                let answer = exchange.answer(&method, &extra.into_iter().collect());
                let (signature, _) = answer.map_err(Error::Protocol)?;
                socket.send(frame(&Message::Authenticate { signature })).await.map_err(failed)?;
            }
            other => {
                let text = format!("{} during the handshake", other.name());
                return Err(Error::Protocol(text));
            }
        }
    }
}

/// Holds the socket until either side ends the session.
async fn drive(
    socket: Socket,
    mut outgoing: mpsc::Receiver<Message>,
    delivery: Delivery,
    ended: CancellationToken,
) {
    let (mut sink, mut stream) = socket.split();
    let left = tokio::select! {
        () = read(&mut stream, &delivery) => false,
        () = write(&mut sink, &mut outgoing) => false,
        () = ended.cancelled() => true,
    };
    let closing = async {
        if left {
            leave(&mut sink, &mut stream, &mut outgoing, &delivery).await;
        }
        // Nobody is left to tell if the socket is broken.
        if sink.close().await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    drop(timeout(PATIENCE, closing).await);
}

/// Delivers what the router sends until it says goodbye, breaks the protocol or is gone.
async fn read(stream: &mut SplitStream<Socket>, delivery: &Delivery) {
    loop {
        let frame = match timeout(IDLE, stream.next()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_)) | None) => return,
            Err(_) => return delivery.end(uri::SESSION_ENDED),
        };
        let Frame::Text(text) = frame else { continue };
        match decode(&text) {
            Ok(message @ (Message::Goodbye { .. } | Message::Abort { .. })) => {
                return delivery.deliver(message).await;
            }
            Ok(message) => delivery.deliver(message).await,
            Err(violation) => {
                tracing::warn!(%violation, "router broke the WAMP protocol");
                return delivery.end(uri::PROTOCOL_VIOLATION);
            }
        }
    }
}

/// Sends what is queued, several messages per flush, until the socket breaks.
async fn write(sink: &mut SplitSink<Socket, Frame>, outgoing: &mut mpsc::Receiver<Message>) {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = tokio::select! {
            message = outgoing.recv() => match message {
                Some(message) => frame(&message),
                None => return,
            },
            _ = ping.tick() => Frame::Ping("ping".into()),
        };
        if sink.feed(first).await.is_err() || drain(sink, outgoing).await.is_err() {
            return;
        }
    }
}

/// Sends what is queued by now.
async fn drain(
    sink: &mut SplitSink<Socket, Frame>,
    outgoing: &mut mpsc::Receiver<Message>,
) -> Result<(), SocketError> {
    while let Ok(message) = outgoing.try_recv() {
        sink.feed(frame(&message)).await?;
    }
    sink.flush().await
}

/// Sends the rest and a goodbye, and waits for the router's.
async fn leave(
    sink: &mut SplitSink<Socket, Frame>,
    stream: &mut SplitStream<Socket>,
    outgoing: &mut mpsc::Receiver<Message>,
    delivery: &Delivery,
) {
    outgoing.close();
    let goodbye = Message::Goodbye { message: String::new(), reason: uri::CLOSE_REALM.to_owned() };
    if drain(sink, outgoing).await.is_ok() && sink.send(frame(&goodbye)).await.is_ok() {
        while let Some(Ok(frame)) = stream.next().await {
            let Frame::Text(text) = frame else { continue };
            if let Ok(Message::Goodbye { reason, .. }) = decode(&text) {
                return delivery.end(&reason);
            }
        }
    }
}

fn frame(message: &Message) -> Frame {
    Frame::Text(encode(message).into())
}
