//! What a leader does with a round, in any game: submit for an absent player, close, reopen, step.
//!
//! The state of it lies in the period's `data`: `closed`, and `submitted_for` with the leader's
//! membership by role or member.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sim_games_types::{Object, Period, Resource, Run, RunUser, World};

use super::{Writer, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::moment::Step;
use crate::scope::Scope;
use crate::sync::{lock, read};
use crate::tree::Entry;

/// The procedure by which players decide, for which a leader can submit.
const SUBMIT: &str = "submit_decision";

pub(super) const ALL: &[(Resource, &str, Writer)] = &[
    (Resource::Period, "submit_for", |call| Box::pin(submit_for(call))),
    (Resource::Period, "close", |call| Box::pin(async move { close_one(&call, true) })),
    (Resource::Period, "reopen", |call| Box::pin(async move { close_one(&call, false) })),
    (Resource::World, "step", |call| Box::pin(step_one(call))),
    (Resource::Run, "close", |call| Box::pin(async move { close_all(&call, true) })),
    (Resource::Run, "reopen", |call| Box::pin(async move { close_all(&call, false) })),
    (Resource::Run, "step", |call| Box::pin(step_all(call))),
];

const DONE: &str = "null";

/// Calls the game's own `submit_decision` as if an absent player had: the first argument names the
/// player, by role or by the key of the membership; the others are the player's.
async fn submit_for(call: Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    let uri = &call.call.uri;
    let method = call.game.method(Resource::Period, SUBMIT);
    let method = method.cloned().ok_or_else(|| CallError::no_such_procedure(uri))?;
    let mut args: Vec<Box<RawValue>> = serde_json::from_str(&call.call.args)?;
    if args.is_empty() {
        let text = "name the player first: a role, or the key of a member";
        return Err(CallError::invalid_argument(text));
    }
    let member = absent(&call, &serde_json::from_str(args.remove(0).get())?)?;
    let player = call.as_member(member.clone(), serde_json::to_string(&args)?.into());
    if let Some(access) = &method.access {
        access.check(&player)?;
    }
    let answer = (method.procedure)(Arc::new(player)).await?;
    // A submission that the game has refused by a text leaves no mark.
    if lock(&call.stage).writes() {
        mark(&call, &member)?;
    }
    Ok(answer)
}

/// The one player of the period's world, or the owner of the private scenario, who is meant.
fn absent(call: &CallData, named: &Value) -> CallResult<Entry<RunUser>> {
    let owner = call.owner().ok_or_else(CallError::forbidden)?;
    let tree = read(&call.loaded_run()?.tree);
    let game = read(&call.model.game);
    let role = named.as_str().map(|name| game.role_named(name).map(|role| role.pk()));
    let is_meant = |member: &RunUser| match role {
        Some(role) => role.is_some() && member.role == role,
        None => named.as_i64() == Some(member.id.0),
    };
    let players = tree.runusers().filter(|node| {
        !node.entry.leader && is_meant(&node.entry) && tree.visible(owner, &node.entry)
    });
    let players: Vec<_> = players.map(|node| node.entry.clone()).collect();
    match <[_; 1]>::try_from(players) {
        Ok([player]) => Ok(player),
        Err(players) if players.is_empty() => {
            Err(CallError::invalid_argument(format!("no player here is {named}")))
        }
        Err(_) => {
            let text = format!("several players here are {named}, name one by the member's key");
            Err(CallError::invalid_argument(text))
        }
    }
}

/// Notes in the period who has submitted for whom.
fn mark(call: &Arc<CallData>, member: &RunUser) -> CallResult<()> {
    let mut period = Scope::<Period>::of(call)?;
    let mut marks = match period.current_data().get("submitted_for") {
        Some(Value::Object(marks)) => marks.clone(),
        _ => Map::new(),
    };
    let name = member.role_name.clone().unwrap_or_else(|| member.id.to_string());
    marks.insert(name, json!(call.member()?.id));
    period.merge_data(json!({ "submitted_for": marks }))
}

fn close_one(call: &Arc<CallData>, closed: bool) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(call)?;
    set_closed(&mut Scope::<Period>::of(call)?, closed)?;
    Ok(DONE.to_owned())
}

/// Closes or reopens the current round of every world.
fn close_all(call: &Arc<CallData>, closed: bool) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(call)?;
    for world in Scope::<Run>::of(call)?.worlds()? {
        for mut period in current_periods(&world)? {
            set_closed(&mut period, closed)?;
        }
    }
    Ok(DONE.to_owned())
}

fn set_closed(period: &mut Scope<Period>, closed: bool) -> CallResult<()> {
    if closed { period.close() } else { period.reopen() }
}

async fn step_one(call: Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(&call)?;
    step(&call).await
}

/// Lets all worlds of the run go on together.
async fn step_all(call: Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(&call)?;
    for world in Scope::<Run>::of(&call)?.worlds()? {
        step(&Arc::new(call.on(world.stored().clone())?)).await?;
    }
    Ok(DONE.to_owned())
}

/// Lets the game step a world, or else closes the current rounds and opens the next ones.
async fn step(call: &Arc<CallData>) -> CallResult<String> {
    let hooks = &call.game.hooks().step;
    for hook in hooks {
        hook(call.clone(), Step).await?;
    }
    if hooks.is_empty() {
        for mut period in current_periods(&Scope::<World>::of(call)?)? {
            period.close()?;
            period.open_next()?;
        }
    }
    Ok(DONE.to_owned())
}

/// The rounds that a world plays, one of each scenario that has any.
fn current_periods(world: &Scope<World>) -> CallResult<Vec<Scope<Period>>> {
    let mut current = Vec::new();
    for scenario in world.scenarios()? {
        current.extend(scenario.periods()?.pop());
    }
    Ok(current)
}
