//! Blackjack as its players meet it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use blackjack::{Round, game};
use serde_json::{Value, json};
use sim::types::Resource;
use sim_test::{CallFailure, TestGame, TestPlayer};

type Scope = (Resource, i64);

/// A player at a table.
struct Seat {
    game: TestGame,
    player: TestPlayer,
    scenario: Scope,
}

async fn seat(seed: u64) -> Seat {
    let game = TestGame::builder(game().seed(seed)).phases(&["Play"]).worlds(0);
    let game = game.start().await.unwrap();
    let player = game.solo_player().await.unwrap();
    let scenario = game.scenario_of(&player).await.unwrap();
    Seat { game, player, scenario }
}

impl Seat {
    async fn play(&self, action: Value) -> Result<Value, CallFailure> {
        self.player.call(self.scenario, "submit_decision", json!([action])).await
    }

    /// What the store has for a period: all of it, the deck as well.
    async fn round(&self, order: i64) -> Round {
        let period = self.game.period_of(self.scenario, order).await.unwrap();
        let results = self.game.results(period).await.unwrap();
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].name, "results");
        serde_json::from_value(results[0].data.clone()).unwrap()
    }

    async fn cards(&self) -> Vec<String> {
        let table = self.round(1).await.data;
        let cards = table.player_cards.into_iter().chain(table.dealer_cards);
        cards.map(|card| format!("{} of {}", card.rank, card.suit)).collect()
    }
}

#[tokio::test]
async fn a_deal_leaves_49_cards_and_opens_the_next_period() {
    let seat = seat(1).await;
    assert_eq!(seat.play(json!("deal")).await.unwrap(), Value::Null);
    let round = seat.round(1).await;
    let sizes = [round.deck.len(), round.data.player_cards.len(), round.data.dealer_cards.len()];
    assert_eq!(sizes, [49, 2, 1]);
    let first = seat.game.period_of(seat.scenario, 1).await.unwrap();
    let decisions = seat.game.decisions(first).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!((&*decisions[0].name, &decisions[0].data), ("deal", &json!({"action": "deal"})));
    seat.game.period_of(seat.scenario, 2).await.unwrap();
}

#[tokio::test]
async fn no_action_means_deal() {
    let seat = seat(1).await;
    seat.play(Value::Null).await.unwrap();
    assert_eq!(seat.round(1).await.deck.len(), 49);
}

#[tokio::test]
async fn a_hand_goes_on_over_the_periods_and_can_be_followed_by_another() {
    let seat = seat(1).await;
    for action in ["deal", "stand", "deal"] {
        seat.play(json!(action)).await.unwrap();
    }
    let [dealt, stood] = [seat.round(1).await, seat.round(2).await];
    assert_eq!(stood.data.player_cards, dealt.data.player_cards);
    assert!(stood.data.done && stood.data.dealer_score >= 17);
    assert_eq!(stood.deck.len() + stood.data.dealer_cards.len(), 50);
    assert_eq!(seat.round(3).await.deck.len(), 49);
}

#[tokio::test]
async fn no_browser_ever_sees_the_deck() {
    let mut seat = seat(1).await;
    let mut leader = seat.game.leader().await.unwrap();
    let (resource, pk) = seat.player.runuser();
    leader.follow_scope((resource, pk)).await.unwrap();
    for action in ["deal", "hit"] {
        seat.play(json!(action)).await.unwrap();
    }
    let mut seen = Vec::new();
    for player in [&mut seat.player, &mut leader] {
        let events = player.events();
        assert!(events.iter().any(|event| event.resource == "result"));
        seen.extend(events.into_iter().map(|event| event.object));
    }
    let own = (resource, pk);
    seen.push(seat.player.call(own, "get_scenarios", json!([])).await.unwrap());
    for scope in [seat.scenario, own, seat.game.run()] {
        for procedure in ["get_scope", "get_scope_tree"] {
            seen.push(seat.player.call(scope, procedure, json!([])).await.unwrap());
            seen.push(leader.call(scope, procedure, json!([])).await.unwrap());
        }
    }
    seen.push(leader.call(seat.game.run(), "get_run_data", json!([true])).await.unwrap());
    let text = json!(seen).to_string();
    assert!(text.contains("player_cards"));
    assert!(!text.contains("deck"), "{text}");
}

#[tokio::test]
async fn a_new_game_deletes_all_periods_and_answers_with_the_key_of_the_first() {
    let mut seat = seat(1).await;
    for action in ["deal", "stand"] {
        seat.play(json!(action)).await.unwrap();
    }
    seat.player.events();
    let old = seat.game.period_of(seat.scenario, 1).await.unwrap();
    let answer = seat.player.call(seat.scenario, "deal_new_game", json!([])).await.unwrap();
    let new = seat.game.period_of(seat.scenario, 1).await.unwrap();
    assert_eq!(answer, new.1);
    assert_ne!(new, old);
    assert!(seat.game.period_of(seat.scenario, 2).await.is_err());
    let of_periods = seat.player.events().into_iter().filter(|event| event.resource == "period");
    let names: Vec<_> = of_periods.map(|event| event.name).collect();
    assert_eq!(names, ["remove_child", "remove_child", "remove_child", "add_child"]);
}

#[tokio::test]
async fn a_repeated_call_for_a_new_game_names_the_same_period() {
    let seat = seat(1).await;
    let key = json!({"idempotency_key": "once"});
    let first = seat.player.call(seat.scenario, "deal_new_game", key.clone()).await.unwrap();
    let second = seat.player.call(seat.scenario, "deal_new_game", key).await.unwrap();
    assert!(first.is_i64());
    assert_eq!(first, second);
}

#[tokio::test]
async fn what_cannot_be_done_now_is_an_error_of_the_form() {
    let seat = seat(1).await;
    let refusal = async |action: &str| {
        let failure = seat.play(json!(action)).await.unwrap_err();
        assert_eq!(failure.uri, "application.error.validation_error");
        assert_eq!(failure.args[0], "decision");
        failure.args[1]["action"].clone()
    };
    assert_eq!(refusal("hit").await, "Deal first.");
    assert_eq!(refusal("double").await, "Choose deal, hit or stand.");
    seat.play(json!("deal")).await.unwrap();
    assert_eq!(refusal("deal").await, "Finish this hand first.");
    assert!(seat.game.period_of(seat.scenario, 3).await.is_err(), "a refusal stores nothing");
}

#[tokio::test]
async fn nobody_plays_at_the_table_of_another() {
    let seat = seat(1).await;
    let other = seat.game.solo_player().await.unwrap();
    let leader = seat.game.leader().await.unwrap();
    for stranger in [other, leader] {
        for procedure in ["submit_decision", "deal_new_game"] {
            let failure = stranger.call(seat.scenario, procedure, json!([])).await.unwrap_err();
            assert_eq!(failure.uri, "wamp.error.not_authorized");
        }
    }
}

#[tokio::test]
async fn the_same_seed_deals_the_same_cards() {
    let [one, two, other] = [seat(7).await, seat(7).await, seat(8).await];
    for seat in [&one, &two, &other] {
        seat.play(json!("deal")).await.unwrap();
    }
    assert_eq!(one.cards().await, two.cards().await);
    assert_ne!(one.cards().await, other.cards().await);
}
