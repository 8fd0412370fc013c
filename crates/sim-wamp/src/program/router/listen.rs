//! Serves a router on the addresses of its configuration.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::{Listener, ListenerExt};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::config::Listen;
use super::unix::{self, SocketFile};
use crate::Router;
use crate::transport::{Origins, TlsListener, UpgradeRefused};

/// A listener that is open, but not served yet.
pub(super) enum Open {
    WebSocket { listener: TcpListener, path: String, origins: Origins, tls: Option<TlsAcceptor> },
    RawSocket { listener: TcpListener, tls: Option<TlsAcceptor> },
    Unix { listener: UnixListener, file: SocketFile, path: PathBuf },
}

/// What bounds connections that are no WebSockets yet, of which the router knows nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How long each may take to become one.
    pub(super) patience: Duration,
    /// How many there are at once; more wait in the queue of the system.
    pub(super) most: usize,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket { listener, .. } => f.debug_tuple("WebSocket").field(listener).finish(),
            Self::RawSocket { listener, .. } => f.debug_tuple("RawSocket").field(listener).finish(),
            Self::Unix { listener, .. } => f.debug_tuple("Unix").field(listener).finish(),
        }
    }
}

impl Open {
    /// Begins to listen.
    pub(super) async fn new(listen: Listen) -> Result<Self> {
        Ok(match listen {
            Listen::WebSocket { address, path, origins, tls } => {
                Self::WebSocket { listener: bind(address).await?, path, origins, tls }
            }
            Listen::RawSocket { address, tls } => {
                Self::RawSocket { listener: bind(address).await?, tls }
            }
            Listen::Unix { path, mode } => {
                let (listener, file) = unix::listen(&path, mode)?;
                Self::Unix { listener, file, path }
            }
        })
    }

    /// Returns the URL by which clients connect.
    pub(super) fn url(&self) -> Result<String> {
        Ok(match self {
            Self::WebSocket { listener, path, tls, .. } => {
                let scheme = if tls.is_some() { "wss" } else { "ws" };
                format!("{scheme}://{}{path}", listener.local_addr()?)
            }
            Self::RawSocket { listener, tls } => {
                let scheme = if tls.is_some() { "tls" } else { "tcp" };
                format!("{scheme}://{}", listener.local_addr()?)
            }
            Self::Unix { path, .. } => format!("unix:{}", path.display()),
        })
    }

    /// Serves until it shall stop, or the router is shut down.
    pub(super) async fn serve(self, router: Router, bounds: Bounds, stop: CancellationToken) {
        match self {
            Self::WebSocket { listener, path, origins, tls } => {
                let app = app(&router, &path, origins);
                match tls {
                    Some(acceptor) => {
                        let listener = TlsListener::new(listener, acceptor);
                        serve_http(listener, app, bounds, stop).await;
                    }
                    None => {
                        let listener = listener.tap_io(|stream| {
                            if let Err(error) = stream.set_nodelay(true) {
                                tracing::debug!("a connection keeps its delay: {error}");
                            }
                        });
                        serve_http(listener, app, bounds, stop).await;
                    }
                }
            }
            Self::RawSocket { listener, tls: None } => router.serve_tcp(listener).await,
            Self::RawSocket { listener, tls: Some(acceptor) } => {
                serve_tls(TlsListener::new(listener, acceptor), router, stop).await;
            }
            Self::Unix { listener, file, .. } => {
                router.serve_unix(listener).await;
                drop(file);
            }
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on `{address}`: choose another `address`"))
}

/// Makes what answers HTTP requests.
fn app(router: &Router, path: &str, origins: Origins) -> axum::Router {
    let app = axum::Router::new().route(path, router.websocket());
    if origins == Origins::Any {
        return app;
    }
    // The router has one rule for all its listeners; this is that of one.
    app.layer(from_fn(move |request: Request, next: Next| {
        let refused = (!origins.allow(request.headers())).then(|| refusal(&request));
        async move {
            match refused {
                Some(refused) => refused,
                None => next.run(request).await,
            }
        }
    }))
}

fn refusal(request: &Request) -> Response {
    let origin = request.headers().get(header::ORIGIN).map(HeaderValue::as_bytes);
    let origin = String::from_utf8_lossy(origin.unwrap_or_default()).into_owned();
    UpgradeRefused::Origin(origin).into_response()
}

/// Serves HTTP, of which nothing is wanted but its becoming a WebSocket: what takes its time is
/// closed, which `axum::serve` would not do.
async fn serve_http<L>(mut listener: L, app: axum::Router, bounds: Bounds, stop: CancellationToken)
where
    L: Listener<Addr = SocketAddr>,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            (stream, peer) = listener.accept(), if connections.len() < bounds.most => {
                let serving = serve_connection(TokioIo::new(stream), peer, app.clone());
                connections.spawn(timeout(bounds.patience, serving));
            }
        }
    }
}

async fn serve_connection<S>(stream: S, peer: SocketAddr, app: axum::Router)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let builder = Builder::new(TokioExecutor::new());
    if let Err(error) = builder.serve_connection_with_upgrades(stream, service).await {
        tracing::debug!(%peer, "a connection ended before it was a WebSocket: {error}");
    }
}

async fn serve_tls(mut listener: TlsListener, router: Router, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            (stream, peer) = listener.accept() => router.serve_raw(stream, Some(peer.ip())),
        }
    }
}
