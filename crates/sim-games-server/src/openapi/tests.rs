//! Whether the description is whole, sound, and what the service really does.

mod drive;
mod page;
mod places;
mod refusals;
mod soundness;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sim_games_types::Resource;
use tempfile::TempDir;
use tower::ServiceExt;

use super::{Limits, document, examples};
use crate::{GamesApi, Options};

const LIMITS: Limits = Limits { body: 1024 * 1024, page: 5000, parameters: 100, items: 10_000 };

/// The document that is served.
fn served() -> Value {
    document::of(&LIMITS)
}

/// An operation of a document.
#[derive(Clone, Copy)]
struct Described<'d> {
    document: &'d Value,
    path: &'d str,
    method: &'d str,
    operation: &'d Value,
}

fn operations(document: &Value) -> Vec<Described<'_>> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push(Described { document, path, method, operation });
        }
    }
    found
}

impl<'d> Described<'d> {
    fn name(&self) -> String {
        format!("{} {}", self.method.to_ascii_uppercase(), self.path)
    }

    fn parameters(&self) -> Vec<&'d Value> {
        let given = self.operation["parameters"].as_array().into_iter().flatten();
        given.map(|parameter| resolved(self.document, parameter)).collect()
    }

    /// The response with a status, wherever it stands.
    fn response(&self, status: StatusCode) -> Option<&'d Value> {
        let response = self.operation["responses"].get(status.as_str())?;
        Some(resolved(self.document, response))
    }

    /// The examples of the body; one without body when there is none.
    fn bodies(&self) -> Vec<Value> {
        let named = examples_of(&self.operation["requestBody"]["content"]["application/json"]);
        if named.is_empty() { vec![Value::Null] } else { named }
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// The examples beside a schema.
fn examples_of(described: &Value) -> Vec<Value> {
    let named = described["examples"].as_object().into_iter().flat_map(Map::values);
    named.map(|example| example["value"].clone()).chain(described.get("example").cloned()).collect()
}

/// A service with an empty database.
struct Service {
    api: GamesApi,
    router: Router,
    _directory: TempDir,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

const STAFF: &str = "simpl@simpl.world:simpl";

impl Service {
    async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let options =
            Options { login_failures: 3, ..Options::new(directory.path().join("games.db")) };
        let api = GamesApi::open(options).await.unwrap();
        Self { router: api.router(None), api, _directory: directory }
    }

    /// A service with the objects of the examples, up to those of one resource.
    async fn with(last: Resource) -> Self {
        let service = Self::start().await;
        for resource in Resource::ALL {
            let path = format!("/apis/{}/", resource.collection());
            let answer = service.staff("POST", &path, &examples::new(resource)).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text);
            if resource == last {
                break;
            }
        }
        service
    }

    /// A request of the staff account; null is no body.
    async fn staff(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.send(request(method, target, body, &[])).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.answer(request).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }
}

fn request(method: &str, target: &str, body: &Value, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost:8100")
        .header("authorization", basic(STAFF));
    for (name, value) in headers {
        request.headers_mut().unwrap().insert(
            axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    if body.is_null() {
        return request.body(Body::empty()).unwrap();
    }
    request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

fn basic(account: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(account))
}

/// What differs from one time to the next is made equal: times, references, tokens.
fn normalized(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(normalized).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let differs = matches!(
                    name.as_str(),
                    "created" | "updated" | "modified" | "at" | "ref" | "key"
                );
                let value =
                    if differs && value.is_string() { json!("…") } else { normalized(value) };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        value => value.clone(),
    }
}
