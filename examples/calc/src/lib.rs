#![doc = include_str!("../README.md")]

use serde::{Deserialize, Serialize};
use sim::prelude::*;
use sim::{Player, Setup};

/// What a player enters, and what a decision keeps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Operand {
    operand: f64,
}

/// What a result keeps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Total {
    total: f64,
}

/// The model: one operand more.
#[must_use]
pub fn step(operand: f64, prev_total: f64) -> f64 {
    prev_total + operand
}

/// Declares the game.
#[must_use]
pub fn game() -> Game {
    Game::new("calc")
        .scope(RunUser::handlers().on_start(prepare))
        .scope(Period::handlers().rpc_for(owner(), "submit_decision", submit_decision))
}

/// A class to play with: a leader and two players, who need no roles and no worlds.
#[must_use]
pub fn environment() -> Setup {
    Setup::new("calc", "Calc")
        .phases(["Play"])
        .leader(Player::new("leader@calc.edu", "leader").named("CALC", "Leader"))
        .player(Player::new("s1@calc.edu", "s1").named("CALC", "s1"))
        .player(Player::new("s2@calc.edu", "s2").named("CALC", "s2"))
}

/// Gives a player a scenario to play in. It is called for every newcomer, and again for everybody
/// when the service starts: what is there stays.
async fn prepare(member: Scope<RunUser>) -> CallResult<()> {
    if !member.leader {
        member.ensure_scenario("Scenario 1")?.ensure_period(1)?;
    }
    Ok(())
}

/// Saves the operand of the period, the total, and the totals of the periods after it.
async fn submit_decision(
    period: Scope<Period>,
    Args(operand): Args<Operand>,
) -> CallResult<&'static str> {
    period.save_own_decision("decision", operand)?;
    let before = period.previous()?.and_then(|previous| previous.result::<Total>("results"));
    let mut total = before.map_or(0.0, |before| before.total);
    let rounds = period.in_scenario()?.periods()?;
    for round in rounds.into_iter().filter(|round| round.order >= period.order) {
        let Some(Operand { operand }) = round.own_decision("decision") else { break };
        total = step(operand, total);
        if !total.is_finite() {
            return Err(CallError::invalid_argument("the total is too large"));
        }
        round.save_result("results", Total { total })?;
    }
    period.open_next()?;
    Ok("ok")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_operand_is_the_first_total() {
        assert_eq!(step(5.0, 0.0), 5.0);
    }

    #[test]
    fn operands_add_up() {
        assert_eq!(step(3.0, 5.0), 8.0);
        assert_eq!(step(-2.5, 5.0), 2.5);
    }
}
