//! Many users at once.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PLAYER, Service};

#[tokio::test]
async fn many_users_are_created_together_and_log_in() {
    let service = Service::start().await;
    let users: Vec<Value> = (0..40)
        .map(|it| json!({"email": format!("u{it}@div.edu"), "first_name": "U", "password": "same"}))
        .collect();
    let answer = service.staff("POST", "bulk/users/", json!(users)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.keys(), (3..43).collect::<Vec<_>>());
    assert_eq!(
        answer.body[0],
        json!({
            "id": 3, "first_name": "U", "last_name": "", "external_id": null,
            "email": "u0@div.edu", "is_active": true, "is_staff": false, "is_superuser": false,
            "subscriber_code": "", "data": null,
        })
    );
    let own = service.call("u39@div.edu:same", "GET", "users/42/", Value::Null).await;
    assert_eq!(own.status, StatusCode::OK);
    let empty = service.staff("POST", "bulk/users/", json!([])).await;
    assert_eq!((empty.status, empty.body), (StatusCode::CREATED, json!([])));
    let single = service.staff("POST", "bulk/users/", json!({"email": "one@div.edu"})).await;
    assert_eq!((single.status, &single.body["id"]), (StatusCode::CREATED, &json!(43)));
}

#[tokio::test]
async fn one_wrong_user_refuses_all_and_each_is_told() {
    let service = Service::start().await;
    let users = json!([
        {"email": "a@div.edu", "password": "a"},
        {"email": "nothing"},
        {"password": "b"},
        {"email": "S1@div.edu", "password": "c"},
        {"email": "A@div.edu"},
        {"email": "d@div.edu", "password": ""},
        {"email": "e@div.edu", "password": 7},
    ]);
    let taken = "A user with that email address already exists.";
    let answer = service.staff("POST", "bulk/users/", users).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.body,
        json!([
            {},
            {"email": ["Enter a valid email address."]},
            {"email": ["This field is required."]},
            {"email": [taken]},
            {"email": [taken]},
            {"password": ["This field may not be blank."]},
            {"password": ["Not a valid string."]},
        ])
    );
    let not_an_object = service.staff("POST", "bulk/users/", json!([{}, 7])).await;
    assert_eq!(not_an_object.status, StatusCode::BAD_REQUEST);
    assert_eq!(service.get("users/").await.keys().len(), 2);
}

#[tokio::test]
async fn only_staff_create_many_users_and_only_superusers_make_superusers() {
    let service = Service::start().await;
    let staff = json!({"email": "staff@div.edu", "password": "staff", "is_staff": true});
    assert_eq!(service.staff("POST", "users/", staff).await.status, StatusCode::CREATED);
    let users = json!([{"email": "a@div.edu"}, {"email": "b@div.edu", "is_superuser": "1"}]);
    for account in [PLAYER, "staff@div.edu:staff"] {
        let answer = service.call(account, "POST", "bulk/users/", users.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{account}");
    }
    assert_eq!(service.get("users/").await.keys().len(), 3);
    let answer = service.staff("POST", "bulk/users/", users).await;
    assert_eq!(answer.body[1]["is_superuser"], json!(true), "{}", answer.body);
}

#[tokio::test]
async fn users_are_not_deleted_in_bulk() {
    let service = Service::start().await;
    let answer = service.staff("DELETE", "bulk/users/?email=s1@div.edu", Value::Null).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.body, json!({"detail": "Method \"DELETE\" not allowed."}));
    assert_eq!(answer.header("allow"), "GET, POST, HEAD, OPTIONS");
    assert_eq!(service.get("bulk/users/").await.keys().len(), 2);
    let index = service.get("bulk/").await;
    assert!(index.body.get("users").is_none(), "{}", index.body);
}
