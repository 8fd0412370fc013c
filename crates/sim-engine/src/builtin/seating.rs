//! Who takes which seat of a run: the code with which newcomers join, and what a leader moves.
//!
//! The code lies in the run's `data` under `_join`, which no player ever sees.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sim_games_types::{Resource, Role, Run, RunUser, UserPk, World};
use subtle::ConstantTimeEq;

use super::{Writer, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::scope::Scope;

/// Where the code lies in the run's data.
const FIELD: &str = "_join";

/// The letters of a code: none of them is taken for another.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// How many letters a code has; two to the fortieth are enough where guesses are counted.
const LENGTH: usize = 8;

pub(super) const ALL: &[(Resource, &str, Writer)] = &[
    (Resource::Run, "join_code", |call| Box::pin(async move { join_code(&call) })),
    (Resource::Run, "close_joining", |call| Box::pin(async move { close_joining(&call) })),
    (Resource::Run, "move", |call| Box::pin(async move { move_member(&call) })),
];

const DONE: &str = "null";

/// What `join_code` takes.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    renew: bool,
}

/// What `move` takes: a member, and the world and role that the member has from now on.
#[derive(Deserialize)]
struct Move {
    member: i64,
    #[serde(default)]
    world: Option<i64>,
    #[serde(default)]
    role: Option<i64>,
}

/// A run's code as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    code: String,
}

/// The run's code; one is made when there is none, or when another is wanted.
fn join_code(call: &Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    let Wanted { renew } = arguments(call)?;
    let mut run = Scope::<Run>::of(call)?;
    let code = match code_of(&run).filter(|_| !renew) {
        Some(code) => code,
        None => {
            let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
            let letters: String = rand::random::<[u8; LENGTH]>().into_iter().map(letter).collect();
            let code = format!("{}-{letters}", run.id);
            run.merge_data(json!({ FIELD: Stored { code: code.clone() } }))?;
            code
        }
    };
    Ok(serde_json::to_string(&code)?)
}

fn close_joining(call: &Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    arguments::<()>(call)?;
    Scope::<Run>::of(call)?.merge_data(json!({ FIELD: null }))?;
    Ok(DONE.to_owned())
}

fn move_member(call: &Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    let Move { member, world, role } = arguments(call)?;
    let run = Scope::<Run>::of(call)?;
    let found = run.members()?.into_iter().find(|it| it.id.0 == member && !it.leader);
    let Some(mut found) = found else {
        return Err(CallError::invalid_argument(format!("{member} is no player of this run")));
    };
    if let Some(world) = world
        && !run.worlds()?.iter().any(|it| it.id.0 == world)
    {
        return Err(CallError::invalid_argument(format!("{world} is no world of this run")));
    }
    if let Some(role) = role
        && !run.game()?.roles()?.iter().any(|it| it.id.0 == role)
    {
        return Err(CallError::invalid_argument(format!("{role} is no role of this game")));
    }
    found.update(json!({"world": world, "role": role}))?;
    Ok(DONE.to_owned())
}

fn code_of(run: &Scope<Run>) -> Option<String> {
    let stored = run.current_data().get(FIELD).cloned()?;
    Stored::deserialize(stored).ok().map(|stored| stored.code)
}

/// Whether a code opens a run with this data. It takes as long for every code of the right length.
pub(crate) fn opens(data: &Value, code: &str) -> bool {
    let stored = data.get(FIELD).and_then(|it| it.get("code")).and_then(Value::as_str);
    stored.is_some_and(|stored| stored.as_bytes().ct_eq(code.as_bytes()).into())
}

/// Gives a user the first free seat of a run that the code opens, or the one the user has.
pub(crate) fn take_seat(call: &Arc<CallData>, code: &str, user: UserPk) -> CallResult<String> {
    let run = Scope::<Run>::of(call)?;
    if !opens(&run.current_data(), code) {
        return Err(CallError::not_found("this code opens no run any more"));
    }
    let members = run.members()?;
    if members.iter().any(|member| member.user == user) {
        return Ok(DONE.to_owned());
    }
    let (worlds, roles) = (run.worlds()?, run.game()?.roles()?);
    let Some((world, role)) = free_seat(&worlds, &roles, &members) else {
        let text = "all seats of this run are taken, ask whoever leads it";
        return Err(CallError::conflict(text));
    };
    let seat = json!({"user": user, "world": world, "role": role, "leader": false});
    run.create::<RunUser>(seat)?;
    Ok(DONE.to_owned())
}

/// The first world, by age, in which a role is free, with the first such role. Games without roles
/// fill their worlds evenly, and without worlds there is room for everybody.
fn free_seat(
    worlds: &[Scope<World>],
    roles: &[Scope<Role>],
    members: &[Scope<RunUser>],
) -> Option<(Option<i64>, Option<i64>)> {
    let taken = |world: Option<i64>, role: Option<i64>| {
        let is_there = |it: &&Scope<RunUser>| {
            !it.leader && it.world.map(|it| it.0) == world && it.role.map(|it| it.0) == role
        };
        members.iter().filter(is_there).count()
    };
    let pk = |world: &Scope<World>| Some(world.id.0);
    if worlds.is_empty() {
        let fewest = roles.iter().min_by_key(|role| taken(None, Some(role.id.0)));
        return Some((None, fewest.map(|role| role.id.0)));
    }
    if roles.is_empty() {
        let fewest = worlds.iter().min_by_key(|world| taken(pk(world), None))?;
        return Some((pk(fewest), None));
    }
    let seats = worlds.iter().flat_map(|world| roles.iter().map(move |role| (world, role)));
    let mut free = seats.filter(|(world, role)| taken(pk(world), Some(role.id.0)) == 0);
    free.next().map(|(world, role)| (pk(world), Some(role.id.0)))
}
