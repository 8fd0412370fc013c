//! What only our own server can do: units of work and the journal.

use std::time::Duration;

use serde_json::{Value, json};
use sim_games_client::{Client, Error, Retry};
use sim_games_types::{
    Action, Committed, GamePk, Idempotency, Operation, Reference, Resource, RunPk, Target,
    UnitOfWork, UserPk,
};
use wiremock::{MockServer, ResponseTemplate};

use crate::server::{QUICK, answer, answer_once, client, exchange, requests};

fn unit(key: Option<&str>) -> UnitOfWork {
    UnitOfWork {
        operations: vec![Operation::Delete { resource: Resource::Period, pk: Target::Pk(7) }],
        idempotency: key.map(|key| Idempotency {
            user: UserPk(1),
            scope: "import".to_owned(),
            key: key.to_owned(),
            answer: "null".to_owned(),
        }),
        ..UnitOfWork::default()
    }
}

fn committed() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "seq": 12, "references": {"4": 2}, "replayed": null, "objects": [null]
    }))
}

#[tokio::test]
async fn a_unit_is_sent_as_it_is_and_its_answer_read() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/apis/units/", committed()).await;
    let told = client(&server).commit(&unit(None)).await.unwrap();
    let wanted = Committed { seq: 12, references: [(Reference(4), 2)].into(), replayed: None };
    assert_eq!(told, wanted);
    let received = server.received_requests().await.unwrap();
    let sent: Value = received[0].body_json().unwrap();
    assert_eq!(sent["operations"], json!([{"op": "delete", "resource": "period", "pk": 7}]));
}

#[tokio::test]
async fn a_unit_tells_the_server_what_it_belongs_to() {
    for (name, told) in [(Some("7/42"), Some("7/42")), (Some("no\nheader"), None), (None, None)] {
        let server = MockServer::start().await;
        answer(&server, "POST", "/apis/units/", committed()).await;
        client(&server).commit_for(&unit(None), name).await.unwrap();
        let received = server.received_requests().await.unwrap();
        let header = received[0].headers.get("x-request-id");
        assert_eq!(header.map(|it| it.to_str().unwrap()), told, "{name:?}");
    }
}

#[tokio::test]
async fn a_unit_is_repeated_only_if_it_carries_a_key() {
    for (key, attempts) in [(Some("k"), 1 + QUICK.times), (None, 1)] {
        let server = MockServer::start().await;
        answer(&server, "POST", "/apis/units/", ResponseTemplate::new(503)).await;
        client(&server).commit(&unit(key)).await.unwrap_err();
        assert_eq!(requests(&server).await.len(), attempts, "{key:?}");
    }
}

#[tokio::test]
async fn a_failed_precondition_is_a_conflict() {
    let server = MockServer::start().await;
    let detail = json!({"detail": "Period `7` was changed by another writer meanwhile."});
    let refusal = ResponseTemplate::new(409).set_body_json(detail);
    answer(&server, "POST", "/apis/units/", refusal).await;
    let error = client(&server).commit(&unit(Some("k"))).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { status: 409, .. }), "{error}");
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_refused_operation_is_named() {
    let server = MockServer::start().await;
    let told = json!({"operations": {"3": {"name": ["This field is required."]}}});
    let refusal = ResponseTemplate::new(400).set_body_json(told);
    answer(&server, "POST", "/apis/units/", refusal).await;
    let text = client(&server).commit(&unit(None)).await.unwrap_err().to_string();
    assert!(text.contains('3') && text.contains("This field is required."), "{text}");
}

#[tokio::test]
async fn changes_are_read_with_the_text_of_their_objects() {
    let server = MockServer::start().await;
    let game = exchange("GET", "/apis/games/xg/", 200).response.body;
    let entry = json!({
        "seq": 6, "at": "2026-03-02T14:05:07.123456Z", "game": 3, "run": null,
        "resource": "game", "pk": 3, "action": "changed", "actor": 1, "cause": "test",
        "ref": "0b7c0e9a-5a4e-4b0e-9d3e-3d9c1f0a2b11", "data": game,
    });
    let page = ResponseTemplate::new(200).set_body_json(json!([entry]));
    let page = page.insert_header("X-Last-Seq", "9");
    answer_once(&server, "GET", "/apis/changes/?after=5&wait=2", ResponseTemplate::new(503)).await;
    answer(&server, "GET", "/apis/changes/?after=5&wait=2", page).await;
    let found = client(&server).changes(5, Duration::from_millis(2_900)).await.unwrap();
    let change = &found.changes[0];
    assert_eq!((found.last_seq, found.changes.len(), change.seq), (9, 1, 6));
    assert_eq!((change.game, change.run), (Some(GamePk(3)), None::<RunPk>));
    assert_eq!((change.action, change.actor), (Action::Changed, Some(UserPk(1))));
    assert_eq!(change.cause.as_deref(), Some("test"));
    assert_eq!(serde_json::from_str::<Value>(&change.object.json).unwrap(), game);
}

#[tokio::test]
async fn nothing_new_leaves_the_reader_where_it_was() {
    let server = MockServer::start().await;
    let nothing = ResponseTemplate::new(200).set_body_json(json!([]));
    answer(&server, "GET", "/apis/changes/?after=5&wait=0", nothing).await;
    let found = client(&server).changes(5, Duration::ZERO).await.unwrap();
    assert_eq!((found.changes.len(), found.last_seq), (0, 5));
}

#[tokio::test]
async fn a_long_poll_may_take_longer_than_the_time_limit() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_json(json!([]));
    let late = late.set_delay(Duration::from_millis(200));
    answer(&server, "GET", "/apis/changes/?after=0&wait=60", late).await;
    let builder = Client::builder(format!("{}/apis", server.uri())).retry(Retry::NEVER);
    let client = builder.timeout(Duration::from_millis(50)).build().unwrap();
    assert!(client.changes(0, Duration::from_secs(60)).await.is_ok());
}
