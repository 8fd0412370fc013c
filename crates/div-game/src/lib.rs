#![doc = include_str!("../README.md")]

use divide::rules::{ACCEPTED, Refusal, Round, outcome};
use serde::{Deserialize, Serialize};
use sim::prelude::*;

pub use divide::rules::{DIVIDEND, DIVISOR, PLAY};

/// What a player enters, and what a decision keeps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Operand {
    operand: f64,
}

/// What a result keeps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Quotient {
    quotient: f64,
}

/// What differs between installations of Div.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether a complete period opens the next one. Off, a scenario keeps its one period, as the
    /// original has it.
    pub step_periods: bool,
}

/// Declares the game under a slug.
pub fn game(slug: &str, rules: Rules) -> Game {
    let submit =
        move |period, caller, phase, play| submit_decision(rules, period, caller, phase, play);
    Game::new(slug)
        .view(include_str!("view.js"))
        .world_scenario("World Scenario 1")
        .scope(Period::handlers().rpc("submit_decision", submit))
        .scope(Run::handlers().on_advance_phase(on_advance_phase))
}

/// Saves the caller's operand and, once both roles have decided, the quotient.
async fn submit_decision(
    rules: Rules,
    period: Scope<Period>,
    caller: Caller,
    phase: CurrentPhase,
    play: Result<Args<Operand>, ArgsError>,
) -> CallResult<&'static str> {
    let role = caller.role()?;
    if role.name != DIVIDEND && role.name != DIVISOR {
        return Err(CallError::forbidden());
    }
    let operand = match play {
        Ok(Args(play)) => play.operand,
        Err(ArgsError::NotFinite(_)) => return Ok(Refusal::NotFinite.text()),
        Err(_) => return Ok(Refusal::NotANumber.text()),
    };
    let round = Round { in_play: phase.is(PLAY), closed: period.is_closed() };
    if let Err(refusal) = round.accept(&role.name, operand) {
        return Ok(refusal.text());
    }
    period.save_decision(role, "decision", Operand { operand })?;
    let quotient = match outcome(decided(&period, DIVIDEND), decided(&period, DIVISOR)) {
        Ok(quotient) => quotient,
        Err(refusal) => {
            // The submission is refused as a whole: nothing of it is stored.
            period.discard();
            return Ok(refusal.text());
        }
    };
    if let Some(quotient) = quotient {
        period.save_result("result", Quotient { quotient })?;
        if rules.step_periods {
            period.open_next()?;
        }
    }
    tracing::debug!(
        period.pk = period.id.0,
        role.name = role.name,
        operand,
        complete = quotient.is_some(),
        "saved a decision"
    );
    Ok(ACCEPTED)
}

/// The operand that a role has decided on, if it has.
fn decided(period: &Scope<Period>, role: &str) -> Option<f64> {
    period.decision::<Operand>(role, "decision").map(|decision| decision.operand)
}

/// Tells the log where the class goes.
async fn on_advance_phase(run: Scope<Run>, NextPhase(next): NextPhase) -> CallResult<()> {
    tracing::info!(run.pk = run.id.0, next_phase = next.name, "on_advance_phase");
    Ok(())
}
