//! Sends one event to one address.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, ClientBuilder, Response};
use sha2::Sha256;
use sim_games_types::Timestamp;

use super::WebhookOptions;
use super::worker::Target;
use crate::model::{is_forbidden_address, names_forbidden_address};
use crate::store::HookFailure;

/// Characters of an error or an answer that are kept.
const KEPT: usize = 1000;

/// Bytes of an answer that are read, so that the connection can be used again.
const READ: usize = 64 * 1024;

/// The HTTP clients.
#[derive(Debug)]
pub(super) struct Sender {
    plain: Client,
    /// Missing where there are no root certificates; plain HTTP goes on without them.
    secure: Option<Client>,
}

impl Sender {
    pub(super) fn new(options: &WebhookOptions) -> reqwest::Result<Self> {
        install_tls_provider();
        let secure = builder(options).build();
        if let Err(error) = &secure {
            tracing::warn!(error = %error, "cannot deliver to `https` addresses");
        }
        Ok(Self { plain: builder(options).tls_certs_only([]).build()?, secure: secure.ok() })
    }

    /// Sends a body; success is an answer with a status from 200 to 299.
    pub(super) async fn send(&self, target: &Target, body: &[u8]) -> Result<(), HookFailure> {
        if names_forbidden_address(&target.url) {
            return Err(failure(None, "link-local and metadata addresses are refused"));
        }
        let client = match &self.secure {
            Some(secure) if is_secure(&target.url) => secure,
            None if is_secure(&target.url) => {
                return Err(failure(None, "this service has no root certificates for `https`"));
            }
            _ => &self.plain,
        };
        let mut request =
            client.post(&target.url).header(CONTENT_TYPE, "application/json").body(body.to_owned());
        if let Some(secret) = &target.secret {
            request = request.header("X-Simpl-Signature", signature(secret, body));
        }
        let answer = request.send().await.map_err(|error| failure(None, &reason(error)))?;
        let status = answer.status();
        let text = beginning(answer).await;
        if status.is_success() { Ok(()) } else { Err(failure(Some(status.as_u16()), &text)) }
    }
}

fn builder(options: &WebhookOptions) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("sim-games-server/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
        // A redirect would lead past the check of the address.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(CheckedNames))
}

fn is_secure(url: &str) -> bool {
    url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// reqwest is built without a TLS provider of its own and takes the process's.
pub(crate) fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread installed the TLS provider at the same time");
    }
}

/// Finds the addresses of names; the connection is made to the addresses that were checked here.
#[derive(Debug)]
struct CheckedNames;

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|it| is_forbidden_address(it.ip())) {
                return Err("the name leads to a link-local or metadata address".into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// The header with which a subscriber can tell that a delivery comes from here.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").expect("a text takes whatever is written");
    }
    text
}

/// What went wrong, without the address, which may hold a password.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The beginning of an answer's text; what does not come in time is left out.
async fn beginning(mut answer: Response) -> String {
    let mut read = Vec::new();
    while read.len() < READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn failure(status: Option<u16>, text: &str) -> HookFailure {
    let content = text.replace('\0', "").chars().take(KEPT).collect();
    HookFailure { at: Timestamp::now(), status, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_a_forbidden_address_is_not_connected_to() {
        let forbidden = CheckedNames.resolve("169.254.169.254".parse().unwrap()).await;
        assert!(forbidden.is_err());
        let good = CheckedNames.resolve("localhost".parse().unwrap()).await;
        assert!(good.is_ok_and(|mut found| found.next().is_some()));
    }
}
