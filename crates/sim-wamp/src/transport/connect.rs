//! The client's side: from a URL to an open transport.

mod target;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error as SocketError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use target::{Host, Target};

use super::tls::refused_for_dates;
use super::{
    AnyTransport, BoxedStream, ClientTls, FrameLimits, HandshakeError, RawSocket, Refusal,
    WebSocket, channel_id, open_raw,
};
use crate::Serializer;

/// Why a client reaches no router; URLs stand here without user and query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names nothing that can be connected to.
    #[error("cannot connect to `{url}`: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The host has no address.
    #[error("cannot find the address of the host in `{url}`")]
    Resolve {
        /// The URL.
        url: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody listens, or nobody is reached.
    #[error("cannot connect to `{url}`")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the system says.
        source: io::Error,
    },
    /// The two ends could not agree on TLS, or the server is not trusted.
    #[error("cannot open TLS to `{url}`")]
    Tls {
        /// The URL.
        url: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The server's certificate is too old, or too new.
    #[error("the certificate of `{url}` {problem}")]
    Certificate {
        /// The URL.
        url: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
        /// What went wrong.
        source: io::Error,
    },
    /// The server answered, but not with a WebSocket.
    #[error("`{url}` opens no WebSocket but answers with the status {status}: {text}")]
    Http {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of what came with it.
        text: String,
    },
    /// The server broke the handshake of the WebSocket, or is gone.
    #[error("the handshake of the WebSocket to `{url}` failed")]
    WebSocket {
        /// The URL.
        url: String,
        /// What went wrong.
        source: Box<SocketError>,
    },
    /// The server refused the raw socket, broke its handshake, or is gone.
    #[error("the handshake of the raw socket to `{url}` failed")]
    RawSocket {
        /// The URL.
        url: String,
        /// What went wrong.
        source: HandshakeError,
    },
    /// The server speaks none of the serializations.
    #[error("the router at `{url}` speaks none of the offered serializations: {offered}")]
    Serializer {
        /// The URL.
        url: String,
        /// What was offered.
        offered: String,
    },
}

/// Opens what a URL names: a WebSocket (`ws`, `wss`) or a raw socket (`tcp`, `tls`, `unix`).
///
/// The serializations are in order of preference; a WebSocket's server chooses, and a raw socket
/// is tried again with the next.
///
/// # Errors
/// When the URL is of no use, or nothing behind it opens.
pub async fn connect(
    url: &str,
    serializers: &[Serializer],
    tls: &ClientTls,
    limits: FrameLimits,
) -> Result<AnyTransport, ConnectError> {
    match Target::parse(url)? {
        Target::WebSocket { .. } => {
            connect_websocket(url, serializers, tls, limits).await.map(AnyTransport::WebSocket)
        }
        Target::Raw(_) | Target::Unix(_) => {
            connect_raw(url, serializers, tls, limits).await.map(AnyTransport::RawSocket)
        }
    }
}

/// Opens a WebSocket to a URL of the scheme `ws` or `wss`; see [`connect`].
///
/// # Errors
/// When the URL is of no use, or no WebSocket behind it opens.
pub async fn connect_websocket(
    url: &str,
    serializers: &[Serializer],
    tls: &ClientTls,
    limits: FrameLimits,
) -> Result<WebSocket<BoxedStream>, ConnectError> {
    let Target::WebSocket { host, uri } = Target::parse(url)? else {
        return Err(Target::wrong(url, "a WebSocket has the scheme `ws` or `wss`"));
    };
    if serializers.is_empty() {
        return Err(no_serializer(url, serializers));
    }
    let mut request = uri.into_client_request().map_err(|error| handshake(url, error))?;
    let offers: Vec<_> = serializers.iter().map(|serializer| serializer.subprotocol()).collect();
    let offers = HeaderValue::from_str(&offers.join(", ")).expect("names of subprotocols");
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offers);

    let (stream, channel_id) = open(url, &host, tls).await?;
    let config = Some(limits.websocket_config());
    match client_async_with_config(request, stream, config).await {
        Ok((stream, response)) => {
            let serializer = chosen(&response).ok_or_else(|| no_serializer(url, serializers))?;
            Ok(WebSocket::new(stream, serializer).with_channel_id(channel_id))
        }
        Err(SocketError::Protocol(ProtocolError::SecWebSocketSubProtocolError(_))) => {
            Err(no_serializer(url, serializers))
        }
        Err(error) => Err(handshake(url, error)),
    }
}

/// Opens a raw socket to a URL of the scheme `tcp`, `tls` (or `tcps`) or `unix`; see [`connect`].
///
/// # Errors
/// When the URL is of no use, or no raw socket behind it opens.
pub async fn connect_raw(
    url: &str,
    serializers: &[Serializer],
    tls: &ClientTls,
    limits: FrameLimits,
) -> Result<RawSocket<BoxedStream>, ConnectError> {
    let target = Target::parse(url)?;
    for &serializer in serializers {
        let (stream, channel_id) = match &target {
            Target::Raw(host) => open(url, host, tls).await?,
            Target::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|source| unreachable(url, source))?;
                (BoxedStream::new(stream), None)
            }
            Target::WebSocket { .. } => {
                return Err(Target::wrong(
                    url,
                    "a raw socket has the scheme `tcp`, `tls` or `unix`",
                ));
            }
        };
        match open_raw(stream, serializer, limits).await {
            Ok(socket) => return Ok(socket.with_channel_id(channel_id)),
            Err(HandshakeError::Refused(Refusal::Serializer)) => {}
            Err(source) => {
                return Err(ConnectError::RawSocket { url: Target::shown(url), source });
            }
        }
    }
    Err(no_serializer(url, serializers))
}

/// How long a connection may be silent before the system asks whether the other end is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Opens TCP, and TLS on it where the URL says so.
async fn open(
    url: &str,
    host: &Host,
    tls: &ClientTls,
) -> Result<(BoxedStream, Option<[u8; 32]>), ConnectError> {
    let addresses: Vec<_> = lookup_host((host.name.as_str(), host.port))
        .await
        .map_err(|source| ConnectError::Resolve { url: Target::shown(url), source })?
        .collect();
    let stream = TcpStream::connect(addresses.as_slice()).await;
    let stream = stream.map_err(|source| unreachable(url, source))?;
    stream.set_nodelay(true).map_err(|source| unreachable(url, source))?;
    // Raw sockets are not pinged: the system finds out when the other end has vanished.
    let alive = TcpKeepalive::new().with_time(KEEPALIVE);
    let alive = SockRef::from(&stream).set_tcp_keepalive(&alive);
    alive.map_err(|source| unreachable(url, source))?;
    if !host.tls {
        return Ok((BoxedStream::new(stream), None));
    }
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| Target::wrong(url, "its host can have no certificate"))?;
    let stream = tls.connector().connect(name, stream).await;
    let stream = stream.map_err(|source| untrusted(url, source))?;
    let channel_id = channel_id(stream.get_ref().1);
    Ok((BoxedStream::new(stream), channel_id))
}

/// Returns a URL as it may stand in a message: without what may hold a secret.
pub(crate) fn shown(url: &str) -> String {
    Target::shown(url)
}

fn chosen(response: &Response) -> Option<Serializer> {
    let protocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL)?;
    Serializer::from_subprotocol(protocol.to_str().ok()?)
}

fn handshake(url: &str, error: SocketError) -> ConnectError {
    let url = Target::shown(url);
    match error {
        SocketError::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(body);
            let text = body.lines().next().unwrap_or_default().chars().take(200).collect();
            ConnectError::Http { url, status: response.status().as_u16(), text }
        }
        error => ConnectError::WebSocket { url, source: Box::new(error) },
    }
}

fn unreachable(url: &str, source: io::Error) -> ConnectError {
    ConnectError::Unreachable { url: Target::shown(url), source }
}

fn untrusted(url: &str, source: io::Error) -> ConnectError {
    let url = Target::shown(url);
    match refused_for_dates(&source) {
        Some(problem) => ConnectError::Certificate { url, problem, source },
        None => ConnectError::Tls { url, source },
    }
}

fn no_serializer(url: &str, serializers: &[Serializer]) -> ConnectError {
    let offered = serializers.iter().map(|serializer| serializer.name()).collect::<Vec<_>>();
    ConnectError::Serializer { url: Target::shown(url), offered: offered.join(", ") }
}
