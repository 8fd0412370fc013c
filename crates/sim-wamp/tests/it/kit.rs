//! A router on a port of its own, and sessions of all kinds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use sim_wamp::{
    Action, AuthMethod, AuthRefused, Authenticator, Client, ClientOptions, Connection, CraSecret,
    Credentials, Event, Identity, Incoming, Invocation, Limits, LocalSession, MatchPolicy, Payload,
    Router, Rule, Rules, Serializer, Session, SessionEvent,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Waits for something that must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(10);
    tokio::time::timeout(deadline, future).await.expect("it happens within ten seconds")
}

/// User 7 has the ticket `pass`, user 4 the secret `secret`; guests are anonymous.
struct Users;

fn identity(authid: &str, authrole: &str, authprovider: &str) -> Identity {
    Identity::new(authid, authrole, authprovider)
}

#[async_trait]
impl Authenticator for Users {
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        vec![AuthMethod::Wampcra, AuthMethod::Ticket, AuthMethod::Anonymous]
    }

    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        Ok(identity("nobody", "guest", "anonymous"))
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        if (authid, ticket) == ("seven@example.org", "pass") {
            return Ok(identity("7", "player", "static"));
        }
        Err(AuthRefused::new("unknown user or wrong password"))
    }

    async fn cra_secret(
        &self,
        authid: &str,
        _realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        let identity = identity("4", "player", "dynamic");
        Ok((authid == "4").then(|| CraSecret::new("secret", identity)))
    }
}

fn rules() -> Rules {
    let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
    Rules::new()
        .role("player", Rule::new("app.", MatchPolicy::Prefix, &all))
        .role("player", Rule::new("app.secret.", MatchPolicy::Prefix, &[]))
        .role("player", Rule::new("wamp.", MatchPolicy::Prefix, &all))
        .role("guest", Rule::new("app.ready", MatchPolicy::Exact, &[Action::Call]))
}

/// A router that is served on ports of its own, in every way.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) address: String,
    raw_address: String,
    directory: TempDir,
    serving: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        for serving in &self.serving {
            serving.abort();
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default(), true).await
    }

    pub(crate) async fn with(limits: Limits, disclose: bool) -> Self {
        let router = Router::builder()
            .realm("realm1")
            .authenticator(Arc::new(Users))
            .authorizer(Arc::new(rules()))
            .limits(limits)
            .disclose(disclose)
            .history("app.history.", MatchPolicy::Prefix, 3)
            .failures(10);
        Self::of(router.start()).await
    }

    /// Serves a router of one's own.
    pub(crate) async fn of(router: Router) -> Self {
        let app = axum::Router::new().route("/ws", router.websocket());
        let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener is bound").to_string();
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).expect("a fresh socket takes its options");
        });
        let raw = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let raw_address = raw.local_addr().expect("the listener is bound").to_string();
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let unix = UnixListener::bind(directory.path().join("router")).expect("it is empty");
        let (over_tcp, over_unix) = (router.clone(), router.clone());
        let serving = vec![
            tokio::spawn(async move {
                axum::serve(listener, app).await.expect("serving does not fail");
            }),
            tokio::spawn(async move { over_tcp.serve_tcp(raw).await }),
            tokio::spawn(async move { over_unix.serve_unix(unix).await }),
        ];
        Self { router, address, raw_address, directory, serving }
    }

    /// Returns where sessions of a way connect.
    pub(crate) fn url_of(&self, transport: Transport) -> String {
        match transport {
            Transport::WebSocket => self.url(),
            Transport::Tcp => format!("tcp://{}", self.raw_address),
            Transport::Unix => format!("unix:{}", self.directory.path().join("router").display()),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Joins as user 7, a player.
    pub(crate) async fn join(&self, way: Way) -> Joined {
        match way {
            Way::Local => {
                let local = self.router.attach_as("realm1", "7", "player").await;
                Joined::of(local.expect("the realm is there"))
            }
            Way::Remote(transport, serializer) => {
                let (authid, ticket) = ("seven@example.org".to_owned(), "pass".to_owned());
                let credentials = Credentials::Ticket { authid, ticket };
                let serializers = vec![serializer];
                let options = ClientOptions { serializers, ..ClientOptions::default() };
                let url = self.url_of(transport);
                let joining = Client::connect_with(&url, "realm1", &credentials, options);
                let client = soon(joining).await.expect("user 7 is known");
                let (session, incoming, connection) = client.split();
                Joined { session, incoming, _connection: Some(connection) }
            }
        }
    }

    /// Joins as the trusted engine.
    pub(crate) async fn engine(&self) -> Joined {
        let local = self.router.attach("realm1", "engine", "service").await;
        Joined::of(local.expect("the realm is there"))
    }

    /// Opens a bare WebSocket.
    pub(crate) async fn raw(&self) -> Raw {
        let mut request = self.url().into_client_request().expect("the URL is valid");
        let offered = "wamp.2.unknown, wamp.2.json".parse().expect("the header is valid");
        request.headers_mut().insert("Sec-WebSocket-Protocol", offered);
        let (socket, response) = soon(connect_async(request)).await.expect("the router listens");
        assert_eq!(response.headers()["sec-websocket-protocol"], "wamp.2.json");
        Raw { socket }
    }

    /// Opens a bare WebSocket and joins as user 7.
    pub(crate) async fn raw_joined(&self) -> Raw {
        let mut raw = self.raw().await;
        raw.send(
            r#"[1,"realm1",{"roles":{},"authmethods":["ticket"],"authid":"seven@example.org"}]"#,
        )
        .await;
        assert_eq!(raw.text().await, r#"[4,"ticket",{}]"#);
        raw.send(r#"[5,"pass",{}]"#).await;
        assert!(raw.text().await.starts_with("[2,"));
        raw
    }
}

/// What carries a remote session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    WebSocket,
    Tcp,
    Unix,
}

/// How a session reaches the router.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Local,
    Remote(Transport, Serializer),
}

impl Way {
    /// The way of a stock browser.
    pub(crate) const SOCKET: Self = Self::Remote(Transport::WebSocket, Serializer::Json);

    /// Every transport with every serialization.
    pub(crate) fn all() -> Vec<Self> {
        let transports = [Transport::WebSocket, Transport::Tcp, Transport::Unix];
        let remote = transports.into_iter().flat_map(|transport| {
            Serializer::ALL.map(|serializer| Self::Remote(transport, serializer))
        });
        std::iter::once(Self::Local).chain(remote).collect()
    }

    /// Whether JSON arrives as it was written.
    pub(crate) fn speaks_json(self) -> bool {
        matches!(self, Self::Local | Self::Remote(_, Serializer::Json))
    }

    /// All pairs of ways, for a caller and a callee.
    pub(crate) fn pairs() -> Vec<(Self, Self)> {
        let all = Self::all();
        all.iter().flat_map(|one| all.iter().map(|other| (*one, *other))).collect()
    }
}

/// A session with both halves.
pub(crate) struct Joined {
    pub(crate) session: Session,
    pub(crate) incoming: Incoming,
    _connection: Option<Connection>,
}

impl Joined {
    pub(crate) fn of(joined: LocalSession) -> Self {
        let (session, incoming) = joined.split();
        Self { session, incoming, _connection: None }
    }

    pub(crate) async fn invocation(&mut self) -> Invocation {
        match soon(self.incoming.recv()).await {
            Some(SessionEvent::Invocation(invocation)) => invocation,
            other => panic!("expected an invocation, not {other:?}"),
        }
    }

    pub(crate) async fn event(&mut self) -> Event {
        match soon(self.incoming.recv()).await {
            Some(SessionEvent::Event(event)) => event,
            other => panic!("expected an event, not {other:?}"),
        }
    }

    pub(crate) async fn goodbye(&mut self) -> String {
        match soon(self.incoming.recv()).await {
            Some(SessionEvent::Goodbye { reason }) => reason,
            other => panic!("expected a goodbye, not {other:?}"),
        }
    }
}

pub(crate) fn args(text: &str) -> Payload {
    Payload::from_json(Some(text.to_owned()), None)
}

/// What a bare WebSocket hears.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Close(u16),
    Gone,
}

/// A WebSocket without a WAMP library.
pub(crate) struct Raw {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Raw {
    pub(crate) async fn send(&mut self, text: &str) {
        self.frame(Frame::Text(text.into())).await;
    }

    pub(crate) async fn frame(&mut self, frame: Frame) {
        soon(self.socket.send(frame)).await.expect("the router reads");
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            return match soon(self.socket.next()).await {
                Some(Ok(Frame::Text(text))) => Heard::Text(text.as_str().to_owned()),
                Some(Ok(Frame::Close(frame))) => {
                    Heard::Close(frame.map_or(1005, |frame| frame.code.into()))
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Heard::Gone,
            };
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.hear().await {
            Heard::Text(text) => text,
            other => panic!("expected a text, not {other:?}"),
        }
    }
}
