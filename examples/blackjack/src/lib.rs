#![doc = include_str!("../README.md")]

mod round;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sim::prelude::*;
use sim::{Player, Setup};

pub use round::{Card, Round, Table, deck, score};

/// What a player chooses. Nothing at all means `deal`.
#[derive(Debug, Deserialize)]
struct Move {
    #[serde(default = "deal")]
    action: String,
}

fn deal() -> String {
    "deal".to_owned()
}

/// Declares the game.
#[must_use]
pub fn game() -> Game {
    Game::new("blackjack")
        .view(include_str!("view.js"))
        .scope(RunUser::handlers().on_start(prepare))
        .scope(Scenario::handlers().rpc_for(owner(), "deal_new_game", deal_new_game).rpc_for(
            owner(),
            "submit_decision",
            submit_decision,
        ))
}

/// Somebody to play with.
#[must_use]
pub fn environment() -> Setup {
    Setup::new("blackjack", "Blackjack")
        .phases(["Play"])
        .player(Player::new("demo@example.com", "demo").named("Blackjack", "Demo"))
}

/// Gives a player a scenario to play in: a newcomer, and everybody when the service starts.
async fn prepare(member: Scope<RunUser>) -> CallResult<()> {
    if !member.leader {
        member.ensure_scenario("Scenario 1")?.ensure_period(1)?;
    }
    Ok(())
}

/// Begins anew with an empty first period, and answers with its key.
async fn deal_new_game(scenario: Scope<Scenario>) -> CallResult<Value> {
    Ok(scenario.restart()?.final_pk())
}

/// Saves what the player does in the current period, what comes of it, and opens the next one.
async fn submit_decision(
    scenario: Scope<Scenario>,
    mut random: Random,
    Args(Move { action }): Args<Move>,
) -> CallResult<()> {
    let period = scenario.current_period()?;
    let before = period.previous()?.and_then(|previous| previous.result::<Round>("results"));
    let round = match (&*action, before.filter(|round| !round.data.done)) {
        ("deal", None) => Round::deal(&mut *random),
        ("hit", Some(round)) => round.hit(),
        ("stand", Some(round)) => round.stand(),
        ("deal", Some(_)) => return Err(refused("Finish this hand first.")),
        ("hit" | "stand", None) => return Err(refused("Deal first.")),
        _ => return Err(refused("Choose deal, hit or stand.")),
    };
    period.save_own_decision(&action, json!({ "action": action }))?;
    period.save_result("results", round)?;
    period.open_next()?;
    Ok(())
}

/// A form's error: the browser shows it beside the field.
fn refused(message: &str) -> CallError {
    CallError::validation("decision", Map::from_iter([("action".to_owned(), json!(message))]))
}
