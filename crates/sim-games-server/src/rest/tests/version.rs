//! Versions: `ETag` and `If-Match`.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sim_games_types::Timestamp;

use super::{Answer, STAFF, Service, basic, request};

impl Service {
    async fn if_match(&self, method: &str, path: &str, tag: &str, body: Value) -> Answer {
        let request = request(method, path)
            .header("authorization", basic(STAFF))
            .header("content-type", "application/json")
            .header("if-match", tag);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn tag(&self, path: &str) -> String {
        self.get(path).await.header("etag").to_owned()
    }
}

#[tokio::test]
async fn an_object_tells_its_version_in_microseconds() {
    let service = Service::start().await;
    for path in ["games/div/", "runs/1/", "runusers/1/", "periods/1/"] {
        let answer = service.get(path).await;
        let updated: Timestamp = answer.body["updated"].as_str().unwrap().parse().unwrap();
        assert_eq!(answer.header("etag"), format!("\"{}\"", updated.micros()), "{path}");
    }
    for path in ["users/1/", "runs/"] {
        assert_eq!(service.tag(path).await, "", "{path}");
    }
}

#[tokio::test]
async fn a_write_that_matches_is_stored_and_one_that_does_not_is_refused() {
    let service = Service::start().await;
    let old = service.tag("runs/1/").await;
    let changed = service.if_match("PATCH", "runs/1/", &old, json!({"name": "first"})).await;
    assert_eq!(changed.status, StatusCode::OK);
    let new = changed.header("etag").to_owned();
    assert_ne!(new, old);
    let whole = json!({"name": "second", "game": 1});
    for (method, body) in
        [("PATCH", whole.clone()), ("PUT", whole.clone()), ("DELETE", Value::Null)]
    {
        let answer = service.if_match(method, "runs/1/", &old, body).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{method}");
        let detail = "The object was changed meanwhile, read it again.";
        assert_eq!(answer.body, json!({ "detail": detail }));
    }
    let run = service.get("runs/1/").await;
    assert_eq!((&run.body["name"], run.header("etag")), (&json!("first"), new.as_str()));
    let answer = service.if_match("PUT", "runs/1/", &format!("{old}, {new}"), whole).await;
    assert_eq!(answer.status, StatusCode::OK);
    let new = answer.header("etag");
    let answer = service.if_match("DELETE", "runs/1/", new, Value::Null).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn of_two_writers_who_read_the_same_version_one_is_refused() {
    let service = Service::start().await;
    let tag = service.tag("worlds/1/").await;
    let write =
        |name: &'static str| service.if_match("PATCH", "worlds/1/", &tag, json!({ "name": name }));
    let (one, other) = tokio::join!(write("one"), write("other"));
    let mut told = [one.status.as_u16(), other.status.as_u16()];
    told.sort_unstable();
    assert_eq!(told, [200, 412]);
}

#[tokio::test]
async fn any_version_matches_a_star_and_none_a_weak_or_foreign_tag() {
    let service = Service::start().await;
    let tag = service.tag("worlds/1/").await;
    let name = json!({"name": "x"});
    for foreign in [format!("W/{tag}"), "\"abc\"".to_owned(), tag.replace('"', ""), String::new()] {
        let answer = service.if_match("PATCH", "worlds/1/", &foreign, name.clone()).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{foreign}");
    }
    let answer = service.if_match("PATCH", "worlds/1/", "*", name.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = service.if_match("PATCH", "worlds/9/", "*", name.clone()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    // A user has no version, so no version of it can match.
    let answer = service.if_match("PATCH", "users/2/", &tag, json!({"first_name": "S"})).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
}
