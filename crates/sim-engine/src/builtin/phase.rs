//! Going through the phases of a run.

use std::sync::Arc;

use serde_json::json;
use sim_games_types::{Phase, Resource};

use super::{Writer, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::moment::{NextPhase, PreviousPhase};
use crate::sync::read;

pub(super) const ALL: &[(Resource, &str, Writer)] = &[
    (Resource::Run, "advance_phase", |call| Box::pin(advance_phase(call))),
    (Resource::Run, "rollback_phase", |call| Box::pin(rollback_phase(call))),
];

async fn advance_phase(call: Arc<CallData>) -> CallResult<String> {
    let phase = change_phase(&call, 1, "after")?;
    for hook in &call.game.hooks().advance {
        hook(call.clone(), NextPhase(phase.clone())).await?;
    }
    Ok("null".to_owned())
}

async fn rollback_phase(call: Arc<CallData>) -> CallResult<String> {
    let phase = change_phase(&call, -1, "before")?;
    for hook in &call.game.hooks().rollback {
        hook(call.clone(), PreviousPhase(phase.clone())).await?;
    }
    Ok("null".to_owned())
}

/// Stages that the run goes to the phase so many steps away.
fn change_phase(call: &CallData, steps: isize, word: &str) -> CallResult<Phase> {
    call.require_leader()?;
    arguments::<()>(call)?;
    let phase = neighbor(call, steps, word)?;
    call.change_scope([("phase".to_owned(), json!(phase.id))].into_iter().collect())?;
    Ok(phase)
}

/// The phase after or before the run's, by order and then by key: orders may have gaps.
fn neighbor(call: &CallData, steps: isize, word: &str) -> CallResult<Phase> {
    let run = call.rely_on_run()?;
    let game = read(&call.model.game);
    let phases = game.phases_in_order();
    let pk = run.id;
    let current = run.phase.and_then(|pk| phases.iter().position(|phase| phase.id == pk));
    let Some(current) = current else {
        return Err(CallError::change_phase(format!("Run {pk} doesn't have any phase.")));
    };
    let index = current.checked_add_signed(steps);
    index.and_then(|index| phases.get(index)).map(|phase| (***phase).clone()).ok_or_else(|| {
        let name = &phases[current].name;
        CallError::change_phase(format!(
            "Run {pk}: There isn't any phase available {word} '{name}'"
        ))
    })
}
