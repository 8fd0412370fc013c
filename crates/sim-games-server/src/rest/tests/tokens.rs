//! Tokens and the own account.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, PLAYER, STAFF, Service, basic};

impl Service {
    /// A request below `/rest-auth/` with a value of the header `Authorization`, if any.
    async fn account(&self, authorization: &str, method: &str, path: &str, body: Value) -> Answer {
        let mut request = account_request(method, path);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    /// Logs in by `login:password` and returns the value of the header `Authorization`.
    async fn token(&self, account: &str) -> String {
        let (login, password) = account.split_once(':').unwrap();
        let answer = self.log_in(json!({"username": login, "password": password})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        format!("Token {}", answer.body["key"].as_str().unwrap())
    }

    async fn log_in(&self, body: Value) -> Answer {
        let request = account_request("POST", "login/").body(Body::from(body.to_string()));
        self.send(request.unwrap()).await
    }

    /// The status of a request with a token.
    async fn with_token(&self, token: &str, path: &str) -> StatusCode {
        let request = super::request("GET", path).header("authorization", token);
        self.send(request.body(Body::empty()).unwrap()).await.status
    }
}

fn account_request(method: &str, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(format!("/rest-auth/{path}"));
    request.header("content-type", "application/json")
}

#[tokio::test]
async fn a_token_is_taken_by_all_resources_until_it_is_logged_out() {
    let service = Service::start().await;
    let player = service.token("S1@div.edu:s1").await;
    assert_eq!(player.len(), "Token ".len() + 40);
    for (path, status) in [
        ("users/2/", StatusCode::OK),
        ("runusers/?user=2", StatusCode::OK),
        ("games/", StatusCode::FORBIDDEN),
        ("bulk/users/", StatusCode::FORBIDDEN),
        ("changes/", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(service.with_token(&player, path).await, status, "{path}");
    }
    let staff = service.token(STAFF).await;
    for path in ["games/", "users/", "hooks/", "bulk/roles/", "changes/"] {
        assert_eq!(service.with_token(&staff, path).await, StatusCode::OK, "{path}");
    }
    let lower = player.replace("Token", "token");
    assert_eq!(service.with_token(&lower, "users/2/").await, StatusCode::OK);
    let out = service.account(&player, "POST", "logout/", Value::Null).await;
    let told = json!({"detail": "Successfully logged out."});
    assert_eq!((out.status, out.body), (StatusCode::OK, told));
    let again = service.account(&player, "POST", "logout/", Value::Null).await;
    assert_eq!(again.body, json!({"detail": "Invalid token."}));
    assert_eq!(service.with_token(&player, "users/2/").await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.with_token(&staff, "games/").await, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_token_is_told() {
    let service = Service::start().await;
    for token in ["Token", "Token abc", "Token 0123456789abcdef0123456789abcdef01234567"] {
        for path in ["/apis/games/", "/apis/authcheck/", "/rest-auth/user/", "/rest-auth/logout/"] {
            let method = if path.ends_with("k/") || path.ends_with("t/") { "POST" } else { "GET" };
            let request = Request::builder().method(method).uri(path);
            let request = request.header("authorization", token).body(Body::empty());
            let answer = service.send(request.unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer.body, json!({"detail": "Invalid token."}), "{path}");
            assert_eq!(answer.header("www-authenticate"), "Token", "{path}");
        }
    }
}

#[tokio::test]
async fn a_login_says_which_field_is_wrong_and_nothing_of_the_account() {
    let service = Service::start().await;
    service.staff("POST", "users/", json!({"email": "x@div.edu", "password": "x"})).await;
    service.staff("PATCH", "users/3/", json!({"is_active": false})).await;
    let must = json!({"non_field_errors": ["Must include \"username\" and \"password\"."]});
    let unable = json!({"non_field_errors": ["Unable to log in with provided credentials."]});
    let password = |message: &str| json!({ "password": [message] });
    for (body, expected) in [
        (json!({"email": "s1@div.edu", "password": "s1"}), must.clone()),
        (json!({"username": " ", "password": "s1"}), must),
        (json!({"username": "s1@div.edu"}), password("This field is required.")),
        (json!({"username": "a", "password": ""}), password("This field may not be blank.")),
        (json!({"username": "a", "password": null}), password("This field may not be null.")),
        (json!({"username": "a", "password": [1]}), password("Not a valid string.")),
        (
            json!({"username": null}),
            json!({"username": ["This field may not be null."],
                   "password": ["This field is required."]}),
        ),
        (
            json!([]),
            json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        ),
        (json!({"username": "s1@div.edu", "password": "wrong"}), unable.clone()),
        (json!({"username": "no@div.edu", "password": "s1"}), unable.clone()),
        (json!({"username": "x@div.edu", "password": "x"}), unable),
    ] {
        let answer = service.log_in(body.clone()).await;
        assert_eq!((answer.status, answer.body), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let get = service.account("", "GET", "login/", Value::Null).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get.header("allow"), "POST, OPTIONS");
}

#[tokio::test]
async fn logins_are_limited_by_failures_of_the_account_and_of_the_address() {
    let service = Service::start().await;
    let from = |client: &str, name: &str| {
        let body = json!({"username": name, "password": "guess"}).to_string();
        let mut request = account_request("POST", "login/").body(Body::from(body)).unwrap();
        let client: SocketAddr = client.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(client));
        service.send(request)
    };
    for _ in 0..3 {
        let answer = from("10.0.0.1:1000", "s1@div.edu").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let account = from("10.0.0.2:1000", "s1@div.edu").await;
    assert_eq!(account.status, StatusCode::TOO_MANY_REQUESTS);
    let others = ["a@b.c", "b@b.c"].map(|name| from("10.0.0.1:1001", name));
    for answer in futures_util::future::join_all(others).await {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let address = from("10.0.0.1:1002", "c@b.c").await;
    assert_eq!(address.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(address.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(from("10.0.0.2:1000", "c@b.c").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn users_see_themselves_and_change_only_their_names() {
    let service = Service::start().await;
    let token = service.token(PLAYER).await;
    let me = service.account(&token, "GET", "user/", Value::Null).await;
    let expected = json!({
        "id": 2, "first_name": "", "last_name": "", "external_id": null, "email": "s1@div.edu",
        "is_active": true, "is_staff": false, "is_superuser": false, "subscriber_code": "",
        "data": null,
    });
    assert_eq!((me.status, &me.body), (StatusCode::OK, &expected));
    let wanted = json!({
        "first_name": "Ann", "email": "x@div.edu", "is_staff": true, "is_superuser": true,
        "password": "mine", "data": 1, "external_id": "7",
    });
    for (method, last_name) in [("PUT", "Other"), ("PATCH", "Another")] {
        let mut body = wanted.clone();
        body["last_name"] = last_name.into();
        let answer = service.account(&token, method, "user/", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let mut changed = expected.clone();
        (changed["first_name"], changed["last_name"]) = ("Ann".into(), last_name.into());
        assert_eq!(answer.body, changed);
    }
    let long = service.account(&token, "PATCH", "user/", json!({"first_name": "x".repeat(31)}));
    let message = "Ensure this field has no more than 30 characters.";
    assert_eq!(long.await.body, json!({ "first_name": [message] }));
    let deleted = service.account(&token, "DELETE", "user/", Value::Null).await;
    assert_eq!(deleted.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        service.call(PLAYER, "GET", "users/2/", Value::Null).await.body["last_name"],
        "Another"
    );
    let nobody = service.account("", "GET", "user/", Value::Null).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let staff = basic(STAFF);
    let answer = service.account(&staff, "PATCH", "user/", json!({"external_id": "7"})).await;
    assert_eq!((answer.status, &answer.body["external_id"]), (StatusCode::OK, &json!("7")));
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_old_one() {
    let service = Service::start().await;
    let (used, other) = (service.token(PLAYER).await, service.token(PLAYER).await);
    let required = ["This field is required."];
    let body = |old: &str, new: &str, again: &str| json!({"old_password": old, "new_password1": new, "new_password2": again});
    let long = "x".repeat(129);
    let too_long = ["Ensure this field has no more than 128 characters."];
    for (body, expected) in [
        (
            json!({}),
            json!({"old_password": required, "new_password1": required, "new_password2": required}),
        ),
        (body("s1", "", "a"), json!({"new_password1": ["This field may not be blank."]})),
        (body("s1", &long, &long), json!({"new_password1": too_long, "new_password2": too_long})),
        (body("s1", "a", "b"), json!({"new_password2": ["The two password fields didn't match."]})),
        (
            body("wrong", "a", "a"),
            json!({"old_password":
                ["Your old password was entered incorrectly. Please enter it again."]}),
        ),
    ] {
        let answer = service.account(&used, "POST", "password/change/", body).await;
        assert_eq!((answer.status, answer.body), (StatusCode::BAD_REQUEST, expected));
    }
    assert_eq!(service.with_token(&other, "users/2/").await, StatusCode::OK);
    let saved =
        service.account(&used, "POST", "password/change/", body("s1", " new", " new")).await;
    let told = json!({"detail": "New password has been saved."});
    assert_eq!((saved.status, saved.body), (StatusCode::OK, told));
    assert_eq!(service.with_token(&used, "users/2/").await, StatusCode::OK);
    assert_eq!(service.with_token(&other, "users/2/").await, StatusCode::UNAUTHORIZED);
    service.token("s1@div.edu: new").await;
    let old = service.log_in(json!({"username": "s1@div.edu", "password": "s1"})).await;
    assert_eq!(old.status, StatusCode::BAD_REQUEST);
    // Who comes with the password has no token to keep.
    let by_password = basic("s1@div.edu: new");
    let saved =
        service.account(&by_password, "POST", "password/change/", body(" new", "s1", "s1")).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    assert_eq!(service.with_token(&used, "users/2/").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_needs_mail_is_not_offered() {
    let service = Service::start().await;
    for path in ["password/reset/", "password/reset/confirm/", "registration/", "login/more/"] {
        let answer = service.account("", "POST", path, json!({"email": "s1@div.edu"})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let slash = service.account("", "POST", "login", json!({})).await;
    assert_eq!(slash.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(slash.header("location"), "/rest-auth/login/");
    let nobody = service.account("", "POST", "logout/", Value::Null).await;
    assert_eq!(nobody.status, StatusCode::OK);
}
