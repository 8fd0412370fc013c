//! What is too large, too slow or no text at all.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Answer, PLAYER, STAFF, Service, basic, request};
use crate::rest::request::take_apart;

/// A body whose first chunk is all that ever comes.
fn stalled(first: &'static [u8]) -> Body {
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(first))]);
    Body::from_stream(first.chain(stream::pending()))
}

fn is_refused(answer: &Answer, status: StatusCode, detail: &str) {
    assert_eq!((answer.status, &answer.body), (status, &json!({ "detail": detail })));
}

#[tokio::test(start_paused = true)]
async fn a_body_is_waited_for_half_a_minute() {
    let begin = Instant::now();
    let (_, payload) = take_apart(request("POST", "runs/").body(stalled(b"{")).unwrap(), 100);
    let refusal = payload.json().await.unwrap_err().into_response();
    assert_eq!(refusal.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(begin.elapsed() >= Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_waited_for() {
    let service = Service::start().await;
    let post = |length: &str| {
        let request = request("POST", "runs/").header("authorization", basic(STAFF));
        request.header("content-length", length).body(stalled(b"")).unwrap()
    };
    for length in ["10001", "9223372036854775807"] {
        let answer = service.send(post(length)).await;
        let detail = "The request body is larger than 10000 bytes.";
        is_refused(&answer, StatusCode::PAYLOAD_TOO_LARGE, detail);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_called_too_large() {
    let service = Service::start().await;
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
    let post = request("POST", "runs/").header("authorization", basic(STAFF));
    let answer = service.send(post.body(Body::from_stream(broken)).unwrap()).await;
    is_refused(&answer, StatusCode::BAD_REQUEST, "The request body ended too early.");
}

#[tokio::test]
async fn addresses_and_headers_are_bounded() {
    let service = Service::start().await;
    let long = format!("runs/?name={}", "x".repeat(16_384));
    let detail = "The address is longer than 16384 bytes.";
    is_refused(&service.get(&long).await, StatusCode::URI_TOO_LONG, detail);
    let large = request("GET", "runs/").header("x-large", "x".repeat(32_768));
    let answer = service.send(large.body(Body::empty()).unwrap()).await;
    let detail = "The request headers are larger than 32768 bytes.";
    is_refused(&answer, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail);
}

#[tokio::test]
async fn queries_are_text_without_nul() {
    let service = Service::start().await;
    for query in ["runs/?name=%FF", "runs/?%ED%A0%80=1", "bulk/runs/?name=a%FFb"] {
        let method = if query.starts_with("bulk") { "DELETE" } else { "GET" };
        let answer = service.staff(method, query, Value::Null).await;
        is_refused(&answer, StatusCode::BAD_REQUEST, "The query is not valid UTF-8.");
    }
    for (query, field) in [
        ("runs/?name=%00", "name"),
        ("runs/?a%00=1", "a"),
        ("changes/?game=%00", "game"),
        ("users/?email=a%00", "email"),
    ] {
        let answer = service.get(query).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.body, json!({ field: ["Null characters are not allowed."] }));
    }
    for path in ["games/%00/", "games/a%00b/", "games/%FF/", "scenarios/%00/rewind/"] {
        let answer = service.staff("POST", path, Value::Null).await;
        is_refused(&answer, StatusCode::NOT_FOUND, "Not found.");
    }
}

#[tokio::test]
async fn a_login_with_nul_is_an_unknown_login() {
    let service = Service::start().await;
    for account in ["\0:x", "simpl@simpl.world\0:simpl"] {
        let answer = service.call(account, "GET", "runs/", Value::Null).await;
        is_refused(&answer, StatusCode::UNAUTHORIZED, "Invalid username/password.");
    }
}

#[tokio::test]
async fn every_text_of_a_body_is_without_nul() {
    let service = Service::start().await;
    let message = json!(["Null characters are not allowed."]);
    let hook = json!({"event": "div.*", "url": "http://a.b/", "secret": "a\0"});
    let answer = service.staff("POST", "hooks/", hook).await;
    assert_eq!(answer.body, json!({ "secret": message }));
    let unit = json!({
        "operations": [],
        "cause": "\0",
        "idempotency": {"scope": "\0", "key": "a\0b", "answer": "\0"},
    });
    let answer = service.staff("POST", "units/", unit).await;
    let told = json!({"scope": message, "key": message, "answer": message});
    assert_eq!(answer.body, json!({"cause": message, "idempotency": told}));
}

#[tokio::test]
async fn data_is_nested_so_deeply_that_all_can_read_it() {
    let service = Service::start().await;
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": [inner] }));
    let answer = service.staff("PATCH", "runs/1/", json!({"data": nested(32)})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(service.get("runs/").await.body[0]["data"], nested(32));
    let answer = service.staff("PATCH", "runs/1/", json!({"data": [nested(32)]})).await;
    assert_eq!(answer.body, json!({"data": ["Ensure this is nested at most 64 levels deep."]}));
}

#[tokio::test]
async fn a_list_is_sorted_by_each_field_once() {
    let service = Service::start().await;
    let ordering = "-id,id,name,".repeat(1000);
    let answer = service.get(&format!("runs/?ordering={ordering}")).await;
    assert_eq!((answer.status, answer.keys()), (StatusCode::OK, vec![1]));
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_taken_off_its_connection() {
    let service = Service::start().await;
    for (path, account) in [("runs/", PLAYER), ("nothing/", STAFF), ("runs/1/audit/", STAFF)] {
        let (sender, sent) = tokio::sync::oneshot::channel();
        let pieces = stream::iter(["{", "}"].map(Ok::<_, std::convert::Infallible>));
        let end = stream::once(async move {
            sender.send(()).unwrap();
            Ok("")
        });
        let body = Body::from_stream(pieces.chain(end));
        let request = request("POST", path).header("authorization", basic(account)).body(body);
        let answer = service.send(request.unwrap()).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        sent.await.expect("the body was read to its end");
    }
}
