//! Who may do what.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PLAYER, STAFF, Service, basic, request};

#[tokio::test]
async fn a_player_reads_what_is_the_players_own_and_nothing_else() {
    let service = Service::start().await;
    for (method, path, status) in [
        ("GET", "users/2/", StatusCode::OK),
        ("GET", "users/?email=S1@div.edu", StatusCode::OK),
        ("GET", "runusers/?user=2&game_slug=div", StatusCode::OK),
        ("GET", "users/1/", StatusCode::FORBIDDEN),
        ("GET", "users/", StatusCode::FORBIDDEN),
        ("GET", "users/?email=s1@div.edu&email=simpl@simpl.world", StatusCode::FORBIDDEN),
        ("GET", "users/?email=", StatusCode::FORBIDDEN),
        ("GET", "runusers/", StatusCode::FORBIDDEN),
        ("GET", "runusers/?user=1", StatusCode::FORBIDDEN),
        ("GET", "runusers/1/", StatusCode::FORBIDDEN),
        ("GET", "bulk/runusers/?user=2", StatusCode::FORBIDDEN),
        ("GET", "games/", StatusCode::FORBIDDEN),
        ("GET", "hooks/", StatusCode::FORBIDDEN),
        ("PATCH", "users/2/", StatusCode::FORBIDDEN),
        ("DELETE", "runs/1/", StatusCode::FORBIDDEN),
        ("POST", "scenarios/1/rewind/", StatusCode::FORBIDDEN),
    ] {
        let answer = service.call(PLAYER, method, path, Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_superusers_make_and_change_superusers() {
    let service = Service::start().await;
    let staff = json!({"email": "staff@div.edu", "password": "staff", "is_staff": true});
    assert_eq!(service.staff("POST", "users/", staff).await.status, StatusCode::CREATED);
    let account = "staff@div.edu:staff";
    for (method, path, body) in [
        ("POST", "users/", json!({"email": "x@div.edu", "is_superuser": "true"})),
        ("PATCH", "users/3/", json!({"is_superuser": true})),
        ("PATCH", "users/1/", json!({"password": "mine"})),
        ("DELETE", "users/1/", Value::Null),
    ] {
        let answer = service.call(account, method, path, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let harmless = json!({"email": "y@div.edu", "is_superuser": false});
    let answer = service.call(account, "POST", "users/", harmless).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn hooks_belong_to_who_registered_them() {
    let service = Service::start().await;
    let staff = json!({"email": "staff@div.edu", "password": "staff", "is_staff": true});
    service.staff("POST", "users/", staff).await;
    let hook = json!({"event": "div.*", "url": "http://model.backend:8080/callback", "user": 2});
    let first = service.staff("POST", "hooks/", hook.clone()).await;
    assert_eq!((first.status, &first.body["user"]), (StatusCode::CREATED, &json!(1)));
    let again = service.staff("POST", "hooks/", hook).await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::CREATED, &first.body["id"]));
    let other = service.call("staff@div.edu:staff", "GET", "hooks/1/", Value::Null).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let others = service.call("staff@div.edu:staff", "GET", "hooks/", Value::Null).await;
    assert_eq!(others.body, json!([]));
    let erroring = service.staff("PATCH", "hooks/1/", json!({"erroring": true})).await;
    assert_eq!(erroring.body["erroring"], json!(false));
}

#[tokio::test]
async fn the_secret_of_a_hook_can_be_written_and_not_read() {
    let service = Service::start().await;
    let hook = |secret: &str| json!({"event": "div.*", "url": "http://a.b/", "secret": secret});
    for secret in ["first-key", "second-key"] {
        let answer = service.staff("POST", "hooks/", hook(secret)).await;
        assert_eq!((answer.status, &answer.body["id"]), (StatusCode::CREATED, &json!(1)));
        assert!(answer.body.get("secret").is_none(), "{}", answer.body);
        let stored = service.api.store().hooks().await.unwrap();
        assert_eq!(stored[0].secret.as_deref(), Some(secret));
    }
    let removed = service.staff("PATCH", "hooks/1/", json!({"secret": null})).await;
    assert!(removed.body.get("secret").is_none(), "{}", removed.body);
    assert_eq!(service.api.store().hooks().await.unwrap()[0].secret, None);
    let metadata = json!({"event": "div.*", "url": "http://169.254.169.254/"});
    let refused = service.staff("POST", "hooks/", metadata).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body["url"].is_array(), "{}", refused.body);
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down() {
    let service = Service::start().await;
    for _ in 0..3 {
        let answer = service.call("s1@div.edu:guess", "GET", "users/2/", Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let limited = service.call(PLAYER, "GET", "users/2/", Value::Null).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(service.call(STAFF, "GET", "users/2/", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_login_check_takes_key_or_address_and_tells_nothing_else() {
    let service = Service::start().await;
    let refused = json!(["Unable to log in with provided credentials."]);
    let required = json!({"password": ["This field is required."]});
    service.staff("POST", "users/", json!({"email": "x@div.edu", "password": "x"})).await;
    service.staff("PATCH", "users/3/", json!({"is_active": false})).await;
    for (body, status, expected) in [
        (json!({"authid": 2, "password": "s1"}), 200, json!({"authid": 2, "email": "s1@div.edu"})),
        (
            json!({"email": "S1@div.edu", "password": "s1"}),
            200,
            json!({"authid": 2, "email": "s1@div.edu"}),
        ),
        (json!({"email": "s1@div.edu", "password": "x"}), 400, refused.clone()),
        (json!({"email": "no@div.edu", "password": "x"}), 400, refused.clone()),
        (json!({"email": "x@div.edu", "password": "x"}), 400, refused),
        (json!({"email": "s1@div.edu"}), 400, required),
        (
            json!({"authid": "x", "password": "x"}),
            400,
            json!({"authid": ["A valid integer is required."]}),
        ),
    ] {
        let request = request("POST", "authcheck/").header("content-type", "application/json");
        let answer = service.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (status, &expected), "{body}");
    }
    let request = request("POST", "authcheck/").header("authorization", basic("a@b.c:d"));
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_subscription_of_the_service_to_itself_is_refused() {
    let service = Service::start().await;
    let loops = json!({"event": "div.*", "url": "http://api.test:8100/apis/decisions/"});
    let refused = service.staff("POST", "hooks/", loops).await;
    let message = json!(["This is an address of the Games API itself."]);
    assert_eq!((refused.status, &refused.body["url"]), (StatusCode::BAD_REQUEST, &message));
    let beside = json!({"event": "div.*", "url": "http://api.test:8100/callback"});
    assert_eq!(service.staff("POST", "hooks/", beside).await.status, StatusCode::CREATED);
    let moved = json!({"url": "http://api.test:8100/rest-auth/login/"});
    let refused = service.staff("PATCH", "hooks/1/", moved).await;
    assert_eq!((refused.status, &refused.body["url"]), (StatusCode::BAD_REQUEST, &message));
}
