//! What the URL of a router names.

use std::path::PathBuf;

use tokio_tungstenite::tungstenite::http::Uri;

use super::ConnectError;

/// What to connect to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A WebSocket.
    WebSocket { host: Host, uri: Uri },
    /// A raw socket over TCP.
    Raw(Host),
    /// A raw socket over a Unix socket.
    Unix(PathBuf),
}

/// The end of a TCP connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// A name or an address, IPv6 without brackets.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

impl Target {
    /// Reads a URL.
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let (websocket, tls, default_port) = match scheme.as_str() {
            "ws" => (true, false, Some(80)),
            "wss" => (true, true, Some(443)),
            "tcp" => (false, false, None),
            "tls" | "tcps" => (false, true, None),
            "unix" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let reason = "give the absolute path of the socket, as in `unix:/path`";
                let absolute = path.starts_with('/').then(|| Self::Unix(path.into()));
                return absolute.ok_or_else(|| Self::wrong(url, reason));
            }
            _ => {
                let reason = "a router has the scheme `ws`, `wss`, `tcp`, `tls` or `unix`";
                return Err(Self::wrong(url, reason));
            }
        };
        let uri: Uri = format!("{scheme}:{rest}")
            .parse()
            .map_err(|_| Self::wrong(url, "this is not a URL"))?;
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let name = uri.host().unwrap_or_default();
        let port = match authority.strip_prefix(name) {
            None | Some("") => default_port,
            Some(port) => {
                let port = port.strip_prefix(':').and_then(|port| port.parse().ok());
                Some(port.ok_or_else(|| Self::wrong(url, "its port is not one"))?)
            }
        };
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if name.is_empty() {
            return Err(Self::wrong(url, "it has no host"));
        }
        let port = port.ok_or_else(|| Self::wrong(url, "give the port of the raw socket"))?;
        let host = Host { name: name.to_owned(), port, tls };
        if websocket {
            return Ok(Self::WebSocket { host, uri });
        }
        if uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(Self::wrong(url, "a raw socket has host and port and nothing more"));
        }
        Ok(Self::Raw(host))
    }

    /// Says what is wrong with a URL.
    pub(super) fn wrong(url: &str, reason: &'static str) -> ConnectError {
        ConnectError::Url { url: Self::shown(url), reason }
    }

    /// Returns a URL as it may stand in a message: without what may hold a secret.
    pub(super) fn shown(url: &str) -> String {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}{path}")
    }
}
