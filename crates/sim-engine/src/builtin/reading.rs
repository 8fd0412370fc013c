//! Procedures that read: trees, members, run and phase.

use serde::Deserialize;
use serde_json::Value;
use sim_games_types::{Object, Resource};

use super::{Reader, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::sync::read;
use crate::tree::{Owner, scope_json, with_presence};

/// What all scopes in runs answer.
pub(super) const IN_RUNS: &[(&str, Reader)] = &[
    ("get_scope", get_scope),
    ("get_scope_tree", get_scope_tree),
    ("get_active_runusers", get_active_runusers),
    ("get_current_run_and_phase", get_current_run_and_phase),
];

/// What the game, its phases and its roles answer.
pub(super) const OUTSIDE: &[(&str, Reader)] =
    &[("get_scope", get_scope), ("get_scope_tree", get_childless_tree)];

/// What one kind of scope answers.
pub(super) const ON_SOME: &[(Resource, &str, Reader)] = &[
    (Resource::Run, "get_run_data", get_run_data),
    (Resource::RunUser, "get_scenarios", get_scenarios),
];

fn get_scope(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    Ok(scope_json(&call.scope))
}

#[derive(Deserialize)]
struct TreeArgs {
    #[serde(default)]
    exclude: Vec<String>,
}

fn get_scope_tree(call: &CallData) -> CallResult<String> {
    let TreeArgs { exclude } = arguments(call)?;
    let exclude: Vec<_> = exclude.iter().filter_map(|name| Resource::from_name(name)).collect();
    let mut out = String::new();
    let tree = read(&call.loaded_run()?.tree);
    tree.write_tree(&mut out, call.key(), call.member()?, &exclude);
    Ok(out)
}

/// The tree of a scope whose children browsers are not shown: those of a game are its runs.
fn get_childless_tree(call: &CallData) -> CallResult<String> {
    arguments::<TreeArgs>(call)?;
    let scope = scope_json(&call.scope);
    let fields = scope.strip_suffix('}').unwrap_or(&scope);
    Ok(format!(r#"{fields},"children":[]}}"#))
}

#[derive(Deserialize)]
struct MembersArgs {
    #[serde(default, rename = "excludePlayers")]
    exclude_players: Value,
}

fn get_active_runusers(call: &CallData) -> CallResult<String> {
    let MembersArgs { exclude_players } = arguments(call)?;
    let owner = call.owner().ok_or_else(CallError::forbidden)?;
    members(call, owner, exclude_players == Value::Bool(true))
}

/// The members seen from a scope, each with the mark whether they are online: a JSON array.
fn members(call: &CallData, owner: Owner, leaders_only: bool) -> CallResult<String> {
    let tree = read(&call.loaded_run()?.tree);
    let scopes: Vec<_> = tree
        .seen_members(owner, call.member()?)
        .into_iter()
        .filter(|node| node.entry.leader || !leaders_only)
        .map(|node| {
            let (pk, online) = (node.entry.pk(), call.model.online(node.entry.user));
            let data = with_presence(node.entry.stored(), online);
            format!(r#"{{"data":{data},"pk":{pk},"resource_name":"runuser"}}"#)
        })
        .collect();
    Ok(format!("[{}]", scopes.join(",")))
}

fn get_current_run_and_phase(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    let run = read(&call.loaded_run()?.tree).run().clone();
    let game = read(&call.model.game);
    let phase = run.phase.and_then(|pk| game.phases.get(&pk));
    let phase = phase.map_or_else(|| "null".to_owned(), |phase| scope_json(phase.stored()));
    Ok(format!(r#"{{"run":{},"phase":{phase}}}"#, scope_json(run.stored())))
}

#[derive(Deserialize)]
struct RunDataArgs {
    #[serde(default, rename = "includePlayerScenarios")]
    include_player_scenarios: Value,
}

fn get_run_data(call: &CallData) -> CallResult<String> {
    call.require_leader()?;
    let RunDataArgs { include_player_scenarios } = arguments(call)?;
    let mut out = String::new();
    let viewer = call.member()?;
    let tree = read(&call.loaded_run()?.tree);
    tree.write_tree(&mut out, call.key(), viewer, &[]);
    let mut scenarios = Vec::new();
    if include_player_scenarios == Value::Bool(true) {
        for node in tree.runusers().filter(|node| !node.entry.leader) {
            let trees = tree.private_scenarios(node.entry.pk(), viewer);
            scenarios.extend(inside(&trees).map(str::to_owned));
        }
    }
    drop(tree);
    let runusers = members(call, Owner::Run, false)?;
    let fields = out.strip_suffix('}').unwrap_or(&out);
    let scenarios = scenarios.join(",");
    Ok(format!(r#"{fields},"runusers":{runusers},"player_scenarios":[{scenarios}]}}"#))
}

/// The elements of a JSON array as one text, unless it is empty.
fn inside(array: &str) -> Option<&str> {
    let elements = array.strip_prefix('[')?.strip_suffix(']')?;
    (!elements.is_empty()).then_some(elements)
}

fn get_scenarios(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    // A player of the same world may see the member, but not what is private.
    let (viewer, member) = (call.member()?, call.key().1.into());
    let tree = read(&call.loaded_run()?.tree);
    if !tree.visible(Owner::Private(member), viewer) {
        return Err(CallError::forbidden());
    }
    Ok(tree.private_scenarios(member, viewer))
}
