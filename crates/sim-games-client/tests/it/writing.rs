//! Creating, saving and deleting, one by one and in bulk, and the API's actions.

use serde_json::{Value, json};
use sim_games_client::{Error, Login, RewindOptions};
use sim_games_types::{Lookup, Object, ScenarioPk, UserPk};
use wiremock::matchers::{body_json, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{Exchange, answer, client, exchange, recorded, replaying, requests};

/// Sends a recorded body and compares the object that comes back.
async fn check_create<T: Object>(recorded: Exchange) {
    let server = replaying(std::slice::from_ref(&recorded)).await;
    let object = client(&server).endpoint::<T>().create(&recorded.request.body).await.unwrap();
    assert_eq!(json!(object), recorded.response.body, "{}", recorded.request.path);
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(sent, recorded.request.body);
}

#[tokio::test]
async fn every_resource_is_created_from_its_fields() {
    use sim_games_types::{
        Decision, Game, Hook, Period, Phase, Result as PeriodResult, Role, Run, RunUser, Scenario,
        User, World,
    };
    check_create::<Game>(exchange("POST", "/apis/games/", 201)).await;
    check_create::<Phase>(exchange("POST", "/apis/phases/", 201)).await;
    check_create::<Role>(exchange("POST", "/apis/roles/", 201)).await;
    check_create::<Run>(exchange("POST", "/apis/runs/", 201)).await;
    check_create::<World>(exchange("POST", "/apis/worlds/", 201)).await;
    check_create::<RunUser>(exchange("POST", "/apis/runusers/", 201)).await;
    check_create::<Scenario>(exchange("POST", "/apis/scenarios/", 201)).await;
    check_create::<Period>(exchange("POST", "/apis/periods/", 201)).await;
    check_create::<Decision>(exchange("POST", "/apis/decisions/", 201)).await;
    check_create::<PeriodResult>(exchange("POST", "/apis/results/", 201)).await;
    check_create::<User>(exchange("POST", "/apis/users/", 201)).await;
    check_create::<Hook>(exchange("POST", "/apis/hooks/", 201)).await;
}

#[tokio::test]
async fn every_recorded_conflict_is_one() {
    let conflicts: Vec<_> = recorded()
        .into_iter()
        .filter(|it| {
            let body = it.response.body.to_string();
            it.response.status == 400
                && (body.contains("unique set") || body.contains("already exists"))
        })
        .collect();
    assert!(conflicts.len() > 10);
    for recorded in conflicts {
        let server = MockServer::start().await;
        answer(&server, "POST", "/apis/worlds/", recorded.answer(&server)).await;
        let error = client(&server).worlds().create(&json!({})).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { status: 400, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_field_error_names_field_and_request() {
    let recorded = exchange("POST", "/apis/roles/", 400);
    let server = replaying(&[recorded]).await;
    let error = client(&server).roles().create(&json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /apis/roles/: name: This field is required.; game: This field is required. \
         (status 400)"
    );
}

#[tokio::test]
async fn save_writes_the_whole_object_with_fields_it_does_not_know() {
    let mut body = exchange("GET", "/apis/games/xg/", 200).response.body;
    body["color"] = json!("green");
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(200).set_body_json(&body);
    answer(&server, "GET", "/apis/games/xg/", template.clone()).await;
    body["data"] = json!({"a": 1});
    Mock::given(method("PUT")).and(body_json(&body)).respond_with(template).mount(&server).await;

    let games = client(&server).games();
    let mut game = games.get("xg").await.unwrap();
    game.data = json!({"a": 1});
    games.save(&game).await.unwrap();
    assert_eq!(requests(&server).await[1], "PUT /apis/games/xg/");
}

#[tokio::test]
async fn patch_sends_only_what_changes() {
    let recorded = exchange("PATCH", "/apis/hooks/3/", 200);
    let server = replaying(std::slice::from_ref(&recorded)).await;
    let hook = client(&server).hooks().patch(3, &recorded.request.body).await.unwrap();
    assert_eq!(json!(hook), recorded.response.body);
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_error() {
    let gone = exchange("DELETE", "/apis/roles/999999/", 404);
    let there = exchange("DELETE", "/apis/games/my-new-game/", 204);
    let server = replaying(&[gone, there]).await;
    client(&server).roles().delete(999_999).await.unwrap();
    client(&server).games().delete("my-new-game").await.unwrap();
}

#[tokio::test]
async fn deleting_at_an_address_without_the_api_is_an_error() {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(404).set_body_string("<h1>no such page</h1>");
    answer(&server, "DELETE", "/apis/roles/1/", page).await;
    let error = client(&server).roles().delete(1).await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 404, .. }), "{error}");
}

#[tokio::test]
async fn bulk_create_returns_the_objects_in_order() {
    let recorded = exchange("POST", "/apis/bulk/worlds/", 201);
    let server = replaying(std::slice::from_ref(&recorded)).await;
    let items = recorded.request.body.as_array().unwrap();
    let worlds = client(&server).worlds().bulk_create(items).await.unwrap();
    assert_eq!(json!(worlds), recorded.response.body);
}

#[tokio::test]
async fn bulk_create_of_nothing_sends_nothing() {
    let server = MockServer::start().await;
    let none: [Value; 0] = [];
    assert!(client(&server).worlds().bulk_create(&none).await.unwrap().is_empty());
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn bulk_delete_filters() {
    let recorded = exchange("DELETE", "/apis/bulk/worlds/?name=BW1", 204);
    let server = replaying(&[recorded]).await;
    client(&server).worlds().bulk_delete(&Lookup::new().with("name", "BW1")).await.unwrap();
}

#[tokio::test]
async fn bulk_delete_of_everything_is_refused_before_it_is_sent() {
    let server = MockServer::start().await;
    for lookup in [Lookup::new(), Lookup::new().with("run", 1).with("name", " ")] {
        let error = client(&server).worlds().bulk_delete(&lookup).await.unwrap_err();
        assert!(matches!(error, Error::EmptyLookup { .. }), "{error}");
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn rewind_says_how_far() {
    let recorded = exchange("POST", "/apis/scenarios/3/rewind/", 204);
    let server = replaying(&[recorded]).await;
    let options =
        RewindOptions { delete_last_period_decisions: false, ..RewindOptions::to_start_of(1) };
    client(&server).scenarios().rewind(ScenarioPk(3), options).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(
        sent,
        json!({
            "last_period_order": 1,
            "delete_last_period_decisions": false,
            "delete_last_period_results": true,
        })
    );
}

#[tokio::test]
async fn rewinding_a_scenario_that_is_gone_is_an_error() {
    let recorded = exchange("POST", "/apis/scenarios/99999/rewind/", 404);
    let server = replaying(&[recorded]).await;
    let options = RewindOptions::to_start_of(0);
    let error = client(&server).scenarios().rewind(ScenarioPk(99999), options).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn authcheck_tells_right_from_wrong_without_credentials_of_its_own() {
    let (right, wrong) =
        (exchange("POST", "/apis/authcheck/", 200), exchange("POST", "/apis/authcheck/", 400));
    let server = MockServer::start().await;
    for (recorded, body) in [
        (&right, json!({"email": "s1@div.edu", "password": "s1"})),
        (&right, json!({"authid": 3, "password": "s1"})),
        (&wrong, json!({"email": "s1@div.edu", "password": "x"})),
    ] {
        let mock = Mock::given(method("POST")).and(body_json(body));
        mock.respond_with(recorded.answer(&server)).mount(&server).await;
    }
    let client = client(&server);

    let user = client.authcheck(Login::Email("s1@div.edu"), "s1").await.unwrap().unwrap();
    assert_eq!((user.authid, user.email.as_str()), (UserPk(3), "s1@div.edu"));
    assert!(client.authcheck(Login::Pk(UserPk(3)), "s1").await.unwrap().is_some());
    assert!(client.authcheck(Login::Email("s1@div.edu"), "x").await.unwrap().is_none());

    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|it| !it.headers.contains_key("Authorization")));
}

#[tokio::test]
async fn registering_twice_returns_the_same_subscription() {
    let first = exchange("POST", "/apis/hooks/", 201);
    let list = exchange("GET", "/apis/hooks/", 200);
    let listed = list.response.body[0].clone();
    let (event, url) = (listed["event"].as_str().unwrap(), listed["url"].as_str().unwrap());

    let server = replaying(std::slice::from_ref(&first)).await;
    let hook = client(&server).hooks().register("xg.*", "http://127.0.0.1:8083/callback").await;
    assert_eq!(json!(hook.unwrap()), first.response.body);

    let server = replaying(&[list]).await;
    let again = ResponseTemplate::new(201).set_body_json(json!({"event": event, "url": url}));
    answer(&server, "POST", "/apis/hooks/", again).await;
    let hook = client(&server).hooks().register(event, url).await.unwrap();
    assert_eq!(json!(hook), listed);
}
