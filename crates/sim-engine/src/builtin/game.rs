//! The procedures of the game itself.

use sim_games_types::{Resource, RunPk, Stored};

use super::{Reader, Writer, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::sync::read;

pub(super) const READING: &[(Resource, &str, Reader)] = &[
    (Resource::Game, "get_phases", get_phases),
    (Resource::Game, "get_roles", get_roles),
    (Resource::Game, "list_scopes", list_scopes),
];

pub(super) const WRITING: &[(Resource, &str, Writer)] =
    &[(Resource::Game, "restore_run", |call| Box::pin(async move { restore_run(&call).await }))];

fn get_phases(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    let game = read(&call.model.game);
    Ok(array(game.phases.values().map(|phase| &**phase.stored())))
}

fn get_roles(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    let game = read(&call.model.game);
    Ok(array(game.roles.values().map(|role| &**role.stored())))
}

/// The representations of objects: a JSON array.
fn array<'a>(objects: impl Iterator<Item = &'a Stored>) -> String {
    let texts: Vec<_> = objects.map(Stored::for_players).collect();
    format!("[{}]", texts.join(","))
}

fn list_scopes(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    require_operator(call)?;
    Ok(call.model.list_scopes())
}

#[derive(serde::Deserialize)]
struct RestoreArgs {
    run: RunPk,
}

/// Loads a run, active or not, unless it is in memory.
async fn restore_run(call: &CallData) -> CallResult<String> {
    require_operator(call)?;
    let RestoreArgs { run } = arguments(call)?;
    call.model.wakes.restore(run).await?;
    match call.model.run(run) {
        Some(_) => Ok("true".to_owned()),
        None => Err(CallError::not_found(format!("this game has no run {run}"))),
    }
}

fn require_operator(call: &CallData) -> CallResult<()> {
    if call.call.peer.operator { Ok(()) } else { Err(CallError::forbidden()) }
}
