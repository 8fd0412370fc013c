//! Sends recorded requests to a router and compares the answers.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tower::ServiceExt;

/// The address under which the original was reached.
const HOST: &str = "127.0.0.1:8100";

/// Headers that must be the same.
const HEADERS: [&str; 2] = ["www-authenticate", "link"];

/// The fields that hold a key, and the collection that it belongs to.
const KEYS: [(&str, &str); 10] = [
    ("game", "games"),
    ("phase", "phases"),
    ("role", "roles"),
    ("run", "runs"),
    ("world", "worlds"),
    ("user", "users"),
    ("runuser", "runusers"),
    ("scenario", "scenarios"),
    ("period", "periods"),
    ("world__run", "runs"),
];

/// An answer that is not as recorded.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// The position in the recording.
    pub(crate) position: usize,
    /// The recorded status.
    pub(crate) recorded: u64,
    /// Our status.
    pub(crate) ours: u64,
    /// What differs, for people.
    pub(crate) what: String,
}

/// A router, and how the recorded keys are called there.
pub(crate) struct Replay {
    router: Router,
    keys: HashMap<(String, i64), i64>,
}

impl Replay {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, keys: HashMap::from([(("users".to_owned(), 1), 1)]) }
    }

    /// Sends all requests of a recording, in order.
    pub(crate) async fn play(&mut self, recording: &str) -> Vec<Difference> {
        let pairs: Vec<Value> = serde_json::from_str(recording).unwrap();
        let mut differences = Vec::new();
        for (position, pair) in pairs.iter().enumerate() {
            let (request, expected) = (&pair["request"], &pair["response"]);
            let path = request["path"].as_str().unwrap();
            let ours = ["/apis/", "/rest-auth/"].iter().any(|it| path.starts_with(it));
            if !ours || is_abridged(request) {
                continue;
            }
            let (status, headers, body) = self.send(request).await;
            self.learn(path, &expected["body"], &body);
            let what = self.compare(expected, status, &headers, &body);
            if let Some(what) = what {
                let what = format!("{} {path}: {what}", request["method"].as_str().unwrap());
                let recorded = expected["status"].as_u64().unwrap();
                differences.push(Difference { position, recorded, ours: status.into(), what });
            }
        }
        differences
    }

    async fn send(&self, request: &Value) -> (u16, HeaderMap, Value) {
        let path = self.our_path(request["path"].as_str().unwrap());
        let mut built = Request::builder()
            .method(request["method"].as_str().unwrap())
            .uri(path.replace(' ', "%20"))
            .header("host", HOST);
        let recorded = request["headers"].as_object();
        let recorded = recorded.into_iter().flatten();
        for (name, value) in recorded {
            match (name.to_ascii_lowercase().as_str(), value.as_str().unwrap()) {
                ("authorization", "Basic <credentials>") => {
                    built = built.header("authorization", basic("simpl@simpl.world", "simpl"));
                }
                ("authorization" | "accept" | "content-type", value) => {
                    built = built.header(name, value);
                }
                _ => {}
            }
        }
        if let Some([user, password]) = request["auth"].as_array().map(Vec::as_slice) {
            let value = basic(user.as_str().unwrap(), password.as_str().unwrap());
            built = built.header("authorization", value);
        }
        let has_type = built.headers_ref().unwrap().contains_key("content-type");
        let body = match &request["body"] {
            Value::Null => Body::empty(),
            // A text is the body as it was sent; the recorder put what is no JSON there.
            Value::String(text) => Body::from(text.clone()),
            other => {
                if !has_type {
                    built = built.header("content-type", "application/json");
                }
                Body::from(self.our_keys(other).to_string())
            }
        };
        let response = self.router.clone().oneshot(built.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (parts.status.as_u16(), parts.headers, body)
    }

    /// Remembers which of our keys stands for a recorded one.
    fn learn(&mut self, path: &str, recorded: &Value, ours: &Value) {
        let segments = path.split(['/', '?']).filter(|it| !matches!(*it, "" | "apis" | "bulk"));
        let Some(collection) = segments.map(str::to_owned).next() else { return };
        let both = match (recorded, ours) {
            (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
                recorded.iter().zip(ours).collect()
            }
            (Value::Object(_), Value::Object(_)) => vec![(recorded, ours)],
            _ => Vec::new(),
        };
        for (recorded, ours) in both {
            if let (Some(recorded), Some(ours)) = (recorded["id"].as_i64(), ours["id"].as_i64()) {
                self.keys.entry((collection.clone(), recorded)).or_insert(ours);
            }
        }
    }

    fn key(&self, collection: &str, recorded: i64) -> i64 {
        *self.keys.get(&(collection.to_owned(), recorded)).unwrap_or(&recorded)
    }

    fn our_path(&self, path: &str) -> String {
        let (path, query) = path.split_once('?').map_or((path, None), |(it, q)| (it, Some(q)));
        let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        for index in 1..segments.len() {
            if let Ok(key) = segments[index].parse() {
                segments[index] = self.key(&segments[index - 1], key).to_string();
            }
        }
        let path = segments.join("/");
        let Some(query) = query else { return path };
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                let last = name.rsplit("__").next().unwrap();
                let collection = KEYS.iter().find(|(field, _)| *field == last);
                match (collection, value.parse()) {
                    (Some((_, collection)), Ok(key)) => {
                        format!("{name}={}", self.key(collection, key))
                    }
                    _ => pair.to_owned(),
                }
            })
            .collect();
        format!("{path}?{}", pairs.join("&"))
    }

    /// A recorded body with our keys in place of the recorded ones.
    fn our_keys(&self, recorded: &Value) -> Value {
        match recorded {
            Value::Array(items) => items.iter().map(|item| self.our_keys(item)).collect(),
            Value::Object(fields) => {
                let ours = fields.iter().map(|(name, value)| {
                    let collection = KEYS.iter().find(|(field, _)| field == name);
                    let value = match (collection, value.as_i64()) {
                        (Some((_, collection)), Some(key)) => self.key(collection, key).into(),
                        _ => value.clone(),
                    };
                    (name.clone(), value)
                });
                Value::Object(ours.collect())
            }
            other => other.clone(),
        }
    }

    fn compare(
        &self,
        expected: &Value,
        status: u16,
        headers: &HeaderMap,
        body: &Value,
    ) -> Option<String> {
        let recorded = expected["status"].as_u64().unwrap();
        if recorded != u64::from(status) {
            let text: String = body.to_string().chars().take(100).collect();
            return Some(format!("{recorded} became {status} {text}"));
        }
        for name in HEADERS {
            let ours = headers.get(name).map(|value| value.to_str().unwrap());
            let recorded = expected["headers"].as_object().unwrap().iter();
            let recorded = recorded.into_iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
            let recorded = recorded.and_then(|(_, value)| value.as_str());
            if recorded != ours {
                return Some(format!("{name} {recorded:?} became {ours:?}"));
            }
        }
        let recorded = shape(&self.our_keys(&expected["body"]));
        let ours = shape(body);
        let same = recorded == ours || matches!(recorded.as_str(), Some(text) if is_prose(text));
        (!same).then(|| format!("{recorded} became {ours}"))
    }
}

/// Whether the recorder left out the body of a request that was too long to keep.
fn is_abridged(request: &Value) -> bool {
    request["body"].as_str().is_some_and(|text| text.starts_with("(501 rows"))
        || request["path"].as_str().is_some_and(|path| path.contains("results/?period=8"))
}

/// Answers that are pages for people are not compared.
fn is_prose(text: &str) -> bool {
    text.contains("<!DOCTYPE") || text.contains("<!doctype")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// What is compared of a body: no keys of the row itself, no times, of a list the first element's
/// fields, of a parser's complaint only that it is one.
fn shape(body: &Value) -> Value {
    match body {
        Value::Array(items) => match items.first() {
            Some(Value::Object(first)) if first.contains_key("id") => {
                let mut names: Vec<_> = first.keys().filter(|name| *name != "role_name").collect();
                names.sort();
                names.into_iter().map(|name| Value::String(name.clone())).collect()
            }
            _ => body.clone(),
        },
        Value::Object(fields) => {
            let kept = fields.iter().map(|(name, value)| match name.as_str() {
                "id" | "created" | "updated" | "modified" => (name.clone(), Value::Null),
                "detail" if is_parse_error(value) => (name.clone(), "JSON parse error".into()),
                _ => (name.clone(), value.clone()),
            });
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

fn is_parse_error(detail: &Value) -> bool {
    detail.as_str().is_some_and(|text| text.starts_with("JSON parse error - "))
}
