//! Units of work over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Answer, Barrier, PLAYER, STAFF, Service};
use crate::tests::fixture::{create, unit};
use sim_games_types::Resource;

impl Service {
    async fn unit(&self, operations: Value) -> Answer {
        self.staff("POST", "units/", json!({ "operations": operations })).await
    }

    async fn add_user(&self, email: &str, flag: &str) -> i64 {
        let fields = json!({"email": email, "password": "pw", flag: true});
        self.api.commit(unit([create(Resource::User, fields, None)])).await.unwrap();
        let found = self.get(&format!("users/?email={email}")).await;
        found.keys()[0]
    }
}

fn world(name: &str) -> Value {
    json!({"op": "create", "resource": "world", "fields": {"name": name, "run": 1}})
}

#[tokio::test]
async fn a_unit_is_stored_and_answered_with_its_rows_as_they_are_at_its_end() {
    let service = Service::start().await;
    let head = service.api.last_seq().await.unwrap();
    let answer = service
        .unit(json!([
            {"op": "create", "resource": "world", "ref": 4, "fields": {"name": "W2", "run": 1}},
            {"op": "upsert", "resource": "scenario", "ref": 5,
             "key": {"world": {"$ref": 4}, "name": "S2"}, "fields": {"data": {"a": 1}}},
            {"op": "change", "resource": "scenario", "pk": {"$ref": 5}, "fields": {"data": 2}},
            {"op": "get_or_create", "resource": "world", "key": {"run": 1, "name": "World 1"}},
            {"op": "delete", "resource": "period", "pk": 1},
        ]))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let objects = &answer.body["objects"];
    assert_eq!(answer.body["references"], json!({"4": 2, "5": 2}));
    assert_eq!(answer.body["replayed"], Value::Null);
    assert_eq!(answer.body["seq"], head + 4);
    assert_eq!(objects[0]["name"], "W2");
    assert_eq!(objects[1], objects[2]);
    assert_eq!(objects[2]["data"], 2);
    assert_eq!(objects[3]["id"], 1);
    assert_eq!(objects[4], Value::Null);
    assert_eq!(objects.as_array().unwrap().len(), 5);
    assert_eq!(service.get("periods/1/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refused_operation_is_named_by_its_position_and_nothing_is_stored() {
    let service = Service::start().await;
    let bad = json!({"op": "create", "resource": "world", "fields": {"name": "Y", "run": 99}});
    let answer = service
        .unit(json!([world("X"), bad, {"op": "create", "resource": "world",
        "fields": {}}]))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let message = "Invalid pk \"99\" - object does not exist.";
    assert_eq!(answer.body, json!({"operations": {"1": {"run": [message]}}}));
    assert_eq!(service.get("worlds/").await.keys(), [1]);
}

#[tokio::test]
async fn an_operation_that_cannot_be_read_is_named_by_its_position() {
    let service = Service::start().await;
    let answer = service.unit(json!([world("X"), {"op": "explode"}, 7])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let told = answer.body["operations"].as_object().unwrap();
    assert_eq!(told.keys().collect::<Vec<_>>(), ["1", "2"]);
    let message = told["1"]["non_field_errors"][0].as_str().unwrap();
    assert!(message.contains("unknown variant `explode`"), "{message}");
}

#[tokio::test]
async fn the_parts_of_a_body_are_checked_and_named() {
    let service = Service::start().await;
    let long = "x".repeat(256);
    for (body, field) in [
        (json!({}), "operations"),
        (json!({"operations": {}}), "operations"),
        (json!({"operations": vec![json!({}); 1001]}), "operations"),
        (json!({"operations": [], "preconditions": [{"check": "luck"}]}), "preconditions"),
        (json!({"operations": [], "cause": long}), "cause"),
        (json!({"operations": [], "cause": 1}), "cause"),
        (json!({"operations": [], "idempotency": []}), "idempotency"),
        (json!({"operations": [], "idempotency": {"scope": "s"}}), "idempotency"),
        (json!({"operations": [], "idempotency": {"scope": "s", "key": long}}), "idempotency"),
        (
            json!({"operations": [], "preconditions": [{"check": "children",
            "resource": "world", "parent": "period", "pk": 1, "children": []}]}),
            "preconditions",
        ),
    ] {
        let answer = service.staff("POST", "units/", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field}");
        let told = answer.body.as_object().unwrap();
        assert_eq!(told.keys().collect::<Vec<_>>(), [field]);
    }
    let too_many = json!({"operations": vec![json!({}); 1001]});
    let answer = service.staff("POST", "units/", too_many).await;
    let message = "Ensure this field has no more than 1000 elements.";
    assert_eq!(answer.body, json!({"operations": [message]}));
}

#[tokio::test]
async fn a_failed_precondition_and_a_row_in_use_are_conflicts() {
    let service = Service::start().await;
    let answer = service
        .staff(
            "POST",
            "units/",
            json!({
                "preconditions": [{"check": "children", "resource": "period", "parent": "scenario",
                                   "pk": 1, "children": []}],
                "operations": [world("X")],
            }),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let answer =
        service.unit(json!([world("X"), {"op": "delete", "resource": "role", "pk": 1}])).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body["detail"].as_str().unwrap().starts_with("Role `1` is still in use"));
    assert_eq!(service.get("worlds/").await.keys(), [1]);
}

#[tokio::test]
async fn a_change_of_a_row_that_is_gone_is_not_found() {
    let service = Service::start().await;
    let answer = service
        .unit(json!([{"op": "change", "resource": "world", "pk": 9, "fields": {"name": "X"}}]))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.body, json!({"detail": "World `9` does not exist."}));
}

#[tokio::test]
async fn the_same_key_stores_once_and_answers_of_others_are_not_taken() {
    let service = Service::start().await;
    let body = json!({
        "operations": [world("X")],
        "idempotency": {"user": 2, "scope": "s", "key": "k", "answer": "[1]"},
    });
    let first = service.staff("POST", "units/", body.clone()).await;
    assert_eq!((first.status, &first.body["replayed"]), (StatusCode::OK, &Value::Null));
    let again = service.staff("POST", "units/", body).await;
    assert_eq!((again.status, &again.body["replayed"]), (StatusCode::OK, &json!("[1]")));
    assert_eq!(again.body["objects"], json!([]));
    assert_eq!(service.get("worlds/").await.keys(), [1, 2]);
    let others = service.api.answer(sim_games_types::UserPk(2), "s", "k").await.unwrap();
    assert_eq!(others, None);
}

#[tokio::test]
async fn who_asks_is_the_caller_whatever_the_body_says() {
    let service = Service::start().await;
    let head = service.api.last_seq().await.unwrap();
    let body = json!({"actor": 2, "cause": "import", "operations": [world("X")]});
    service.staff("POST", "units/", body).await;
    service.unit(json!([world("Y")])).await;
    let mut feed = service.api.subscribe(head);
    let changes = feed.next().await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|it| (it.actor.unwrap().0, it.cause.as_deref().unwrap())).collect();
    assert_eq!(told, [(1, "import"), (1, "POST /apis/units/")]);
}

#[tokio::test]
async fn players_may_not_store_units() {
    let service = Service::start().await;
    let body = json!({"operations": [world("X")]});
    let answer = service.call(PLAYER, "POST", "units/", body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(service.get("units/").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn staff_can_neither_make_nor_change_superusers() {
    let service = Service::start().await;
    service.add_user("staff@div.edu", "is_staff").await;
    let boss = service.add_user("boss@div.edu", "is_superuser").await;
    let taken = json!({"password": "taken"});
    for operation in [
        json!({"op": "create", "resource": "user",
               "fields": {"email": "x@div.edu", "password": "x", "is_superuser": true}}),
        json!({"op": "get_or_create", "resource": "user", "key": {"email": "x@div.edu"},
               "defaults": {"password": "x", "is_superuser": "true"}}),
        json!({"op": "change", "resource": "user", "pk": 2, "fields": {"is_superuser": 1}}),
        json!({"op": "change", "resource": "user", "pk": boss, "fields": taken}),
        json!({"op": "upsert", "resource": "user", "key": {"email": "BOSS@div.edu"},
               "fields": taken}),
        json!({"op": "delete", "resource": "user", "pk": boss}),
    ] {
        let body = json!({ "operations": [operation] });
        let answer = service.call("staff@div.edu:pw", "POST", "units/", body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}");
    }
    // A reference leads to the same guard as a key.
    let body = json!({"operations": [
        {"op": "get_or_create", "resource": "user", "key": {"email": "boss@div.edu"}, "ref": 1},
        {"op": "change", "resource": "user", "pk": {"$ref": 1}, "fields": taken},
    ]});
    let answer = service.call("staff@div.edu:pw", "POST", "units/", body.clone()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(service.api.authenticate("boss@div.edu", "pw").await.is_ok());
    assert_eq!(service.call(STAFF, "POST", "units/", body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_is_hashed_and_not_echoed() {
    let service = Service::start().await;
    let fields = json!({"password": "new secret"});
    let answer = service
        .unit(json!([{"op": "change", "resource": "user", "pk": 2, "fields": fields}]))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.body.to_string().contains("password"), "{}", answer.body);
    assert!(service.api.authenticate("s1@div.edu", "new secret").await.is_ok());
}

#[tokio::test]
async fn webhook_subscriptions_are_not_part_of_units() {
    let service = Service::start().await;
    let answer =
        service.unit(json!([world("X"), {"op": "delete", "resource": "hook", "pk": 1}])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body["operations"]["1"]["resource"].is_array(), "{}", answer.body);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_no_json_are_refused() {
    let service = Service::start().await;
    let body = json!({"operations": [], "padding": "x".repeat(10_000)});
    let answer = service.staff("POST", "units/", body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let request = super::request("POST", "units/")
        .header("authorization", super::basic(STAFF))
        .header("content-type", "text/plain")
        .body("{}".into());
    let answer = service.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    service.api.close().await;
}

#[derive(Default)]
struct Reached(Mutex<Vec<u64>>);

#[async_trait]
impl Barrier for Reached {
    async fn reached(&self, seq: u64) {
        self.0.lock().await.push(seq);
    }
}

#[tokio::test]
async fn a_unit_waits_for_the_barrier() {
    let barrier = Arc::new(Reached::default());
    let service = Service::with(Some(Arc::clone(&barrier) as Arc<dyn Barrier>)).await;
    let answer = service.unit(json!([world("X"), world("Y")])).await;
    assert_eq!(*barrier.0.lock().await, [answer.body["seq"].as_u64().unwrap()]);
}
