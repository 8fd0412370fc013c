//! The journal over HTTP.

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sim_games_types::Resource;
use tower::ServiceExt;

use super::{PLAYER, STAFF, Service, basic, request};
use crate::tests::fixture::{create, delete, unit};

impl Service {
    async fn numbers(&self, query: &str) -> Vec<u64> {
        let answer = self.get(&format!("changes/{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body.as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()).collect()
    }

    async fn add_world(&self, name: &str) -> u64 {
        let world = create(Resource::World, json!({"name": name, "run": 1}), None);
        self.api.commit(unit([world])).await.unwrap().seq
    }

    async fn events(&self, query: &str, last: Option<&str>) -> BodyDataStream {
        let mut request = request("GET", &format!("changes/{query}"))
            .header("authorization", basic(STAFF))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response =
            self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    }
}

async fn next(events: &mut BodyDataStream) -> String {
    String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn changes_are_told_in_order_with_all_that_the_journal_knows() {
    let service = Service::start().await;
    service.staff("PATCH", "worlds/1/", json!({"name": "New"})).await;
    let head = service.api.last_seq().await.unwrap();
    let answer = service.get(&format!("changes/?after={}", head - 1)).await;
    assert_eq!(answer.header("x-last-seq"), head.to_string());
    let change = &answer.body[0];
    let names: Vec<_> = change.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = "seq at game run resource pk action actor cause ref data";
    assert_eq!(names.join(" "), wanted);
    assert_eq!(change["data"], service.get("worlds/1/").await.body);
    assert_eq!(change["ref"].as_str().unwrap().len(), 36);
    assert_eq!(change["cause"], "PATCH /apis/worlds/1/");
    let rest = ["seq", "game", "run", "resource", "pk", "action", "actor"].map(|it| &change[it]);
    assert_eq!(json!(rest), json!([head, 1, 1, "world", 1, "changed", 1]));
    assert_eq!(service.numbers("").await, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let service = Service::start().await;
    let first = service.get("changes/?limit=3").await;
    assert_eq!(first.header("x-last-seq"), "3");
    assert_eq!(service.numbers("?after=3&limit=2").await, [4, 5]);
    let head = service.api.last_seq().await.unwrap();
    assert_eq!(service.numbers(&format!("?after={head}")).await, [0; 0]);
}

#[tokio::test]
async fn filters_choose_a_game_or_a_run_and_tell_how_far_was_looked() {
    let service = Service::start().await;
    let all = service.get("changes/").await.body;
    let of = |field: &str| -> Vec<u64> {
        let changes = all.as_array().unwrap().iter().filter(|it| it[field] == 1);
        changes.map(|it| it["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(service.numbers("?game=1").await, of("game"));
    assert_eq!(service.numbers("?game=div").await, of("game"));
    assert_eq!(service.numbers("?run=1").await, of("run"));
    assert!(of("run").len() < of("game").len());
    let answer = service.get("changes/?run=77").await;
    assert_eq!(answer.body, json!([]));
    assert_eq!(answer.header("x-last-seq"), service.api.last_seq().await.unwrap().to_string());
}

#[tokio::test]
async fn a_deletion_tells_the_row_as_it_was() {
    let service = Service::start().await;
    let head = service.api.last_seq().await.unwrap();
    service.api.commit(unit([delete(Resource::Period, 1)])).await.unwrap();
    let change = service.get(&format!("changes/?after={head}")).await.body[0].clone();
    assert_eq!((&change["action"], &change["data"]["order"]), (&json!("deleted"), &json!(1)));
    assert_eq!(change["actor"], Value::Null);
}

#[tokio::test]
async fn wrong_parameters_are_named_together() {
    let service = Service::start().await;
    let answer = service.get("changes/?after=-1&limit=5001&wait=61&run=x&game=none&gmae=1").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let mut names: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, ["after", "game", "gmae", "limit", "run", "wait"]);
    assert_eq!(answer.body["wait"], json!(["A number from 0 to 60 is required."]));
}

#[tokio::test]
async fn players_may_not_read_the_journal() {
    let service = Service::start().await;
    let answer = service.call(PLAYER, "GET", "changes/", Value::Null).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = service.staff("POST", "changes/", json!({})).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn events_go_on_from_the_journal_to_what_is_stored_later() {
    let service = Service::start().await;
    let head = service.add_world("before").await;
    let mut events = service.events(&format!("?after={}", head - 1), None).await;
    let event = next(&mut events).await;
    let (_, data) = event.split_once("data:").unwrap();
    let change: Value = serde_json::from_str(data.trim()).unwrap();
    assert_eq!(change["data"]["name"], "before");
    assert!(event.contains(&format!("id: {head}\n")), "{event}");
    let (event, seq) = tokio::join!(next(&mut events), service.add_world("later"));
    assert!(event.contains(&format!("id: {seq}\n")), "{event}");
    service.api.close().await;
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_after_its_last_event() {
    let service = Service::start().await;
    let mut events = service.events("?after=0&run=1", Some("8")).await;
    assert!(next(&mut events).await.contains("id: 9\n"));
}

#[tokio::test]
async fn a_stream_without_events_shows_that_it_is_alive() {
    let service = Service::start().await;
    let head = service.api.last_seq().await.unwrap();
    let mut events = service.events(&format!("?after={head}"), None).await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    assert_eq!(next(&mut events).await, ":\n\n");
    assert!(start.elapsed().as_secs() >= 15);
}

#[tokio::test]
async fn a_client_that_takes_neither_json_nor_events_is_refused() {
    let service = Service::start().await;
    let request = request("GET", "changes/").header("accept", "image/png");
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
}
