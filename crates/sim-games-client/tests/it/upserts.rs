//! Get or create, create or update, and the races around them.

use serde_json::{Value, json};
use sim_games_client::{Error, Existing};
use sim_games_types::Lookup;
use wiremock::{MockServer, ResponseTemplate};

use crate::server::{answer, answer_once, client, exchange, requests};

const BY_NAME: &str = "/apis/roles/?game=3&name=Dividend";

fn lookup() -> Lookup {
    Lookup::new().with("game", 3).with("name", "Dividend")
}

fn role() -> Value {
    exchange("POST", "/apis/roles/", 201).response.body
}

fn list(items: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(items)
}

#[tokio::test]
async fn what_is_there_is_not_made() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[role()])).await;
    let (found, created) =
        client(&server).roles().get_or_create(&lookup(), &json!({})).await.unwrap();
    assert_eq!((json!(found), created), (role(), false));
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_made_from_look_up_and_defaults() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[])).await;
    let created = ResponseTemplate::new(201).set_body_json(role());
    answer(&server, "POST", "/apis/roles/", created).await;

    let defaults = json!({"data": {"k": 1}});
    let (made, created) =
        client(&server).roles().get_or_create(&lookup(), &defaults).await.unwrap();
    assert_eq!((json!(made), created), (role(), true));
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(sent, json!({"game": 3, "name": "Dividend", "data": {"k": 1}}));
}

#[tokio::test]
async fn who_loses_the_race_gets_the_winners_object() {
    let server = MockServer::start().await;
    answer_once(&server, "GET", BY_NAME, list(&[])).await;
    answer(&server, "GET", BY_NAME, list(&[role()])).await;
    let conflict = ResponseTemplate::new(400).set_body_json(
        json!({"non_field_errors": ["The fields name, game must make a unique set."]}),
    );
    answer(&server, "POST", "/apis/roles/", conflict).await;

    let (found, created) =
        client(&server).roles().get_or_create(&lookup(), &json!({})).await.unwrap();
    assert_eq!((json!(found), created), (role(), false));
    let expected =
        [format!("GET {BY_NAME}"), "POST /apis/roles/".to_owned(), format!("GET {BY_NAME}")];
    assert_eq!(requests(&server).await, expected);
}

#[tokio::test]
async fn a_conflict_with_another_object_is_reported() {
    let server = MockServer::start().await;
    let missing = exchange("GET", "/apis/games/999999/", 404);
    answer(&server, "GET", "/apis/games/other/", missing.answer(&server)).await;
    let taken = ResponseTemplate::new(400)
        .set_body_json(json!({"name": ["game with this name already exists."]}));
    answer(&server, "POST", "/apis/games/", taken).await;

    let lookup = Lookup::new().with("slug", "other");
    let games = client(&server).games();
    let error = games.get_or_create(&lookup, &json!({"name": "XG"})).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { message, .. }
        if message == "name: game with this name already exists."),
        "{error}"
    );
}

#[tokio::test]
async fn several_matches_are_an_error_and_make_no_more() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[role(), role()])).await;
    let error = client(&server).roles().get_or_create(&lookup(), &json!({})).await.unwrap_err();
    assert!(matches!(error, Error::MultipleFound { count: 2, .. }), "{error}");
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn equal_fields_are_not_written_again() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[role()])).await;
    let fields = json!({"data": {}, "slug": ""});
    let (_, created) = client(&server).roles().create_or_update(&lookup(), &fields).await.unwrap();
    assert!(!created);
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn other_fields_are_written_into_the_whole_object() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[role()])).await;
    let changed = ResponseTemplate::new(200).set_body_json(role());
    answer(&server, "PUT", "/apis/roles/3/", changed).await;

    let fields = json!({"data": {"k": 1}});
    client(&server).roles().create_or_update(&lookup(), &fields).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    let mut expected = role();
    expected["data"] = json!({"k": 1});
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn fields_that_are_no_object_are_refused() {
    let server = MockServer::start().await;
    answer(&server, "GET", BY_NAME, list(&[])).await;
    let error = client(&server).roles().get_or_create(&lookup(), &json!([1])).await.unwrap_err();
    assert!(matches!(error, Error::Encode { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_can_make_it_atomically_is_asked_to() {
    let server = MockServer::start().await;
    let empty = list(&[]).append_header("allow", "GET, POST, PUT, HEAD, OPTIONS");
    answer(&server, "GET", BY_NAME, empty).await;
    let put = "/apis/roles/?existing=keep";
    answer_once(&server, "PUT", put, ResponseTemplate::new(201).set_body_json(role())).await;
    answer(&server, "PUT", put, ResponseTemplate::new(200).set_body_json(role())).await;
    let (_, created) =
        client(&server).roles().get_or_create(&lookup(), &json!({"data": 1})).await.unwrap();
    assert!(created);
    let (_, created) = client(&server).roles().get_or_create(&lookup(), &json!({})).await.unwrap();
    assert!(!created, "somebody else was faster");
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(sent, json!({"game": 3, "name": "Dividend", "data": 1}));
}

#[tokio::test]
async fn an_upsert_tells_whether_it_made_the_object() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/apis/roles/", ResponseTemplate::new(200).set_body_json(role())).await;
    let fields = json!({"game": 3, "name": "Dividend"});
    let (_, created) = client(&server).roles().upsert(&fields, Existing::Change).await.unwrap();
    assert!(!created);
}
