//! Calc as its players meet it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use calc::game;
use serde_json::{Value, json};
use sim::types::Resource;
use sim_test::{TestGame, TestPlayer};

type Scope = (Resource, i64);

/// A player with a scenario of their own.
struct Desk {
    game: TestGame,
    player: TestPlayer,
    scenario: Scope,
}

async fn desk() -> Desk {
    let game = TestGame::builder(game()).phases(&["Play"]).worlds(0).start().await.unwrap();
    let player = game.solo_player().await.unwrap();
    let scenario = game.scenario_of(&player).await.unwrap();
    Desk { game, player, scenario }
}

impl Desk {
    async fn submit(&self, order: i64, operand: f64) -> Value {
        let period = self.game.period_of(self.scenario, order).await.unwrap();
        self.player.call(period, "submit_decision", json!([operand])).await.unwrap()
    }

    async fn total(&self, order: i64) -> Value {
        let period = self.game.period_of(self.scenario, order).await.unwrap();
        match &self.game.results(period).await.unwrap()[..] {
            [result] if result.name == "results" && result.role.is_none() => {
                result.data["total"].clone()
            }
            others => panic!("{others:?}"),
        }
    }
}

#[tokio::test]
async fn totals_add_up_period_by_period() {
    let desk = desk().await;
    assert_eq!(desk.submit(1, 5.0).await, "ok");
    assert_eq!(desk.submit(2, 3.0).await, "ok");
    assert_eq!([desk.total(1).await, desk.total(2).await], [5.0, 8.0]);
    let third = desk.game.period_of(desk.scenario, 3).await.unwrap();
    assert!(desk.game.decisions(third).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_correction_replaces_the_decision_and_reaches_the_later_totals() {
    let desk = desk().await;
    for (order, operand) in [(1, 5.0), (2, 3.0), (3, 1.0)] {
        desk.submit(order, operand).await;
    }
    assert_eq!(desk.submit(2, -2.5).await, "ok");
    let second = desk.game.period_of(desk.scenario, 2).await.unwrap();
    let decisions = desk.game.decisions(second).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].data, json!({"operand": -2.5}));
    let totals = [desk.total(1).await, desk.total(2).await, desk.total(3).await];
    assert_eq!(totals, [5.0, 2.5, 3.5]);
    assert!(desk.game.period_of(desk.scenario, 5).await.is_err(), "only the last period steps");
}

#[tokio::test]
async fn the_player_sees_decision_result_and_next_period() {
    let mut desk = desk().await;
    desk.player.events();
    desk.submit(1, 5.0).await;
    let seen: Vec<_> = desk.player.events().into_iter().map(|event| event.resource).collect();
    assert_eq!(seen, ["decision", "result", "period"]);
}

#[tokio::test]
async fn nobody_plays_in_the_scenario_of_another() {
    let desk = desk().await;
    let other = desk.game.solo_player().await.unwrap();
    let leader = desk.game.leader().await.unwrap();
    let period = desk.game.period_of(desk.scenario, 1).await.unwrap();
    for stranger in [other, leader] {
        let failure = stranger.call(period, "submit_decision", json!([1])).await.unwrap_err();
        assert_eq!(failure.uri, "wamp.error.not_authorized");
    }
}

#[tokio::test]
async fn the_leader_submits_for_an_absent_player_and_sees_all_scenarios() {
    let desk = desk().await;
    let leader = desk.game.leader().await.unwrap();
    let period = desk.game.period_of(desk.scenario, 1).await.unwrap();
    let args = json!([desk.player.runuser().1, 4]);
    assert_eq!(leader.call(period, "submit_for", args).await.unwrap(), "ok");
    assert_eq!(desk.total(1).await, 4.0);
    let data = leader.call(desk.game.run(), "get_run_data", json!([true])).await.unwrap();
    assert_eq!(data["player_scenarios"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn totals_that_are_no_numbers_are_refused() {
    let desk = desk().await;
    desk.submit(1, f64::MAX).await;
    let period = desk.game.period_of(desk.scenario, 2).await.unwrap();
    for args in [json!([f64::MAX]), json!(["much"]), json!([null])] {
        let failure = desk.player.call(period, "submit_decision", args).await.unwrap_err();
        assert_eq!(failure.uri, "wamp.error.invalid_argument");
    }
    assert!(desk.game.decisions(period).await.unwrap().is_empty());
}
