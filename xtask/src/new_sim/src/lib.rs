#![doc = include_str!("../README.md")]

use serde::{Deserialize, Serialize};
use sim::prelude::*;
use sim::{Player, Setup};

/// The game's slug: its name in the Games API and in all URIs.
const SLUG: &str = "new-sim";

// CHANGE: the roles; every world has one player of each.
/// The first player of a world.
pub const LEFT: &str = "Left";
/// The second player of a world.
pub const RIGHT: &str = "Right";

// CHANGE: the phases, through which the leader takes the run.
/// The phase in which numbers are entered.
const PLAY: &str = "Play";
/// The phase after it.
const DEBRIEF: &str = "Debrief";

/// What a player enters, and what a decision keeps.
// CHANGE: the fields. They are the arguments of `submit_decision`, by position or by name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    number: i64,
}

/// What a result keeps.
// CHANGE: what comes out of a round.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Total {
    sum: i64,
}

/// Declares the game.
#[must_use]
pub fn game() -> Game {
    let players = role(LEFT).or(role(RIGHT)).and(phase(PLAY));
    Game::new(SLUG).scope(Period::handlers().rpc_for(players, "submit_decision", submit_decision))
}

/// The class that an empty database is filled with: who can log in, and by which password.
// CHANGE: the worlds and players.
#[must_use]
pub fn environment() -> Setup {
    let player = |name: &str| Player::new(format!("{name}@{SLUG}.example"), name);
    Setup::new(SLUG, "New sim")
        .phases([PLAY, DEBRIEF])
        .roles([LEFT, RIGHT])
        .worlds(["World 1", "World 2"])
        .world_scenario("Scenario 1")
        .leader(player("leader"))
        .player(player("s1").in_world("World 1").as_role(LEFT))
        .player(player("s2").in_world("World 1").as_role(RIGHT))
        .player(player("s3").in_world("World 2").as_role(LEFT))
        .player(player("s4").in_world("World 2").as_role(RIGHT))
}

/// Saves what the caller entered and, once both have, the sum.
///
/// A text is for the player to read; "ok" says that the number is saved.
async fn submit_decision(
    period: Scope<Period>,
    caller: Caller,
    entry: Result<Args<Entry>, ArgsError>,
) -> CallResult<&'static str> {
    period.require_open()?;
    if !period.is_current()? {
        return Ok("This round is over.");
    }
    let Ok(Args(entry)) = entry else {
        return Ok("Please enter a whole number.");
    };
    period.save_decision(caller.role()?, "decision", entry)?;
    if let (Some(left), Some(right)) = (entered(&period, LEFT), entered(&period, RIGHT)) {
        let Some(sum) = model(left, right) else {
            // What the call has staged is forgotten, the decision too.
            period.discard();
            return Ok("The sum is too large.");
        };
        period.save_result("result", Total { sum })?;
        // CHANGE: without this line the leader opens the rounds.
        period.open_next()?;
    }
    Ok("ok")
}

/// What a role has entered in this round, if it has.
fn entered(period: &Scope<Period>, role: &str) -> Option<i64> {
    Some(period.decision::<Entry>(role, "decision")?.number)
}

/// The model: plain arithmetic that knows nothing of games.
// CHANGE: your model.
fn model(left: i64, right: i64) -> Option<i64> {
    left.checked_add(right)
}
