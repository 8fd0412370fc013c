#![doc = include_str!("../README.md")]

mod clearing;
mod round;

use serde::Serialize;
use serde_json::{Map, json};
use sim::prelude::*;
use sim::{Player, Setup};

pub use clearing::{Cleared, Order, Side, clear, profit};
pub use round::Settings;

use round::{CLOSE, Market, close, decision_of};

/// The role that sells.
pub const PRODUCER: &str = "Producer";
/// The role that buys.
pub const CONSUMER: &str = "Consumer";

const SETUP: &str = "Setup";
const PRACTICE: &str = "Practice";
const TOURNAMENT: &str = "Tournament";
const DEBRIEF: &str = "Debrief";

/// The phases in their order.
pub const PHASES: [&str; 4] = [SETUP, PRACTICE, TOURNAMENT, DEBRIEF];

/// Declares the game.
#[must_use]
pub fn game() -> Game {
    Game::new("market")
        .view(include_str!("view.js"))
        .scope(
            Run::handlers()
                .rpc_for(leader().and(phase(SETUP)), "configure", configure)
                .rpc_for(leader().or(phase(DEBRIEF)), "compare", compare)
                .on_advance_phase(async |run: Scope<Run>, NextPhase(next)| enter(&run, &next.name))
                .on_rollback_phase(async |run: Scope<Run>, PreviousPhase(next)| {
                    enter(&run, &next.name)
                }),
        )
        .scope(RunUser::handlers().on_start(prepare_practice))
        .scope(World::handlers().on_step(step))
        .scope(
            Period::handlers().rpc("submit_decision", submit_decision).on_timer(CLOSE, time_is_up),
        )
}

/// A class to play with: a leader and two worlds of two producers and two consumers.
#[must_use]
pub fn environment() -> Setup {
    let setup = Setup::new("market", "Market")
        .phases(PHASES)
        .roles([PRODUCER, CONSUMER])
        .worlds(["World 1", "World 2"])
        .leader(Player::new("leader@market.edu", "leader").named("MARKET", "Leader"));
    let players = (1..=8).map(|number| {
        let name = format!("s{number}");
        Player::new(format!("{name}@market.edu"), &*name)
            .named("MARKET", &*name)
            .in_world(if number <= 4 { "World 1" } else { "World 2" })
            .as_role(if number % 2 == 1 { PRODUCER } else { CONSUMER })
    });
    players.fold(setup, Setup::player)
}

/// The leader chooses the settings; they lie in the run's data, where everybody sees them.
async fn configure(mut run: Scope<Run>, Args(settings): Args<Settings>) -> CallResult<()> {
    check("settings", settings.producer)?;
    check("settings", settings.consumer)?;
    run.merge_data(settings)
}

/// Gives a player a scenario to practice in: a newcomer, and everybody when the service starts.
async fn prepare_practice(member: Scope<RunUser>) -> CallResult<()> {
    if !member.leader {
        member.ensure_scenario(PRACTICE)?.ensure_period(1)?;
    }
    Ok(())
}

/// Opens the worlds' markets when the tournament begins, or goes on, and starts the clock.
fn enter(run: &Scope<Run>, phase: &str) -> CallResult<()> {
    if phase != TOURNAMENT {
        return Ok(());
    }
    let limit = Settings::of(run).limit();
    for world in run.worlds()? {
        let mut round = current_round(&world)?;
        if let Some(limit) = limit {
            round.set_timer(CLOSE, limit)?;
        }
    }
    Ok(())
}

/// The round that a world's tournament is in: its first when it has not begun.
fn current_round(world: &Scope<World>) -> CallResult<Scope<Period>> {
    let scenario = world.ensure_scenario(TOURNAMENT)?;
    scenario.ensure_period(1)?;
    scenario.current_period()
}

/// Saves the caller's order. Who practices is alone, so that the round ends at once; a world waits
/// for the leader or the clock.
async fn submit_decision(
    period: Scope<Period>,
    caller: Caller,
    phase: CurrentPhase,
    Args(order): Args<Order>,
) -> CallResult<&'static str> {
    let role = caller.role()?;
    let is_practice = period.in_scenario()?.is_private();
    let during = if is_practice { PRACTICE } else { TOURNAMENT };
    if !phase.is(during) {
        return Err(CallError::conflict(format!("This can be done only during {during}.")));
    }
    period.require_open()?;
    check("decision", order)?;
    period.save_decision(role, &decision_of(caller.runuser()), order)?;
    if is_practice {
        close(period)?;
    }
    Ok("ok")
}

/// Refuses prices that are none, beside the field in which they stand.
fn check(form: &str, order: Order) -> CallResult<()> {
    if order.price >= 0.0 && order.price.is_finite() {
        return Ok(());
    }
    let message = json!("Enter a price of 0 or more.");
    Err(CallError::validation(form, Map::from_iter([("price".to_owned(), message)])))
}

/// The leader closes the round of a world, by `world.{pk}.step` or, for all worlds in one unit of
/// work, by `run.{pk}.step`.
async fn step(world: Scope<World>, phase: CurrentPhase) -> CallResult<()> {
    if !phase.is(TOURNAMENT) {
        return Err(CallError::conflict("The markets are open only during the tournament."));
    }
    close(current_round(&world)?)
}

/// The clock closes the round when the leader has not.
async fn time_is_up(period: Scope<Period>, phase: CurrentPhase) -> CallResult<()> {
    if phase.is(TOURNAMENT) && period.is_current()? { close(period) } else { Ok(()) }
}

/// How a world has done.
#[derive(Debug, Serialize)]
struct Standing {
    world: String,
    surplus: f64,
}

/// Compares the worlds, best first: the leader sees it at any time, players at the end.
async fn compare(run: Scope<Run>) -> CallResult<Vec<Standing>> {
    let mut standings = Vec::new();
    for world in run.worlds()? {
        let mut surplus = 0.0;
        for scenario in world.scenarios()? {
            let markets = scenario.periods()?;
            let markets = markets.iter().filter_map(|period| period.result::<Market>("market"));
            surplus += markets.map(|market| market.surplus).sum::<f64>();
        }
        standings.push(Standing { world: world.name.clone(), surplus });
    }
    standings.sort_by(|a, b| b.surplus.total_cmp(&a.surplus));
    Ok(standings)
}
