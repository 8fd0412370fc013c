//! Objects stored under their natural key.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PLAYER, STAFF, Service};

const DECISION: &str = "decisions/";

fn decision(operand: i64) -> Value {
    json!({"name": "decision", "period": 1, "role": 1, "data": {"operand": operand}})
}

#[tokio::test]
async fn the_first_makes_the_object_and_the_next_changes_it() {
    let service = Service::start().await;
    let first = service.staff("PUT", DECISION, decision(1)).await;
    assert_eq!((first.status, &first.body["id"]), (StatusCode::CREATED, &json!(1)));
    let second = service.staff("PUT", DECISION, decision(2)).await;
    assert_eq!((second.status, &second.body["id"]), (StatusCode::OK, &json!(1)));
    assert_eq!(second.body["data"], json!({"operand": 2}));
    assert_eq!(second.body["created"], first.body["created"]);
}

#[tokio::test]
async fn what_exists_can_be_kept() {
    let service = Service::start().await;
    let made = service.staff("PUT", "decisions/?existing=keep", decision(1)).await;
    let kept = service.staff("PUT", "decisions/?existing=keep", decision(2)).await;
    assert_eq!((made.status, kept.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(kept.body, made.body);
    let wrong = service.staff("PUT", "decisions/?existing=perhaps", decision(2)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body["existing"].is_array(), "{wrong:?}");
}

#[tokio::test]
async fn many_at_once_make_one_object() {
    let service = Service::start().await;
    let role_less = json!({"name": "result", "period": 1, "data": {"quotient": 2}});
    let all = (0..20).map(|_| service.staff("PUT", "results/?existing=keep", role_less.clone()));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|it| it.status == StatusCode::CREATED).count();
    assert_eq!(made, 1);
    assert!(answers.iter().all(|it| it.body["id"] == json!(1)), "{answers:?}");
}

#[tokio::test]
async fn a_key_that_is_not_whole_is_refused() {
    let service = Service::start().await;
    let refused = service.staff("PUT", DECISION, json!({"name": "decision"})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body, json!({"period": ["This field is required."]}));
}

#[tokio::test]
async fn nobody_takes_over_a_superuser_or_writes_without_leave() {
    let service = Service::start().await;
    let staff = json!({"email": "t@div.edu", "password": "t", "is_staff": true});
    service.staff("POST", "users/", staff).await;
    let stolen = json!({"email": "Simpl@simpl.world", "password": "mine"});
    let answer = service.call("t@div.edu:t", "PUT", "users/", stolen).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let raised = json!({"email": "t@div.edu", "is_superuser": true});
    let answer = service.call("t@div.edu:t", "PUT", "users/", raised).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let player = service.call(PLAYER, "PUT", DECISION, decision(1)).await;
    assert_eq!(player.status, StatusCode::FORBIDDEN);
    assert_eq!(service.call(STAFF, "GET", "decisions/", Value::Null).await.body, json!([]));
}

#[tokio::test]
async fn subscriptions_and_bulk_collections_have_no_upsert() {
    let service = Service::start().await;
    for path in ["hooks/", "bulk/decisions/"] {
        let answer = service.staff("PUT", path, json!({})).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}
