//! The refusals that the document shows are those that the service makes.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use sim_games_types::Resource;

use super::{Answer, STAFF, Service, basic, examples_of, served};

/// Asserts that a refusal is documented word for word under a name.
fn assert_shown(document: &Value, name: &str, answer: &Answer) {
    let response = &document["components"]["responses"][name];
    let shown = examples_of(&response["content"]["application/json"]);
    assert!(shown.contains(&answer.json()), "{name}: {} {shown:?}", answer.text);
    for header in response["headers"].as_object().into_iter().flat_map(|it| it.keys()) {
        assert!(answer.headers.contains_key(header), "{name}: {header}");
    }
}

fn raw(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn what_is_refused_of_anybody_reads_as_it_is_documented() {
    let document = served();
    let service = Service::with(Resource::Hook).await;
    let staff = basic(STAFF);
    let known = ("authorization", staff.as_str());
    let json = ("content-type", "application/json");
    let large = " ".repeat(super::LIMITS.body + 1);
    let long = format!("/apis/runs/?name={}", "x".repeat(20_000));
    let many = "x".repeat(40_000);
    for (name, request) in [
        ("Unauthenticated", raw("GET", "/apis/runs/", &[], "")),
        ("Unauthenticated", raw("GET", "/apis/runs/", &[("authorization", "Token x")], "")),
        ("Missing", raw("GET", "/apis/runs/9/", &[known], "")),
        ("MissingPage", raw("GET", "/apis/runs/?page=9", &[known], "")),
        ("Method", raw("TRACE", "/apis/runs/", &[known], "")),
        ("NotAcceptable", raw("GET", "/apis/runs/", &[known, ("accept", "image/png")], "")),
        ("AddressTooLong", raw("GET", &long, &[known], "")),
        ("HeadersTooLarge", raw("GET", "/apis/runs/", &[known, ("x-more", &many)], "")),
        ("TooLarge", raw("POST", "/apis/runs/", &[known, json], large)),
        ("MediaType", raw("POST", "/apis/runs/", &[known, ("content-type", "text/plain")], "x")),
        ("Fields", raw("POST", "/apis/runs/", &[known, json], "x")),
        ("Fields", raw("PATCH", "/apis/runs/1/", &[known, json], "x")),
        ("Items", raw("POST", "/apis/bulk/runs/", &[known, json], "x")),
        ("Login", raw("POST", "/apis/authcheck/", &[json], "{\"email\": \"a@b.cd\"}")),
        ("Login", raw("POST", "/apis/authcheck/", &[json], "{\"authid\": 9, \"password\": \"x\"}")),
        ("VersionDiffers", raw("DELETE", "/apis/runs/1/", &[known, ("if-match", "\"1\"")], "")),
        ("Conflict", raw("DELETE", "/apis/roles/1/", &[known], "")),
        ("Conflict", raw("DELETE", "/apis/bulk/roles/?game=1", &[known], "")),
        ("Fields", raw("POST", "/apis/runs/", &[known, json], "{\"game\": 1}")),
        (
            "Items",
            raw(
                "POST",
                "/apis/bulk/periods/",
                &[known, json],
                "[{\"scenario\": 1, \"order\": 2}, {\"scenario\": 1, \"order\": 1}]",
            ),
        ),
    ] {
        assert_shown(&document, name, &service.send(request).await);
    }
}

#[tokio::test]
async fn logins_are_refused_as_it_is_documented() {
    let document = served();
    let service = Service::with(Resource::User).await;
    let player = basic("s1@div.edu:s1");
    let forbidden = raw("GET", "/apis/runs/", &[("authorization", &player)], "");
    assert_shown(&document, "Forbidden", &service.send(forbidden).await);
    let wrong = basic("s1@div.edu:x");
    for _ in 0..3 {
        let refused = raw("GET", "/apis/runs/", &[("authorization", &wrong)], "");
        assert_shown(&document, "Unauthenticated", &service.send(refused).await);
    }
    let throttled = raw("GET", "/apis/runs/", &[("authorization", &wrong)], "");
    let answer = service.send(throttled).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds = answer.headers["retry-after"].to_str().unwrap();
    let shown = &document["components"]["responses"]["Throttled"]["content"]["application/json"];
    let shown = shown["examples"]["refused"]["value"].to_string().replace("60", seconds);
    assert_eq!(answer.text, shown);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_refused_as_it_is_documented() {
    let document = served();
    let service = Service::with(Resource::Game).await;
    let body = Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    let headers = [("authorization", basic(STAFF)), ("content-type", "application/json".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, it)| (*name, &**it)).collect();
    tokio::time::pause();
    let answer = service.send(raw("POST", "/apis/runs/", &headers, body)).await;
    assert_shown(&document, "BodyTooSlow", &answer);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_as_it_is_documented() {
    let document = served();
    let service = Service::start().await;
    service.api.close().await;
    let answer = service.staff("GET", "/apis/runs/", &Value::Null).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_shown(&document, "Unavailable", &answer);
}
