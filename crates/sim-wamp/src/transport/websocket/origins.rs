//! Which web pages may open a WebSocket.

use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// The web pages that may open a WebSocket.
///
/// Pages of the server's own origin always may. So may whatever sends no `Origin`: it is no
/// browser, and no page makes it connect against its user's will.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// All pages.
    #[default]
    Any,
    /// Only pages of these origins.
    Only(Vec<Origin>),
}

/// The origin of a web page, `scheme://host` or `scheme://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin: give `scheme://host` or `scheme://host:port` and nothing more")]
pub struct OriginError(String);

impl Origins {
    /// Allows only pages of these origins.
    ///
    /// # Errors
    /// When one of them is not an origin.
    pub fn only<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        origins.into_iter().map(Origin::from_str).collect::<Result<_, _>>().map(Self::Only)
    }

    /// Says whether a request with these headers may go on.
    #[must_use]
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let (Self::Only(allowed), Some(origin)) = (self, headers.get(header::ORIGIN)) else {
            return true;
        };
        // What is no origin, such as `null`, is that of a page which hides where it is from.
        let Some(origin) = origin.to_str().ok().and_then(|origin| origin.parse().ok()) else {
            return false;
        };
        allowed.contains(&origin) || origin.is_of_host(headers)
    }
}

impl Origin {
    /// Says whether this is the origin of the server that a request was sent to; the scheme is
    /// left out, because a proxy may have taken the TLS off.
    fn is_of_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()) else {
            return false;
        };
        let port = host.port_u16().or_else(|| default_port(&self.scheme));
        host.host().eq_ignore_ascii_case(&self.host) && port == self.port
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        // A path, even a single slash, makes the text longer than this.
        let length = scheme.len() + "://".len() + authority.as_str().len();
        let scheme = scheme.to_ascii_lowercase();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port(&scheme),
            Some(port) => {
                Some(port.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or_else(wrong)?)
            }
            None => return Err(wrong()),
        };
        if authority.host().is_empty() || text.len() != length {
            return Err(wrong());
        }
        Ok(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// Returns the port that browsers leave out.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        headers
    }

    #[test]
    fn only_listed_origins_and_the_servers_own_are_allowed() {
        let origins =
            Origins::only(["https://a.example", "http://b.example:8080", "HTTP://C.example:80"])
                .unwrap();
        for (host, origin, allowed) in [
            ("s.example", None, true),
            ("s.example", Some("https://a.example"), true),
            ("s.example", Some("https://a.example:443"), true),
            ("s.example", Some("https://A.EXAMPLE"), true),
            ("s.example", Some("http://a.example"), false),
            ("s.example", Some("https://a.example:444"), false),
            ("s.example", Some("https://xa.example"), false),
            ("s.example", Some("https://a.example.evil"), false),
            ("s.example", Some("http://b.example:8080"), true),
            ("s.example", Some("http://b.example"), false),
            ("s.example", Some("http://c.example"), true),
            ("s.example", Some("http://s.example"), true),
            ("s.example", Some("https://s.example"), true),
            ("s.example:8443", Some("https://s.example"), false),
            ("s.example:8443", Some("https://s.example:8443"), true),
            ("[::1]:8080", Some("http://[::1]:8080"), true),
            ("s.example", Some("null"), false),
            ("s.example", Some(""), false),
        ] {
            assert_eq!(origins.allow(&headers(host, origin)), allowed, "{host} {origin:?}");
            assert!(Origins::Any.allow(&headers(host, origin)));
        }
    }

    #[test]
    fn text_that_is_no_origin_is_named() {
        for text in [
            "",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://u@a.example",
            "https://a.example:99999",
            "https://a b",
            "*",
            "null",
        ] {
            let error = Origins::only(["http://fine.example", text]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is not an origin")));
        }
    }
}
