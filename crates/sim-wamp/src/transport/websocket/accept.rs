//! The server's side of HTTP: a request becomes a WebSocket, or is refused.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as SocketError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Origins, WebSocket};
use crate::Serializer;
use crate::transport::{BoxedStream, FrameLimits, TransportError, channel_id};

/// A WebSocket that is open once the response to its request has been sent.
#[derive(Debug)]
pub struct Upgrading {
    upgrade: OnUpgrade,
    serializer: Serializer,
    limits: FrameLimits,
    peer: Option<SocketAddr>,
}

/// Why a request does not become a WebSocket; as a response, it says so to the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeRefused {
    /// It does not ask for an upgrade.
    #[error("HTTP Upgrade header missing")]
    NoUpgrade,
    /// It asks for another version of the protocol.
    #[error("the WebSocket must be of version 13")]
    Version,
    /// It breaks another rule of the handshake.
    #[error("the request opens no WebSocket: {0}")]
    Handshake(String),
    /// It comes from a page that may not connect.
    #[error("pages of the origin `{0}` may not connect to this server")]
    Origin(String),
    /// It offers no serialization that is known here.
    #[error(
        "the WebSocket must offer one of the subprotocols `wamp.2.json`, `wamp.2.msgpack` and \
         `wamp.2.cbor`"
    )]
    Subprotocol,
}

/// Answers the request for a WebSocket; the first subprotocol that is known here wins.
///
/// The response is to be returned to axum, and [`Upgrading::ready`] to be awaited by a task of the
/// caller's. A peer's address is known where the service was made by
/// `into_make_service_with_connect_info::<SocketAddr>()`.
///
/// # Errors
/// When the request is refused; the error is the response.
///
/// # Examples
/// ```
/// use axum::extract::Request;
/// use axum::response::IntoResponse;
/// use axum::routing::get;
/// use sim_wamp::transport::{FrameLimits, Origins, accept_websocket};
///
/// let limits = FrameLimits { message_bytes: 1 << 20 };
/// let app: axum::Router = axum::Router::new().route(
///     "/ws",
///     get(move |request: Request| async move {
///         let (response, upgrading) = accept_websocket(request, &Origins::Any, limits)?;
///         tokio::spawn(async move {
///             if let Ok(transport) = upgrading.ready().await {
///                 drop(transport); // Serve it.
///             }
///         });
///         Ok::<_, sim_wamp::transport::UpgradeRefused>(response)
///     }),
/// );
/// ```
pub fn accept_websocket(
    mut request: Request,
    origins: &Origins,
    limits: FrameLimits,
) -> Result<(Response, Upgrading), UpgradeRefused> {
    let headers = request.headers();
    if !headers.contains_key(header::UPGRADE) {
        return Err(UpgradeRefused::NoUpgrade);
    }
    let mut response =
        create_response_with_body(&request, Body::empty).map_err(|error| match error {
            SocketError::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
                UpgradeRefused::Version
            }
            error => UpgradeRefused::Handshake(error.to_string()),
        })?;
    if !origins.allow(headers) {
        let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes).unwrap_or_default();
        return Err(UpgradeRefused::Origin(String::from_utf8_lossy(origin).into_owned()));
    }
    let serializer = chosen(headers).ok_or(UpgradeRefused::Subprotocol)?;
    let protocol = HeaderValue::from_static(serializer.subprotocol());
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);

    let peer = request.extensions().get().map(|&ConnectInfo(peer)| peer);
    let upgrade = request.extensions_mut().remove().ok_or_else(|| {
        UpgradeRefused::Handshake("this connection cannot be upgraded".to_owned())
    })?;
    Ok((response, Upgrading { upgrade, serializer, limits, peer }))
}

impl Upgrading {
    /// Returns the peer's address, where the server knows it.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Waits for the WebSocket.
    ///
    /// # Errors
    /// When the peer is gone before.
    pub async fn ready(self) -> Result<WebSocket<BoxedStream>, TransportError> {
        let upgraded = self.upgrade.await;
        let upgraded = upgraded.map_err(|error| TransportError::Gone(io::Error::other(error)))?;
        let (stream, early, channel_id) = stream_of(upgraded);
        let config = Some(self.limits.websocket_config());
        // Copied, because these few bytes lie in a buffer of HTTP that is much larger.
        let early = early.to_vec();
        let stream =
            WebSocketStream::from_partially_read(stream, early, Role::Server, config).await;
        Ok(WebSocket::new(stream, self.serializer).with_channel_id(channel_id))
    }
}

impl UpgradeRefused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Handshake(_) | Self::Subprotocol => StatusCode::BAD_REQUEST,
            Self::Origin(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl IntoResponse for UpgradeRefused {
    fn into_response(self) -> Response {
        const UPGRADE: [(HeaderName, &str); 2] =
            [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
        let upgrade = (self.status() == StatusCode::UPGRADE_REQUIRED).then_some(UPGRADE);
        (self.status(), upgrade, self.to_string()).into_response()
    }
}

/// Finds the first serialization that the client offers and we know.
fn chosen(headers: &HeaderMap) -> Option<Serializer> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offers
        .filter_map(|offers| offers.to_str().ok())
        .flat_map(|offers| offers.split(','))
        .find_map(|offer| Serializer::from_subprotocol(offer.trim()))
}

/// Takes the stream out of what HTTP has wrapped around it, with what was read of it already and
/// what identifies its TLS connection.
fn stream_of(upgraded: Upgraded) -> (BoxedStream, Bytes, Option<[u8; 32]>) {
    let upgraded = match downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => return (BoxedStream::new(parts.io.into_inner()), parts.read_buf, None),
        Err(upgraded) => upgraded,
    };
    match downcast::<TokioIo<TlsStream<TcpStream>>>(upgraded) {
        Ok(parts) => {
            let stream = parts.io.into_inner();
            let channel_id = channel_id(stream.get_ref().1);
            (BoxedStream::new(stream), parts.read_buf, channel_id)
        }
        Err(upgraded) => (BoxedStream::new(TokioIo::new(upgraded)), Bytes::new(), None),
    }
}
