//! Methods, media types, limits, headers, and what a write waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Barrier, STAFF, Service, basic, request};
use crate::rest::request::take_apart;

#[tokio::test]
async fn every_answer_allows_other_origins_and_names_the_methods() {
    let service = Service::start().await;
    let preflight = request("OPTIONS", "runs/").header("origin", "http://page.test");
    let answer = service.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    let answer = service.get("nothing/").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let answer = service.staff("PATCH", "runs/", json!({})).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "GET, POST, PUT, HEAD, OPTIONS");
    let answer = service.staff("TRACE", "runs/1/", Value::Null).await;
    assert_eq!(answer.body, json!({"detail": "Method \"TRACE\" not allowed."}));
}

#[tokio::test]
async fn paths_without_their_slash_are_redirected_with_their_query() {
    let service = Service::start().await;
    let answer = service.get("runs?active=1").await;
    assert_eq!(answer.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(answer.header("location"), "/apis/runs/?active=1");
    let answer = service.staff("PUT", "runs/1", json!({})).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(service.get("games/div.json/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bodies_are_bounded_in_length_and_depth() {
    let service = Service::start().await;
    let post = |body: String| {
        let request = request("POST", "runs/").header("authorization", basic(STAFF));
        request.header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let answer = service.send(post(format!("{{\"name\": \"{}\"}}", "x".repeat(10_000)))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body["detail"].as_str().unwrap().contains("10000 bytes"));
    for body in ["[".repeat(5_000), "{\"a\": NaN}".to_owned(), "{\"a\": 1e999}".to_owned()] {
        let answer = service.send(post(body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body["detail"].as_str().unwrap().starts_with("JSON parse error - "));
    }
    let nul =
        service.staff("PATCH", "runs/1/", json!({"name": "a\u{0}", "data": {"b\u{0}": 1}})).await;
    let message = json!(["Null characters are not allowed."]);
    assert_eq!(nul.body, json!({"name": message, "data": message}));
}

/// PostgreSQL keeps no such texts, and would be said not to answer.
#[tokio::test]
async fn no_text_with_a_nul_character_reaches_the_database() {
    let service = Service::start().await;
    let message = json!(["Null characters are not allowed."]);
    for (method, path, field) in [
        ("GET", "runs/?name=a%00", "name"),
        ("GET", "users/?email=%00", "email"),
        ("GET", "periods/?game_slug=%00b", "game_slug"),
        ("DELETE", "bulk/runs/?name=%00", "name"),
        ("GET", "bulk/runs/?name=a%00&page=last", "name"),
    ] {
        let answer = service.staff(method, path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path}");
        assert_eq!(answer.body, json!({ field: message }), "{method} {path}");
    }
    assert_eq!(service.get("games/di%00v/").await.status, StatusCode::NOT_FOUND);
    let game = service.get("changes/?game=%00").await;
    assert_eq!(game.body, json!({"game": message}));
    let login = service.call("a\0b:x", "GET", "runs/", Value::Null).await;
    assert_eq!(login.status, StatusCode::UNAUTHORIZED);
    let hook = json!({"event": "div.*", "url": "http://a.b/", "secret": "a\0"});
    let hook = service.staff("POST", "hooks/", hook).await;
    assert_eq!(hook.body, json!({"secret": message}));
    for (unit, told) in [
        (json!({"operations": [], "cause": "\0"}), json!({"cause": message})),
        (
            json!({"operations": [], "idempotency": {"scope": "\0", "key": "a\0", "answer": "\0"}}),
            json!({"idempotency": {"scope": message, "key": message, "answer": message}}),
        ),
    ] {
        let answer = service.staff("POST", "units/", unit).await;
        assert_eq!((answer.status, answer.body), (StatusCode::BAD_REQUEST, told));
    }
}

#[tokio::test]
async fn only_json_is_spoken() {
    let service = Service::start().await;
    let get = request("GET", "runs/").header("authorization", basic(STAFF));
    let answer = service.send(get.header("accept", "image/png").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    let post = request("POST", "runs/").header("authorization", basic(STAFF));
    let answer =
        service.send(post.header("content-type", "text/plain").body("x".into()).unwrap()).await;
    assert_eq!(answer.body, json!({"detail": "Unsupported media type \"text/plain\" in request."}));
}

#[test]
fn no_password_is_shown_in_a_query() {
    let asked = request("GET", "users/?password=s1&Old_Password=x&email=a%40b.c");
    let (call, _) = take_apart(asked.body(Body::empty()).unwrap(), 1);
    assert_eq!(call.redacted_query(), "password=***&Old_Password=***&email=a%40b.c");
}

/// Remembers the last number that a write waited for.
struct Waited(AtomicU64);

#[async_trait]
impl Barrier for Waited {
    async fn reached(&self, seq: u64) {
        self.0.store(seq, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_write_waits_until_it_can_be_seen() {
    let waited = Arc::new(Waited(AtomicU64::new(0)));
    let service = Service::with(Some(Arc::clone(&waited) as Arc<dyn Barrier>)).await;
    service.get("runs/").await;
    assert_eq!(waited.0.load(Ordering::SeqCst), 0);
    service.staff("PATCH", "runs/1/", json!({"data": {"a": 1}})).await;
    let seq = waited.0.load(Ordering::SeqCst);
    assert_eq!(seq, service.api.last_seq().await.unwrap());
    let change = service.api.subscribe(seq - 1).next().await.unwrap();
    assert_eq!(change[0].cause.as_deref(), Some("PATCH /apis/runs/1/"));
    assert_eq!(change[0].actor, Some(sim_games_types::UserPk(1)));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_as_such() {
    let service = Service::start().await;
    service.api.close().await;
    let answer = service.get("runs/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
}
