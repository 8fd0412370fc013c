//! What can go wrong, and for which request.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use sim_games_types::Resource;
use url::Url;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base URL is not one.
    #[error("the base URL is unusable: {reason}; give one such as `http://localhost:8100/apis`")]
    BaseUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The credentials cannot stand in a header.
    #[error("the credentials hold a character that no HTTP header may hold")]
    Credentials,
    /// TLS or the HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// No connection was made, so nothing was sent.
    #[error("{request}: cannot connect to `{origin}`")]
    Connect {
        /// The request.
        request: RequestLine,
        /// Scheme, host and port.
        origin: String,
        /// What the system says.
        source: reqwest::Error,
    },
    /// The certificate of the server is too old or too new, so nothing was sent.
    #[error("{request}: the certificate of `{origin}` {problem}")]
    Certificate {
        /// The request.
        request: RequestLine,
        /// Scheme, host and port.
        origin: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
        /// What the system says.
        source: reqwest::Error,
    },
    /// The answer did not come in time; whether the request took effect is not known.
    #[error("{request}: no answer within {limit:?}")]
    Timeout {
        /// The request.
        request: RequestLine,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection broke; whether the request took effect is not known.
    #[error("{request}: the connection broke")]
    Transport {
        /// The request.
        request: RequestLine,
        /// What happened.
        source: reqwest::Error,
    },
    /// The credentials are missing or wrong (401), or do not suffice (403).
    #[error("{request}: {message} (status {status})")]
    NotAllowed {
        /// The request.
        request: RequestLine,
        /// 401 or 403.
        status: u16,
        /// The API's own words.
        message: String,
    },
    /// There is no such object, or none matches.
    #[error("{request}: {message}")]
    NotFound {
        /// The request.
        request: RequestLine,
        /// The API's own words, or ours when a look-up matched nothing.
        message: String,
    },
    /// Several objects match where one was expected.
    #[error("{request}: {count} objects match where one was expected")]
    MultipleFound {
        /// The request.
        request: RequestLine,
        /// How many the first page holds.
        count: usize,
    },
    /// Another object has the same unique fields.
    #[error("{request}: {message} (status {status})")]
    Conflict {
        /// The request.
        request: RequestLine,
        /// 400 or 409.
        status: u16,
        /// The API's own words.
        message: String,
    },
    /// The API answered with another error.
    #[error("{request}: {message} (status {status})")]
    Refused {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The API's own words.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("{request}: the answer is not the expected JSON")]
    Decode {
        /// The request.
        request: RequestLine,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// The fields to send are not a JSON object.
    #[error("the fields of a {resource} cannot be written as a JSON object: {reason}")]
    Encode {
        /// What they were meant for.
        resource: Resource,
        /// What is wrong.
        reason: String,
    },
    /// The links from page to page lead astray.
    #[error("{request}: {reason}")]
    Pages {
        /// The page whose link is wrong.
        request: RequestLine,
        /// What is wrong with it.
        reason: String,
    },
    /// A bulk delete without a filter would delete everything.
    #[error("refused to delete all {} at once: give a filter that is not empty", resource.collection())]
    EmptyLookup {
        /// What would have been deleted.
        resource: Resource,
    },
    /// A key cannot stand in a path.
    #[error("`{key}` is no key of a {resource}: use letters, digits, `-` and `_`")]
    Key {
        /// The resource.
        resource: Resource,
        /// The key.
        key: String,
    },
}

/// Method and path of a request, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    method: reqwest::Method,
    path: String,
}

impl RequestLine {
    pub(crate) fn new(method: &reqwest::Method, url: &Url) -> Self {
        Self { method: method.clone(), path: safe_path(url) }
    }

    /// The method, in capitals.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// Path and query; the value of a `password` is masked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What is wrong with the dates of a server's certificate, if that is why nothing was sent.
pub(crate) fn problem_of_dates(error: &reqwest::Error) -> Option<&'static str> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(error)) = error.downcast_ref() {
            return match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(
                    "has expired: have it renewed, or set this machine's clock if that is wrong",
                ),
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Some("is not valid yet: set this machine's clock, or wait")
                }
                _ => None,
            };
        }
        // An error of input and output names as its source that of the error which it holds.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

fn safe_path(url: &Url) -> String {
    let is_secret = |field: &str| field.to_ascii_lowercase().contains("password");
    let mut url = url.clone();
    if url.query_pairs().any(|(field, _)| is_secret(&field)) {
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(field, value)| {
            (field.as_str(), if is_secret(field) { "***" } else { value.as_str() })
        }));
    }
    url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_password_is_masked() {
        let url = "http://host/apis/users/?email=s1%40div.edu&Password=s1&x=1".parse().unwrap();
        let line = RequestLine::new(&reqwest::Method::GET, &url);
        assert_eq!(line.to_string(), "GET /apis/users/?email=s1%40div.edu&Password=***&x=1");
    }

    #[test]
    fn a_path_without_secrets_is_left_as_it_is() {
        let url = "http://host/apis/worlds/?run=1&name=World+1".parse().unwrap();
        let line = RequestLine::new(&reqwest::Method::GET, &url);
        assert_eq!(line.path(), "/apis/worlds/?run=1&name=World+1");
    }
}
