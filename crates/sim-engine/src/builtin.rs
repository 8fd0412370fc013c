//! The procedures that every simulation has.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use sim_games_types::{Object, Phase, Resource};

use crate::args::bind;
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::game::{Method, Procedure};
use crate::handler::{Advance, Rollback};
use crate::sync::{lock, read};
use crate::tree::{Owner, scope_json, with_presence};
use crate::uri::SCOPES;

type Reader = fn(&CallData) -> CallResult<String>;

/// The procedures on the scopes of runs.
pub(crate) fn methods() -> HashMap<(Resource, String), Method> {
    let everywhere: [(&str, Reader); 4] = [
        ("get_scope", get_scope),
        ("get_scope_tree", get_scope_tree),
        ("get_active_runusers", get_active_runusers),
        ("get_current_run_and_phase", get_current_run_and_phase),
    ];
    let mut methods = HashMap::new();
    for resource in SCOPES.into_iter().filter(lies_in_a_run) {
        for (name, reader) in everywhere {
            methods.insert((resource, name.to_owned()), read_only(reader));
        }
    }
    methods.insert((Resource::Run, "get_run_data".to_owned()), read_only(get_run_data));
    methods.insert((Resource::RunUser, "get_scenarios".to_owned()), read_only(get_scenarios));
    for (name, direction) in
        [("advance_phase", Direction::Advance), ("rollback_phase", Direction::Rollback)]
    {
        let procedure: Procedure =
            Arc::new(move |call| Box::pin(async move { change_phase(&call, direction).await }));
        methods.insert((Resource::Run, name.to_owned()), Method { procedure, read_only: false });
    }
    methods
}

fn lies_in_a_run(resource: &Resource) -> bool {
    !matches!(resource, Resource::Game | Resource::Phase | Resource::Role)
}

fn read_only(reader: Reader) -> Method {
    let procedure: Procedure = Arc::new(move |call| Box::pin(async move { reader(&call) }));
    Method { procedure, read_only: true }
}

fn arguments<T: serde::de::DeserializeOwned>(call: &CallData) -> CallResult<T> {
    bind(&call.call.args, &call.call.kwargs)
        .map_err(|error| CallError::invalid_argument(error.to_string()))
}

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
    let tree = read(&call.run.tree);
    tree.write_tree(&mut out, (call.resource(), call.pk()), &call.member, &exclude);
    Ok(out)
}

#[derive(Deserialize)]
struct MembersArgs {
    #[serde(default, rename = "excludePlayers")]
    exclude_players: Value,
}

fn get_active_runusers(call: &CallData) -> CallResult<String> {
    let MembersArgs { exclude_players } = arguments(call)?;
    Ok(members(call, call.owner, exclude_players == Value::Bool(true)))
}

/// The members seen from a scope, each with the mark whether they are online: a JSON array.
fn members(call: &CallData, owner: Owner, leaders_only: bool) -> String {
    let tree = read(&call.run.tree);
    let scopes: Vec<_> = tree
        .seen_members(owner, &call.member)
        .into_iter()
        .filter(|node| node.entry.leader || !leaders_only)
        .map(|node| {
            let (pk, online) = (node.entry.pk(), call.model.online(node.entry.user));
            let data = with_presence(node.entry.stored(), online);
            format!(r#"{{"data":{data},"pk":{pk},"resource_name":"runuser"}}"#)
        })
        .collect();
    format!("[{}]", scopes.join(","))
}

fn get_current_run_and_phase(call: &CallData) -> CallResult<String> {
    arguments::<()>(call)?;
    let run = read(&call.run.tree).run().clone();
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
    let tree = read(&call.run.tree);
    tree.write_tree(&mut out, (Resource::Run, call.pk()), &call.member, &[]);
    let mut scenarios = Vec::new();
    if include_player_scenarios == Value::Bool(true) {
        for node in tree.runusers().filter(|node| !node.entry.leader) {
            let trees = tree.private_scenarios(node.entry.pk(), &call.member);
            scenarios.extend(inside(&trees).map(str::to_owned));
        }
    }
    drop(tree);
    let runusers = members(call, Owner::Run, false);
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
    if !read(&call.run.tree).visible(Owner::Private(call.pk().into()), &call.member) {
        return Err(CallError::forbidden());
    }
    Ok(read(&call.run.tree).private_scenarios(call.pk().into(), &call.member))
}

#[derive(Clone, Copy)]
enum Direction {
    Advance,
    Rollback,
}

async fn change_phase(call: &Arc<CallData>, direction: Direction) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(call)?;
    let phase = neighbor(call, direction)?;
    let fields = [("phase".to_owned(), json!(phase.id))].into_iter().collect();
    lock(&call.stage).change(Resource::Run, call.pk(), fields);
    match direction {
        Direction::Advance => {
            for hook in call.game.advance_hooks() {
                hook(Advance { call: call.clone(), phase: phase.clone() }).await?;
            }
        }
        Direction::Rollback => {
            for hook in call.game.rollback_hooks() {
                hook(Rollback { call: call.clone(), phase: phase.clone() }).await?;
            }
        }
    }
    Ok("null".to_owned())
}

/// The phase after or before the run's, by order and then by key: orders may have gaps.
fn neighbor(call: &CallData, direction: Direction) -> CallResult<Phase> {
    let run = call.rely_on_run();
    let game = read(&call.model.game);
    let phases = game.phases_in_order();
    let pk = run.id;
    let current = run.phase.and_then(|pk| phases.iter().position(|phase| phase.id == pk));
    let Some(current) = current else {
        return Err(CallError::change_phase(format!("Run {pk} doesn't have any phase.")));
    };
    let (index, word) = match direction {
        Direction::Advance => (current.checked_add(1), "after"),
        Direction::Rollback => (current.checked_sub(1), "before"),
    };
    index.and_then(|index| phases.get(index)).map(|phase| (***phase).clone()).ok_or_else(|| {
        let name = &phases[current].name;
        CallError::change_phase(format!(
            "Run {pk}: There isn't any phase available {word} '{name}'"
        ))
    })
}
