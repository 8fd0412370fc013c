//! What the library asks for and tells, against recorded answers.

use std::io;

use div_seed::{Output, Reset, RunName, SeedOptions, Silent, Summary, seed};
use serde_json::json;
use sim_games_client::Client;
use sim_games_types::{GamePk, RunPk};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::server::{AGAIN, FRESH, answer_once, bodies, replay, replaying, requests, run};

pub(crate) const LINES: &str = "\
getting or creating game: Div
getting or creating role: Dividend
getting or creating role: Divisor
getting or creating phase: Play
getting or creating phase: Debrief
getting or creating run: default
setting run to phase: Play
getting or creating world: World 1
getting or creating user: leader@div.edu
getting or creating leader runuser for user: leader@div.edu
getting or creating user: s1@div.edu
getting or creating runuser for user: s1@div.edu
getting or creating user: s2@div.edu
getting or creating runuser for user: s2@div.edu
getting or creating world: World 2
getting or creating user: leader@div.edu
getting or creating leader runuser for user: leader@div.edu
getting or creating user: s3@div.edu
getting or creating runuser for user: s3@div.edu
getting or creating user: s4@div.edu
getting or creating runuser for user: s4@div.edu
";

/// Keeps what is told, and answers questions as prepared.
#[derive(Default)]
struct Kept {
    text: String,
    warnings: Vec<String>,
    answer: Option<bool>,
}

impl Output for Kept {
    fn line(&mut self, label: &str, value: &str) -> io::Result<()> {
        self.text += &format!("{label}: {value}\n");
        Ok(())
    }

    fn busy(&mut self, text: &str) -> io::Result<()> {
        self.text += text;
        Ok(())
    }

    fn done(&mut self) -> io::Result<()> {
        self.text += "done\n";
        Ok(())
    }

    fn warning(&mut self, text: &str) -> io::Result<()> {
        self.warnings.push(text.to_owned());
        Ok(())
    }

    fn progress(&mut self, _done: usize, _total: usize) {}

    fn confirm(&mut self, question: &str) -> io::Result<bool> {
        self.text += &format!("{question}\n");
        self.answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn client(server: &MockServer) -> Client {
    let url = format!("{}/apis", server.uri());
    Client::builder(url).basic("simpl@simpl.world", "simpl").build().unwrap()
}

fn options() -> SeedOptions {
    SeedOptions::new("div", "Div")
}

#[tokio::test]
async fn a_fresh_environment_is_created_as_the_original_creates_it() {
    let server = replaying(FRESH).await;
    let mut kept = Kept::default();
    let summary = seed(&client(&server), &options(), &mut kept).await.unwrap();

    assert_eq!(kept.text, LINES);
    assert_eq!(kept.warnings, [""; 0]);
    let expected = Summary { game: GamePk(1), run: RunPk(1), worlds: 2, created: 22 };
    assert_eq!(summary, expected);

    let users = bodies(&server, "POST", "/apis/users/").await;
    let leader = json!({"email": "leader@div.edu", "password": "leader",
        "first_name": "Div", "last_name": "Leader"});
    let student = json!({"email": "s4@div.edu", "password": "s4",
        "first_name": "Student4", "last_name": "User"});
    assert_eq!((users.len(), &users[0], &users[4]), (5, &leader, &student));

    let runusers = bodies(&server, "POST", "/apis/runusers/").await;
    assert_eq!(
        runusers,
        [
            json!({"user": 2, "run": 1, "leader": true, "world": null, "role": null}),
            json!({"user": 3, "run": 1, "leader": false, "world": 1, "role": 1}),
            json!({"user": 4, "run": 1, "leader": false, "world": 1, "role": 2}),
            json!({"user": 5, "run": 1, "leader": false, "world": 2, "role": 1}),
            json!({"user": 6, "run": 1, "leader": false, "world": 2, "role": 2}),
        ]
    );
    let bodies_of = |collection: &str| format!("/apis/{collection}/");
    assert_eq!(
        bodies(&server, "POST", &bodies_of("phases")).await,
        [
            json!({"game": 1, "name": "Play", "order": 1}),
            json!({"game": 1, "name": "Debrief", "order": 2}),
        ]
    );
    assert_eq!(
        bodies(&server, "POST", &bodies_of("periods")).await,
        [json!({"scenario": 1, "order": 1}), json!({"scenario": 2, "order": 1})]
    );
    assert_eq!(
        bodies(&server, "POST", &bodies_of("scenarios")).await,
        [
            json!({"world": 1, "name": "World Scenario 1"}),
            json!({"world": 2, "name": "World Scenario 1"}),
        ]
    );
}

#[tokio::test]
async fn a_second_time_only_the_phase_is_written() {
    let server = replaying(AGAIN).await;
    let mut kept = Kept::default();
    let summary = seed(&client(&server), &options(), &mut kept).await.unwrap();

    assert_eq!(kept.text, LINES);
    assert_eq!(summary.created, 0);
    let requests = requests(&server).await;
    let writes: Vec<_> = requests.iter().filter(|it| !it.starts_with("GET ")).collect();
    assert_eq!(writes, ["PUT /apis/runs/1/"]);
    assert_eq!(bodies(&server, "PUT", "/apis/runs/1/").await[0]["phase"], 1);
}

#[tokio::test]
async fn no_password_stands_in_a_url() {
    for recording in [FRESH, AGAIN] {
        let server = replaying(recording).await;
        seed(&client(&server), &options(), &mut Silent).await.unwrap();
        for request in requests(&server).await {
            assert!(!request.contains("password"), "{request}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_several_runs_is_used_with_a_warning() {
    let server = MockServer::start().await;
    let runs = [
        run(1, "2026-11-22T07:04:33.948030Z"),
        run(9, "2026-11-23T07:04:33.948030Z"),
        run(5, "2026-11-21T07:04:33.948030Z"),
    ];
    let list = ResponseTemplate::new(200).set_body_json(runs);
    answer_once(&server, "GET", "/apis/runs/?game=1&name=default", list).await;
    replay(&server, AGAIN).await;

    let mut kept = Kept::default();
    // The recorded worlds belong to run 1, so that nothing matches after the run.
    seed(&client(&server), &options(), &mut kept).await.unwrap_err();
    assert_eq!(kept.warnings, ["3 runs are named `default`; using the newest, run 9"]);
    let requests = requests(&server).await;
    assert!(requests.contains(&"PUT /apis/runs/9/".to_owned()), "{requests:?}");
}

#[tokio::test]
async fn a_member_in_a_wrong_place_is_corrected() {
    let server = MockServer::start().await;
    let member = json!({
        "id": 2, "run_active": true, "role": 2, "email": "s1@div.edu", "first_name": "Student1",
        "last_name": "User", "role_name": "Divisor", "created": "2026-11-22T07:04:37.081719Z",
        "updated": "2026-11-22T07:04:37.081802Z", "leader": true, "active": true, "data": {"x": 1},
        "user": 3, "run": 1, "world": 2,
    });
    let list = ResponseTemplate::new(200).set_body_json([&member]);
    answer_once(&server, "GET", "/apis/runusers/?user=3&run=1", list).await;
    let saved = ResponseTemplate::new(200).set_body_json(&member);
    answer_once(&server, "PUT", "/apis/runusers/2/", saved).await;
    replay(&server, AGAIN).await;

    seed(&client(&server), &options(), &mut Silent).await.unwrap();
    let written = &bodies(&server, "PUT", "/apis/runusers/2/").await[0];
    assert_eq!(
        (&written["world"], &written["role"], &written["leader"], &written["data"]),
        (&json!(1), &json!(1), &json!(false), &json!({"x": 1}))
    );
}

/// A server with two runs of the name, which can be deleted, and nothing in them afterwards.
async fn with_runs_to_delete() -> MockServer {
    let server = MockServer::start().await;
    let runs = [run(7, "2026-11-20T00:00:00.000000Z"), run(8, "2026-11-21T00:00:00.000000Z")];
    let list = ResponseTemplate::new(200).set_body_json(runs);
    answer_once(&server, "GET", "/apis/runs/?game=1&name=default", list).await;
    for path in ["/apis/runs/7/", "/apis/runs/8/"] {
        answer_once(&server, "DELETE", path, ResponseTemplate::new(204)).await;
    }
    replay(&server, FRESH).await;
    server
}

const QUESTION: &str =
    "Are you sure you want to delete the \"default\" game run and recreate from scratch?\n";

/// The lines with something between the game's and the next.
fn lines_after_game(insertion: &str) -> String {
    LINES.replacen("game: Div\n", &format!("game: Div\n{insertion}"), 1)
}

async fn deletions(server: &MockServer) -> Vec<String> {
    requests(server).await.into_iter().filter(|it| it.starts_with("DELETE")).collect()
}

#[tokio::test]
async fn reset_deletes_all_runs_of_the_name_after_a_yes() {
    let server = with_runs_to_delete().await;
    let mut kept = Kept { answer: Some(true), ..Kept::default() };
    let options = SeedOptions { reset: Reset::Ask, ..options() };
    seed(&client(&server), &options, &mut kept).await.unwrap();

    let told = format!("{QUESTION}Resetting the Div game run... done\n");
    assert_eq!(kept.text, lines_after_game(&told));
    assert_eq!(deletions(&server).await, ["DELETE /apis/runs/7/", "DELETE /apis/runs/8/"]);
}

#[tokio::test]
async fn reset_without_a_question_deletes_at_once() {
    let server = with_runs_to_delete().await;
    let mut kept = Kept::default();
    let options = SeedOptions { reset: Reset::Yes, ..options() };
    seed(&client(&server), &options, &mut kept).await.unwrap();
    assert_eq!(kept.text, lines_after_game("Resetting the Div game run... done\n"));
    assert_eq!(deletions(&server).await.len(), 2);
}

#[tokio::test]
async fn reset_without_an_answer_ends_before_anything_is_deleted() {
    let server = with_runs_to_delete().await;
    let mut kept = Kept::default();
    let options = SeedOptions { reset: Reset::Ask, ..options() };
    let error = seed(&client(&server), &options, &mut kept).await.unwrap_err();
    assert_eq!(error.to_string(), "aborted, nothing was deleted");
    assert_eq!(kept.text, format!("getting or creating game: Div\n{QUESTION}"));
    assert_eq!(deletions(&server).await, [""; 0]);
}

#[tokio::test]
async fn reset_after_a_no_goes_on_as_without_it() {
    let server = MockServer::start().await;
    let there = run(1, "2026-11-20T00:00:00.000000Z");
    let list = ResponseTemplate::new(200).set_body_json([there]);
    answer_once(&server, "GET", "/apis/runs/?game=1&name=default", list).await;
    replay(&server, AGAIN).await;
    let mut kept = Kept { answer: Some(false), ..Kept::default() };
    let options = SeedOptions { reset: Reset::Ask, ..options() };
    seed(&client(&server), &options, &mut kept).await.unwrap();
    assert_eq!(kept.text, lines_after_game(QUESTION));
    assert_eq!(deletions(&server).await, [""; 0]);
}

#[tokio::test]
async fn reset_without_a_run_asks_nothing() {
    let server = MockServer::start().await;
    let none = ResponseTemplate::new(200).set_body_json(json!([]));
    answer_once(&server, "GET", "/apis/runs/?game=1&name=default", none).await;
    replay(&server, FRESH).await;
    let mut kept = Kept::default();
    let options = SeedOptions { reset: Reset::Ask, ..options() };
    seed(&client(&server), &options, &mut kept).await.unwrap();
    assert_eq!(kept.text, LINES);
}

/// Answers as an API would in which nothing is there; keys are all 1.
async fn empty_api() -> MockServer {
    let server = MockServer::start().await;
    let none = ResponseTemplate::new(200).set_body_json(json!([]));
    let missing = ResponseTemplate::new(404).set_body_json(json!({"detail": "Not found."}));
    Mock::given(method("GET"))
        .and(path("/apis/games/div/"))
        .respond_with(missing)
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(none).mount(&server).await;
    Mock::given(wiremock::matchers::any())
        .respond_with(|request: &Request| {
            let mut body: serde_json::Value = request.body_json().unwrap();
            let now = "2026-11-22T07:04:32.400049Z";
            let known =
                json!({"id": 1, "created": now, "updated": now, "slug": "div", "email": ""});
            for (field, value) in known.as_object().unwrap() {
                body.as_object_mut().unwrap().entry(field.clone()).or_insert(value.clone());
            }
            ResponseTemplate::new(201).set_body_json(body)
        })
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn every_player_gets_a_test_scenario_if_wanted() {
    let server = empty_api().await;
    let options = SeedOptions { test_scenarios: true, worlds: 1, ..options() };
    let mut kept = Kept::default();
    seed(&client(&server), &options, &mut kept).await.unwrap();
    let line = |number| format!("getting or creating test scenario for user: s{number}@div.edu\n");
    assert!(kept.text.contains(&line(1)) && kept.text.ends_with(&line(2)), "{}", kept.text);
    assert_eq!(
        bodies(&server, "POST", "/apis/scenarios/").await[1..],
        [
            json!({"runuser": 1, "name": "Test Scenario 1"}),
            json!({"runuser": 1, "name": "Test Scenario 1"})
        ]
    );
    assert_eq!(bodies(&server, "POST", "/apis/periods/").await.len(), 3);
}

#[tokio::test]
async fn many_worlds_are_told_and_created_in_order() {
    let server = empty_api().await;
    let run: RunName = "big".parse().unwrap();
    let options = SeedOptions { worlds: 30, run, ..options() };
    let mut kept = Kept::default();
    let summary = seed(&client(&server), &options, &mut kept).await.unwrap();
    assert_eq!(summary.worlds, 30);

    let expected: Vec<_> = (1..=30).map(|number| format!("World {number}")).collect();
    let label = "getting or creating world: ";
    let told: Vec<_> = kept.text.lines().filter_map(|line| line.strip_prefix(label)).collect();
    assert_eq!(told, expected);
    let worlds = bodies(&server, "POST", "/apis/worlds/").await;
    let created: Vec<_> = worlds.iter().map(|world| world["name"].as_str().unwrap()).collect();
    assert_eq!(created, expected);
    assert_eq!(bodies(&server, "POST", "/apis/users/").await.len(), 61);
}

#[tokio::test]
async fn a_service_can_seed_in_a_task_of_its_own() {
    let server = replaying(AGAIN).await;
    let client = client(&server);
    let task = tokio::spawn(async move { seed(&client, &options(), &mut Silent).await });
    assert_eq!(task.await.unwrap().unwrap().worlds, 2);
}
