//! How a client is set up.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use url::Url;

use crate::client::{Client, Inner};
use crate::credentials::Credentials;
use crate::{Error, Result};

/// How often and how patiently a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often at most, after the first attempt.
    pub times: usize,
    /// The pause before the first repetition; it doubles from one to the next.
    pub first_pause: Duration,
    /// The longest pause, also when the server asks for a longer one: then the request fails.
    pub longest_pause: Duration,
}

impl Retry {
    /// Four repetitions within some two seconds.
    pub const STANDARD: Self = Self {
        times: 4,
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(5),
    };

    /// No repetition.
    pub const NEVER: Self = Self { times: 0, ..Self::STANDARD };
}

/// Collects what a [`Client`] needs.
#[derive(Clone, Debug)]
#[must_use = "a builder makes no client before `build`"]
pub struct ClientBuilder {
    url: String,
    credentials: Credentials,
    connect_timeout: Duration,
    timeout: Duration,
    retry: Retry,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            credentials: Credentials::None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            retry: Retry::STANDARD,
        }
    }

    /// Authenticates with an e-mail address and a password.
    pub fn basic(mut self, email: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Credentials::Basic { email: email.into(), password: password.into() };
        self
    }

    /// Authenticates with a token.
    pub fn token(mut self, key: impl Into<String>) -> Self {
        self.credentials = Credentials::Token(key.into());
        self
    }

    /// Sets how long connecting may take; 2 s unless set.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long one attempt may take, from connecting to the last byte; 10 s unless set.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets how requests are repeated; [`Retry::STANDARD`] unless set.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is not an `http` or `https` one, the credentials cannot stand in a header, or
    /// TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let base = base_url(&self.url)?;
        let authorization = self.credentials.header()?;
        let http = self.http_client(&base).map_err(Error::Setup)?;
        Ok(Client(Arc::new(Inner {
            http,
            base,
            credentials: self.credentials,
            authorization,
            timeout: self.timeout,
            retry: self.retry,
        })))
    }

    fn http_client(&self, base: &Url) -> reqwest::Result<reqwest::Client> {
        install_tls_provider();
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sim-games-client/", env!("CARGO_PKG_VERSION")))
            .default_headers(accept)
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            // A redirect would carry a body and credentials to a place that nobody named.
            .redirect(reqwest::redirect::Policy::none())
            // Libraries do not read the environment, where proxies would stand.
            .no_proxy();
        if base.scheme() == "http" {
            // Without this an image that has no root certificates could not even use plain HTTP.
            builder = builder.tls_certs_only([]);
        }
        builder.build()
    }
}

/// reqwest is built without a TLS provider of its own and takes the process's.
fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread installed the TLS provider at the same time");
    }
}

/// Reads the base URL and closes its path, so that collections can be joined to it.
fn base_url(text: &str) -> Result<Url> {
    let unusable = |reason: String| Error::BaseUrl { reason };
    let mut url: Url = text.trim().parse().map_err(|error| unusable(format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable(format!("`{}` is neither `http` nor `https`", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unusable("it holds credentials, which belong beside it".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("it has a query or a fragment".to_owned()));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_ends_in_exactly_one_slash() {
        for text in ["http://localhost:8100/apis", "http://localhost:8100/apis/"] {
            assert_eq!(base_url(text).unwrap().as_str(), "http://localhost:8100/apis/");
        }
        assert_eq!(base_url("http://localhost:8100").unwrap().as_str(), "http://localhost:8100/");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in ["", "localhost:8100/apis", "ftp://host/", "/apis", "http://host/?page=2"] {
            assert!(matches!(base_url(text), Err(Error::BaseUrl { .. })), "{text}");
        }
    }

    #[test]
    fn credentials_in_the_url_are_refused_and_not_repeated() {
        let error = base_url("http://simpl:geheim@host/apis").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("geheim"));
    }

    #[test]
    fn a_client_can_be_built_for_http_and_https() {
        for url in ["http://localhost/apis", "https://localhost/apis"] {
            Client::builder(url).token("abc").build().unwrap();
        }
    }

    #[test]
    fn a_password_with_a_line_break_in_a_token_is_refused() {
        let error = Client::builder("http://host/").token("ab\ncd").build().unwrap_err();
        assert!(matches!(error, Error::Credentials));
    }
}
