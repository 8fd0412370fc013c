//! What the resources do beyond what the recording shows.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Service;

#[tokio::test]
async fn a_put_keeps_what_it_does_not_name() {
    let service = Service::start().await;
    let decision = json!({"period": 1, "name": "decision", "role": 1, "data": {"operand": 4.0}});
    service.staff("POST", "decisions/", decision).await;
    let body = json!({"period": 1, "name": "decision", "data": {"operand": 5.0}});
    let answer = service.staff("PUT", "decisions/1/", body).await;
    assert_eq!((answer.status, &answer.body["role"]), (StatusCode::OK, &json!(1)));
    let answer = service.staff("PUT", "periods/1/", json!({"scenario": 1, "data": {}})).await;
    assert_eq!((answer.status, &answer.body["order"]), (StatusCode::OK, &json!(1)));
}

#[tokio::test]
async fn a_bulk_request_is_stored_as_a_whole_or_not_at_all() {
    let service = Service::start().await;
    let twins = json!([{"scenario": 1, "order": 2}, {"scenario": 1, "order": 2}]);
    let answer = service.staff("POST", "bulk/periods/", twins).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let message = "The fields scenario, order must make a unique set.";
    assert_eq!(answer.body, json!([{}, {"non_field_errors": [message]}]));
    assert_eq!(service.get("periods/").await.keys(), [1]);
    let answer =
        service.staff("POST", "bulk/periods/", json!([{"scenario": 1, "order": 2}, 7])).await;
    let message = "Invalid data. Expected a dictionary, but got int.";
    assert_eq!(answer.body, json!([{}, {"non_field_errors": [message]}]));
}

#[tokio::test]
async fn a_bulk_deletion_needs_a_filter_that_means_something() {
    let service = Service::start().await;
    for query in ["", "?bogus=1", "?bogus=1&scenario=1", "?scenario=", "?run_active=maybe"] {
        let answer = service.staff("DELETE", &format!("bulk/periods/{query}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.body.is_object(), "{query}: {}", answer.body);
    }
    let nothing = service.staff("DELETE", "bulk/periods/", Value::Null).await;
    let message = "At least one filter is required.";
    assert_eq!(nothing.body, json!({"non_field_errors": [message]}));
    assert_eq!(service.get("periods/").await.keys(), [1]);
    let answer = service.staff("DELETE", "bulk/periods/?scenario=1", Value::Null).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(service.get("periods/").await.body, json!([]));
}

#[tokio::test]
async fn lists_are_filtered_and_sorted() {
    let service = Service::start().await;
    let private = json!({"name": "A", "runuser": 1});
    service.staff("POST", "scenarios/", private).await;
    let periods = json!([{"scenario": 1, "order": 3}, {"scenario": 2, "order": 2}]);
    service.staff("POST", "bulk/periods/", periods).await;
    service.staff("POST", "results/", json!({"period": 3, "name": "result"})).await;
    for (path, keys) in [
        ("scenarios/?run=1", vec![1, 2]),
        ("scenarios/?world__run=1", vec![1]),
        ("scenarios/?runuser__run=1", vec![2]),
        ("scenarios/?ordering=name", vec![2, 1]),
        ("periods/?ordering=-order", vec![2, 3, 1]),
        ("periods/?scenario__runuser__run=1", vec![3]),
        ("periods/?order=2&order=3", vec![2]),
        ("periods/?run_active=TRUE&game_slug=div", vec![1, 2, 3]),
        ("periods/?run_active=0", vec![]),
        ("periods/?run=7", vec![]),
        ("periods/?scenario=None", vec![]),
        ("results/?scenario=2", vec![1]),
        ("results/?period__scenario__runuser__run=1", vec![1]),
        ("runs/?ordering=bogus&nosuch=1&order=5", vec![1]),
    ] {
        assert_eq!(service.get(path).await.keys(), keys, "{path}");
    }
    let answer = service.get("periods/?run=abc").await;
    assert_eq!(answer.body, json!({"run": ["Enter a number."]}));
}

#[tokio::test]
async fn pages_are_linked_and_bounded() {
    let service = Service::start().await;
    let periods: Vec<Value> = (2..=5).map(|order| json!({"scenario": 1, "order": order})).collect();
    service.staff("POST", "bulk/periods/", Value::Array(periods)).await;
    let base = "http://api.test:8100/apis/periods/";
    for (query, keys, link) in [
        ("page_size=2", vec![1, 2], format!("<{base}?page=2&page_size=2>; rel=\"next\"")),
        (
            "page_size=2&page=2&run=1",
            vec![3, 4],
            format!(
                "<{base}?page=3&page_size=2&run=1>; rel=\"next\", \
                 <{base}?page_size=2&run=1>; rel=\"prev\""
            ),
        ),
        ("page_size=2&page=last", vec![5], format!("<{base}?page=2&page_size=2>; rel=\"prev\"")),
        ("page_size=99999999", vec![1, 2, 3, 4, 5], String::new()),
    ] {
        let answer = service.get(&format!("periods/?{query}")).await;
        assert_eq!((answer.keys(), answer.header("link")), (keys, link.as_str()), "{query}");
    }
    for page in ["0", "-1", "9", "x", "", "18446744073709551615"] {
        let answer = service.get(&format!("periods/?page={page}")).await;
        assert_eq!(answer.body, json!({"detail": "Invalid page."}), "{page}");
    }
}

#[tokio::test]
async fn what_is_in_use_is_kept() {
    let service = Service::start().await;
    let answer = service.staff("DELETE", "roles/1/", Value::Null).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let detail = "Role `1` is still in use, delete or change what refers to it first.";
    assert_eq!(answer.body, json!({ "detail": detail }));
    assert_eq!(service.staff("DELETE", "phases/1/", Value::Null).await.status, 204);
    assert_eq!(service.get("runs/1/").await.body["phase"], Value::Null);
}

#[tokio::test]
async fn slugs_are_derived_and_user_is_reserved() {
    let service = Service::start().await;
    let derived = service.staff("POST", "games/", json!({"name": "Another Game!  Here"})).await;
    assert_eq!(derived.body["slug"], json!("another-game-here"));
    let again =
        service.staff("PATCH", "games/another-game-here/", json!({"name": "B", "slug": ""})).await;
    assert_eq!(again.body["slug"], json!("b"));
    let reserved = service.staff("POST", "games/", json!({"name": "User"})).await;
    assert_eq!(reserved.body, json!({"slug": ["The slug \"user\" is reserved."]}));
    let taken = service.staff("POST", "games/", json!({"name": "div"})).await;
    assert_eq!(taken.body, json!({"slug": ["game with this slug already exists."]}));
}

#[tokio::test]
async fn wrong_fields_are_told_together() {
    let service = Service::start().await;
    let body = json!({"name": "x".repeat(101), "period": 99, "role": 98});
    let answer = service.staff("POST", "decisions/", body).await;
    assert_eq!(
        answer.body,
        json!({
            "name": ["Ensure this field has no more than 100 characters."],
            "period": ["Invalid pk \"99\" - object does not exist."],
            "role": ["Invalid pk \"98\" - object does not exist."],
        })
    );
}

#[tokio::test]
async fn a_query_has_a_bounded_number_of_parameters() {
    let service = Service::start().await;
    let path = |count: usize| format!("runs/?{}", vec!["name=x"; count].join("&"));
    assert_eq!(service.get(&path(100)).await.status, StatusCode::OK);
    let refused = service.get(&path(101)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let detail = "The query has more than 100 parameters.";
    assert_eq!(refused.body, json!({ "detail": detail }));
}

#[tokio::test]
async fn a_bulk_request_has_a_bounded_number_of_objects() {
    let service = Service::start().await;
    let objects = |count: usize| json!(vec![json!(1); count]);
    let checked = service.staff("POST", "bulk/roles/", objects(40)).await;
    assert_eq!(checked.body.as_array().map(Vec::len), Some(40), "{checked:?}");
    let refused = service.staff("POST", "bulk/roles/", objects(41)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body, json!({"non_field_errors": ["Send at most 40 objects at once."]}));
}

#[tokio::test]
async fn keys_of_another_game_or_run_are_refused() {
    let service = Service::start().await;
    for (path, body) in [
        ("games/", json!({"name": "Other"})),
        ("phases/", json!({"name": "Play", "game": 2})),
        ("roles/", json!({"name": "Divisor", "game": 2})),
        ("runs/", json!({"name": "second", "game": 1})),
        ("worlds/", json!({"name": "World 1", "run": 2})),
    ] {
        assert_eq!(service.staff("POST", path, body).await.status, StatusCode::CREATED, "{path}");
    }
    let other = |pk: i64, whole: &str| {
        json!([format!("Invalid pk \"{pk}\" - object belongs to another {whole}.")])
    };
    for (method, path, body, field, whole) in [
        ("POST", "runs/", json!({"name": "r", "game": 1, "phase": 2}), "phase", "game"),
        ("PATCH", "runs/1/", json!({"phase": 2}), "phase", "game"),
        ("PATCH", "runs/1/", json!({"game": 2}), "phase", "game"),
        ("POST", "runusers/", json!({"user": 1, "run": 1, "role": 2}), "role", "game"),
        ("POST", "runusers/", json!({"user": 1, "run": 1, "world": 2}), "world", "run"),
        ("PATCH", "runusers/1/", json!({"world": 2}), "world", "run"),
        ("POST", "decisions/", json!({"name": "d", "period": 1, "role": 2}), "role", "game"),
        ("PUT", "results/", json!({"name": "r", "period": 1, "role": 2}), "role", "game"),
    ] {
        let answer = service.staff(method, path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path} {body}");
        let pk = if body.get("game") == Some(&json!(2)) { 1 } else { 2 };
        assert_eq!(answer.body, json!({ field: other(pk, whole) }), "{method} {path} {body}");
    }
    for (path, field) in [("runs/1/", "phase"), ("runusers/1/", "world"), ("runusers/1/", "role")] {
        let answer = service.staff("PATCH", path, json!({ field: 999 })).await;
        let missing = json!({ field: ["Invalid pk \"999\" - object does not exist."] });
        assert_eq!((answer.status, answer.body), (StatusCode::BAD_REQUEST, missing), "{path}");
    }
    assert_eq!(service.get("decisions/").await.body, json!([]));
    let bulk =
        json!([{"name": "d", "period": 1, "role": 1}, {"name": "e", "period": 1, "role": 2}]);
    let answer = service.staff("POST", "bulk/decisions/", bulk).await;
    assert_eq!(answer.body, json!([{}, {"role": other(2, "game")}]));
    let fits = json!({"name": "d", "period": 1, "role": 1});
    assert_eq!(service.staff("POST", "decisions/", fits).await.status, StatusCode::CREATED);
}
