//! Decisions submitted by the program, on a whole service of ours.

use std::process::Output;

use axum::http::StatusCode;
use axum::routing::any;
use div_game::{DIVIDEND, DIVISOR, Rules, game};
use serde_json::{Value, json};
use sim_games_client::Client;
use sim_games_types::Period;
use sim_test::{TestGame, TestPlayer};
use tokio::task::JoinHandle;

use crate::program::{div_seed, stderr, stdout};

/// A world with both players, and the Games API of its service on a socket.
struct Table {
    game: TestGame,
    dividend: TestPlayer,
    divisor: TestPlayer,
    scenario: String,
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Table {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn table() -> Table {
    table_behind(|api| api).await
}

async fn table_behind(wrap: fn(axum::Router) -> axum::Router) -> Table {
    let game = TestGame::start(game("div", Rules { step_periods: true })).await.unwrap();
    let dividend = game.player(DIVIDEND).await.unwrap();
    let divisor = game.player(DIVISOR).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/apis", listener.local_addr().unwrap());
    let api = wrap(game.core().games_router().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, api).await.unwrap() });
    let scenario = {
        let (_, period) = game.period(1).await.unwrap();
        let periods: Vec<Period> = game.stored().await.unwrap();
        periods.iter().find(|it| it.id.0 == period).unwrap().scenario.to_string()
    };
    Table { game, dividend, divisor, scenario, url, server }
}

impl Table {
    async fn run(&self, options: &[&str]) -> Output {
        let options = [&["submit", "--games-url", &self.url], options].concat();
        div_seed(&options, &[], "").await
    }

    async fn submit(&self, role: &str, value: &str) -> Output {
        self.run(&["-s", &self.scenario, "-r", role, "-d", value]).await
    }

    /// What the period of an order holds: operands and quotients.
    async fn stored(&self, order: i64) -> (Vec<Value>, Vec<Value>) {
        let period = self.game.period(order).await.unwrap();
        let decisions = self.game.decisions(period).await.unwrap();
        let results = self.game.results(period).await.unwrap();
        (
            decisions.into_iter().map(|it| it.data["operand"].clone()).collect(),
            results.into_iter().map(|it| it.data["quotient"].clone()).collect(),
        )
    }

    fn client(&self) -> Client {
        Client::builder(&self.url).basic("simpl@simpl.world", "simpl").build().unwrap()
    }

    async fn patch(&self, path: &str, body: Value) {
        let client = self.client();
        let (collection, pk) = path.split_once('/').unwrap();
        match collection {
            "runs" => drop(client.runs().patch(pk, &body).await.unwrap()),
            _ => drop(client.periods().patch(pk, &body).await.unwrap()),
        }
    }
}

/// What an object is, by its fields.
fn kind(object: &Value) -> &str {
    match object["name"].as_str() {
        Some(name) => name,
        None => "period",
    }
}

fn told(output: &Output) -> (&str, Option<i32>) {
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (std::str::from_utf8(text).unwrap(), output.status.code())
}

#[tokio::test]
async fn the_second_decision_prints_the_result_and_opens_the_next_period() {
    let mut table = table().await;
    table.dividend.events();
    let first = table.submit("Dividend", " 10 ").await;
    assert_eq!(told(&first), ("result is None\n", Some(0)));
    let second = table.submit("Divisor", "4").await;
    assert_eq!(told(&second), ("result is 2.5\n", Some(0)), "{}", stderr(&second));
    assert_eq!(table.stored(1).await, (vec![json!(10.0), json!(4.0)], vec![json!(2.5)]));
    assert_eq!(table.stored(2).await, (vec![], vec![]));
    // The world's topic and the player's own carry the same.
    let mut seen: Vec<_> = table.dividend.events().into_iter().map(|it| it.object).collect();
    seen.dedup();
    let seen: Vec<_> = seen.iter().map(kind).collect();
    let expected = ["decision", "decision", "result", "period"];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_period_of_the_highest_order_is_played() {
    let table = table().await;
    for (role, value) in [("Dividend", "1"), ("Divisor", "2"), ("Dividend", "-8"), ("Divisor", "4")]
    {
        assert_eq!(table.submit(role, value).await.status.code(), Some(0));
    }
    assert_eq!(table.stored(1).await.1, [json!(0.5)]);
    assert_eq!(table.stored(2).await.1, [json!(-2.0)]);
}

#[tokio::test]
async fn without_stepping_a_repeated_decision_recalculates_in_place() {
    let table = table().await;
    for (role, value, text) in [
        ("Divisor", "4", "result is None\n"),
        ("Dividend", "10", "result is 2.5\n"),
        ("Divisor", "5", "result is 2.0\n"),
    ] {
        let options =
            ["--step-periods", "off", "-s", &table.scenario, "--role_name", role, "-d", value];
        assert_eq!(told(&table.run(&options).await), (text, Some(0)));
    }
    assert!(table.game.period(2).await.is_err());
    assert_eq!(table.stored(1).await, (vec![json!(5.0), json!(10.0)], vec![json!(2.0)]));
}

#[tokio::test]
async fn a_player_and_the_command_play_together() {
    let table = table().await;
    let period = table.game.period(1).await.unwrap();
    table.divisor.call(period, "submit_decision", json!([8])).await.unwrap();
    assert_eq!(stdout(&table.submit("Dividend", "2").await), "result is 0.25\n");
}

#[tokio::test]
async fn what_the_rules_refuse_is_told_in_the_players_words_and_not_stored() {
    let table = table().await;
    for (role, value, text) in [
        ("Divisor", "0", "error: Cannot divide by zero\n"),
        ("Divisor", "-0.0", "error: Cannot divide by zero\n"),
        ("Dividend", "ten", "error: Please enter a number.\n"),
        ("Dividend", "", "error: Please enter a number.\n"),
        ("Dividend", "-inf", "error: Please enter a finite number.\n"),
        ("Dividend", "1e999", "error: Please enter a finite number.\n"),
    ] {
        assert_eq!(told(&table.submit(role, value).await), (text, Some(1)), "{value}");
    }
    assert_eq!(table.stored(1).await, (vec![], vec![]));
    table.submit("Dividend", "1e308").await;
    let output = table.submit("Divisor", "1e-308").await;
    assert_eq!(told(&output), ("error: The result is too large.\n", Some(1)));
    assert_eq!(table.stored(1).await, (vec![json!(1e308)], vec![]));
}

#[tokio::test]
async fn a_closed_round_and_another_phase_take_no_decision() {
    let table = table().await;
    let (_, period) = table.game.period(1).await.unwrap();
    table.patch(&format!("periods/{period}"), json!({"data": {"closed": true}})).await;
    let output = table.submit("Dividend", "1").await;
    assert_eq!(told(&output), ("error: This round is closed.\n", Some(1)));
    let phases = table.client().phases().list().await.unwrap();
    let debrief = phases.iter().find(|phase| phase.name == "Debrief").unwrap().id;
    let run = table.game.run().1;
    table.patch(&format!("runs/{run}"), json!({ "phase": debrief })).await;
    let output = table.submit("Dividend", "1").await;
    let text = "error: Decisions can be submitted only during Play.\n";
    assert_eq!(told(&output), (text, Some(1)));
}

#[tokio::test]
async fn unknown_scenarios_and_roles_are_one_line() {
    let table = table().await;
    let output = table.run(&["-s", "999", "-r", "Dividend"]).await;
    let text = "error: there is no scenario 999; give the key of a world's or a player's with -s\n";
    assert_eq!(told(&output), (text, Some(1)));
    let output = table.submit("Banker", "1").await;
    let text = "error: no role `Banker` decides in Div; name Dividend or Divisor\n";
    assert_eq!(told(&output), (text, Some(1)));
}

#[tokio::test]
async fn a_scenario_that_is_not_named_is_bad_usage() {
    let output = div_seed(&["submit", "-r", "Dividend", "-d", "1"], &[], "").await;
    assert_eq!(told(&output), ("ERROR: scenario_id must specified: give it with -s\n", Some(2)));
    let output = div_seed(&["--reset", "submit"], &[], "").await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn a_server_without_units_gets_one_request_after_the_other() {
    let without = |api| {
        let missing = any(|| async { (StatusCode::NOT_FOUND, "<h1>Not Found</h1>") });
        axum::Router::new().route("/apis/units/", missing).fallback_service(api)
    };
    let table = table_behind(without).await;
    table.submit("Dividend", "9").await;
    // What an interrupted submission has left is completed.
    let output = table.submit("Dividend", "10").await;
    assert_eq!(told(&output), ("result is None\n", Some(0)));
    let output = table.submit("Divisor", "4").await;
    assert_eq!(told(&output), ("result is 2.5\n", Some(0)), "{}", stderr(&output));
    assert_eq!(table.stored(1).await, (vec![json!(10.0), json!(4.0)], vec![json!(2.5)]));
    assert_eq!(table.stored(2).await, (vec![], vec![]));
}

#[tokio::test]
async fn submissions_at_the_same_moment_leave_one_result() {
    let table = table().await;
    let (first, second) = tokio::join!(table.submit("Dividend", "6"), table.submit("Divisor", "3"));
    let mut said = [stdout(&first), stdout(&second)];
    said.sort();
    assert_eq!(said, ["result is 2.0\n", "result is None\n"]);
    assert_eq!(table.stored(1).await.1, [json!(2.0)]);
    assert!(table.game.period(3).await.is_err());
}
