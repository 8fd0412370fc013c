//! The ways into a router from outside: WebSockets through axum, and raw sockets.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::timeout;

use super::doors::Admission;
use super::{Router, connection};
use crate::transport::{FrameLimits, Refusal, Transport, accept_raw, accept_websocket, refuse_raw};

impl Router {
    /// Returns the endpoint for WebSockets, to be routed at `/ws`.
    ///
    /// The caller owns the listener: it should set `TCP_NODELAY` on what it accepts, and make the
    /// service by `into_make_service_with_connect_info::<SocketAddr>()`, without which no address
    /// is known that connections and failed logins could be counted by.
    pub fn websocket<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let router = self.clone();
        get(move |request: Request| {
            let router = router.clone();
            async move { router.upgrade(request) }
        })
    }

    /// Serves all raw sockets that come to a TCP listener, until the router is shut down.
    ///
    /// Peers are not pinged, since many do not understand it; the system finds out which of them
    /// are gone.
    pub async fn serve_tcp(&self, listener: TcpListener) {
        while let Some(accepted) = self.unless_closing(listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => {
                    let alive = TcpKeepalive::new().with_time(self.inner.limits.idle);
                    let alive = SockRef::from(&stream).set_tcp_keepalive(&alive);
                    if let Err(error) = alive.and_then(|()| stream.set_nodelay(true)) {
                        tracing::debug!("a connection keeps its settings: {error}");
                    }
                    self.serve_raw(stream, Some(peer.ip()));
                }
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// Serves all raw sockets that come to a Unix listener, until the router is shut down.
    pub async fn serve_unix(&self, listener: UnixListener) {
        while let Some(accepted) = self.unless_closing(listener.accept()).await {
            match accepted {
                Ok((stream, _)) => self.serve_raw(stream, None),
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// Serves a raw socket in a task of the router's own.
    pub fn serve_raw<S>(&self, mut stream: S, address: Option<IpAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.inner.limits;
        let frames = FrameLimits { message_bytes: limits.message_bytes };
        let admission = self.admit(address);
        let (router, patience) = (self.clone(), limits.handshake);
        self.inner.tasks.spawn(async move {
            let Some(admission) = admission else {
                let refusing = refuse_raw(&mut stream, Refusal::Connections);
                // A peer that does not even take the refusal is left alone.
                drop(timeout(patience, refusing).await);
                return;
            };
            match timeout(patience, accept_raw(stream, frames)).await {
                Ok(Ok(transport)) => router.hold(transport, address, admission).await,
                Ok(Err(error)) => tracing::debug!("a raw socket was not opened: {error}"),
                Err(_) => tracing::debug!("a raw socket was not opened in time"),
            }
        });
    }

    fn upgrade(&self, request: Request) -> Response {
        let limits = &self.inner.limits;
        let frames = FrameLimits { message_bytes: limits.message_bytes };
        let (response, upgrading) = match accept_websocket(request, &self.inner.origins, frames) {
            Ok(accepted) => accepted,
            Err(refused) => return refused.into_response(),
        };
        let address = upgrading.peer().map(|peer| peer.ip());
        let Some(admission) = self.admit(address) else {
            let text = "the router takes no more connections at the moment";
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        };
        let (router, patience) = (self.clone(), limits.handshake);
        self.inner.tasks.spawn(async move {
            // A peer that is gone before the upgrade has nothing to be told.
            if let Ok(Ok(transport)) = timeout(patience, upgrading.ready()).await {
                router.hold(transport, address, admission).await;
            }
        });
        response
    }

    /// Serves a connection that has its place.
    async fn hold<T: Transport>(self, transport: T, address: Option<IpAddr>, admission: Admission) {
        let inner = Arc::clone(&self.inner);
        drop(self);
        connection::serve(inner, transport, address).await;
        drop(admission);
    }

    async fn unless_closing<T>(&self, accepting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            accepted = accepting => Some(accepted),
            () = self.inner.closing.cancelled() => None,
        }
    }
}

/// Waits a moment: what makes accepting fail, such as too many open files, does not go away at
/// once, and trying on without a pause would keep a core busy.
async fn pause_after(error: &std::io::Error) {
    tracing::warn!("a connection could not be accepted: {error}");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}
