//! The REST service, without sockets.

mod access;
mod bulk_users;
mod changes;
mod fuzz;
mod history;
mod resources;
mod tokens;
mod units;
mod upserts;
mod version;
mod wire;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::Barrier;
use crate::tests::fixture::small_game;
use crate::{GamesApi, Options};

/// A service with a small game.
struct Service {
    api: GamesApi,
    router: axum::Router,
    _directory: TempDir,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

const STAFF: &str = "simpl@simpl.world:simpl";
const PLAYER: &str = "s1@div.edu:s1";

impl Service {
    async fn start() -> Self {
        Self::with(None).await
    }

    async fn with(barrier: Option<std::sync::Arc<dyn Barrier>>) -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            body_limit: 10_000,
            bulk_items: 40,
            login_failures: 3,
            address_failures: 5,
            ..Options::new(directory.path().join("games.db"))
        };
        let api = GamesApi::open(options).await.unwrap();
        small_game(&api).await;
        Self { router: api.router(barrier), api, _directory: directory }
    }

    /// A request of the staff account.
    async fn staff(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call(STAFF, method, path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.staff("GET", path, Value::Null).await
    }

    /// A request of an account, given as `login:password`; null is no body.
    async fn call(&self, account: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = request(method, path).header("authorization", basic(account));
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        };
        self.send(request.unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn keys(&self) -> Vec<i64> {
        self.body.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect()
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(format!("/apis/{path}")).header("host", "api.test:8100")
}

fn basic(account: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(account))
}
