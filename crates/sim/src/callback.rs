//! The place where a Games API without a journal sends its webhooks.
//!
//! A body is read and understood first; then it must prove where it comes from, by a signature
//! when a secret is configured and otherwise by its address. Only what is accepted gets 202.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sim_games_types::Webhook;
use tokio::time::Instant;
use url::Url;

use crate::remote::{Remote, RemoteStore};

/// The largest body, in bytes.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The header with which our own server signs.
const SIGNATURE: &str = "x-simpl-signature";

/// How many webhooks are remembered, so that a repetition is dropped.
const REMEMBERED: usize = 10_000;

/// How long the addresses of the Games API's host are taken for known.
const FRESH: Duration = Duration::from_secs(30);

/// Takes webhooks for the games of one service.
pub(crate) struct Callback {
    remote: Arc<Remote>,
    stores: Vec<Arc<RemoteStore>>,
    seen: Mutex<Seen>,
    /// The addresses of the Games API's host, and when they were looked up.
    host: tokio::sync::Mutex<Option<(Instant, Vec<IpAddr>)>>,
}

/// References of webhooks; the oldest goes when there are too many.
#[derive(Default)]
struct Seen {
    known: HashSet<String>,
    order: VecDeque<String>,
}

/// Why a webhook is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The signature is missing or wrong.
    Signature,
    /// It comes from another address.
    Address,
}

impl Callback {
    pub(crate) fn router(remote: Arc<Remote>, stores: Vec<Arc<RemoteStore>>) -> axum::Router {
        let (seen, host) = (Mutex::default(), tokio::sync::Mutex::default());
        let callback = Arc::new(Self { remote, stores, seen, host });
        axum::Router::new().route("/callback", any(answer)).with_state(callback)
    }

    async fn check(&self, from: IpAddr, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
        if let Some(secret) = &self.remote.config.callback_secret {
            let given = headers.get(SIGNATURE).and_then(|it| it.to_str().ok()).unwrap_or_default();
            return match is_signed(secret.reveal(), given, body) {
                true => Ok(()),
                false => Err(Refused::Signature),
            };
        }
        let from = from.to_canonical();
        let is_listed = self.remote.config.callback_from.iter().any(|it| it.to_canonical() == from);
        match is_listed || self.is_host(from).await {
            true => Ok(()),
            false => Err(Refused::Address),
        }
    }

    /// Whether an address is one of the Games API's own.
    async fn is_host(&self, from: IpAddr) -> bool {
        let mut host = self.host.lock().await;
        if let Some((at, addresses)) = &*host
            && at.elapsed() < FRESH
        {
            return addresses.contains(&from);
        }
        let Ok(url) = self.remote.client.base_url().parse::<Url>() else { return false };
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        match tokio::net::lookup_host((name.as_str(), port)).await {
            Ok(found) => {
                let addresses: Vec<IpAddr> = found.map(|it| it.ip().to_canonical()).collect();
                let is_host = addresses.contains(&from);
                *host = Some((Instant::now(), addresses));
                is_host
            }
            Err(error) => {
                tracing::warn!("the host of the Games API cannot be looked up: {error}");
                false
            }
        }
    }

    /// Hands a webhook to all games, unless it was handed over before; false when it must be sent
    /// again.
    fn deliver(&self, webhook: &Webhook) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.known.contains(&webhook.reference) {
            return true;
        }
        // What one game has taken already is no news to it when the webhook is sent again.
        let taken = self.stores.iter().all(|store| store.deliver(webhook.clone()));
        if taken {
            seen.remember(webhook.reference.clone());
        }
        taken
    }
}

impl Seen {
    fn remember(&mut self, reference: String) {
        self.order.push_back(reference.clone());
        self.known.insert(reference);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

async fn answer(
    State(callback): State<Arc<Callback>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::POST | Method::PUT => {}
        Method::OPTIONS => return ([(header::ALLOW, "POST, PUT, OPTIONS")], "").into_response(),
        _ => {
            let text = r#"{"error":"webhooks are sent with POST","args":[],"kwargs":{}}"#;
            let mut response = json(StatusCode::METHOD_NOT_ALLOWED, text.to_owned());
            let allow = header::HeaderValue::from_static("POST, PUT, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allow);
            return response;
        }
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off");
    };
    let webhook = match serde_json::from_slice::<Webhook>(&body) {
        Ok(webhook) if webhook.data.is_object() => webhook,
        Ok(_) => return refusal(StatusCode::BAD_REQUEST, "`data` is no object"),
        Err(error) => {
            let text = format!("the body is no webhook: {error}");
            return refusal(StatusCode::BAD_REQUEST, &text);
        }
    };
    match callback.check(from.ip(), &parts.headers, &body).await {
        Err(Refused::Signature) => {
            tracing::warn!("refused a webhook without a valid signature");
            return refusal(StatusCode::UNAUTHORIZED, "the signature is missing or wrong");
        }
        Err(Refused::Address) => {
            tracing::warn!(
                "refused a webhook from {}: if the Games API sends from there, list the address \
                 with --callback-from (CALLBACK_FROM)",
                from.ip()
            );
            return refusal(StatusCode::FORBIDDEN, "webhooks are not taken from this address");
        }
        Ok(()) => {}
    }
    match callback.deliver(&webhook) {
        true => json(StatusCode::ACCEPTED, "OK".to_owned()),
        false => refusal(StatusCode::SERVICE_UNAVAILABLE, "too many webhooks are waiting"),
    }
}

/// Compares a signature in constant time.
fn is_signed(secret: &str, given: &str, body: &[u8]) -> bool {
    let Some(given) = given.trim().strip_prefix("sha256=") else { return false };
    let Ok(given) = hex::decode(given) else { return false };
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

fn refusal(status: StatusCode, text: &str) -> Response {
    json(status, serde_json::json!({ "error": text }).to_string())
}

fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
