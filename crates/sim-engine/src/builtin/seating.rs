//! Who takes which seat of a run: runs that leaders open, whom they seat and move, and the code with
//! which newcomers join.
//!
//! The code lies in the run's `data` under `_join`, which no player ever sees.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sim_games_types::{Game, Period, Resource, Role, Run, RunUser, Scenario, UserPk, World};
use subtle::ConstantTimeEq;

use super::{Writer, arguments};
use crate::call::CallData;
use crate::class::{Enrolled, Entrant, NewRun};
use crate::error::{CallError, CallResult};
use crate::scope::Scope;

/// Where the code lies in the run's data.
const FIELD: &str = "_join";

/// Where a membership says that its account was made for it, and was never used.
pub(crate) const INVITED: &str = "_invited";

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
    let mut members = run.members()?;
    if let Some(member) = members.iter_mut().find(|member| member.user == user) {
        // Whoever comes back has a password, so that nobody chooses another one.
        if member.data.get(INVITED).is_some() {
            member.merge_data(json!({ INVITED: null }))?;
        }
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

/// Notes that an invited member has a password from now on.
pub(crate) fn take_invitation(call: &Arc<CallData>, user: UserPk) -> CallResult<String> {
    let run = Scope::<Run>::of(call)?;
    let is_open = |it: &Scope<RunUser>| it.user == user && it.data.get(INVITED).is_some();
    let Some(mut member) = run.members()?.into_iter().find(is_open) else {
        return Err(CallError::conflict("somebody has taken this seat already, sign in instead"));
    };
    member.merge_data(json!({ INVITED: null }))?;
    Ok(DONE.to_owned())
}

/// Makes a run with its worlds and its leader.
pub(crate) fn found(call: &Arc<CallData>, wanted: &NewRun) -> CallResult<String> {
    let game = Scope::<Game>::of(call)?;
    let phase = game.phases()?.first().map(|phase| phase.id);
    let run = game.create::<Run>(json!({"name": wanted.name, "phase": phase, "active": true}))?;
    run.create::<RunUser>(json!({"user": wanted.leader, "leader": true}))?;
    for name in &wanted.worlds {
        open_world(call, &run, name)?;
    }
    Ok(run.final_pk().to_string())
}

/// Makes a world, with the scenario in which the game is played there.
fn open_world(call: &CallData, run: &Scope<Run>, name: &str) -> CallResult<Scope<World>> {
    let world = run.create::<World>(json!({"name": name}))?;
    if let Some(name) = call.game.scenario_of_worlds() {
        let scenario = world.create::<Scenario>(json!({"name": name}))?;
        scenario.create::<Period>(json!({"order": 1}))?;
    }
    Ok(world)
}

/// Gives people the places that somebody has chosen for them, or free ones.
pub(crate) fn enrol(call: &Arc<CallData>, entrants: &[Entrant]) -> CallResult<String> {
    let run = Scope::<Run>::of(call)?;
    let (mut members, mut worlds) = (run.members()?, run.worlds()?);
    let roles = run.game()?.roles()?;
    let mut enrolled = Enrolled::default();
    for entrant in entrants {
        let role = entrant.role.as_deref().map(|name| role_named(&roles, name)).transpose()?;
        let world = match entrant.world.as_deref() {
            None => None,
            Some(name) => match worlds.iter().find(|it| it.name == name) {
                Some(world) => Some(world.clone()),
                None => {
                    enrolled.worlds += 1;
                    worlds.push(open_world(call, &run, name)?);
                    worlds.last().cloned()
                }
            },
        };
        match members.iter_mut().find(|it| it.user == entrant.user) {
            Some(member) => reseat(member, world.as_ref(), role, &mut enrolled)?,
            None => {
                let seat = seat_for(world.as_ref(), role, &worlds, &roles, &members);
                let data = if entrant.invited { json!({ INVITED: true }) } else { json!({}) };
                members.push(run.create::<RunUser>(json!({
                    "user": entrant.user, "world": seat.0, "role": seat.1, "leader": false,
                    "data": data,
                }))?);
                enrolled.added += 1;
            }
        }
    }
    Ok(serde_json::to_string(&enrolled)?)
}

fn role_named<'a>(roles: &'a [Scope<Role>], name: &str) -> CallResult<&'a Scope<Role>> {
    roles
        .iter()
        .find(|role| role.name.to_lowercase() == name.to_lowercase())
        .ok_or_else(|| CallError::invalid_argument(format!("the game has no role `{name}`")))
}

/// Moves somebody who is a member already to the place that was chosen, if one was.
fn reseat(
    member: &mut Scope<RunUser>,
    world: Option<&Scope<World>>,
    role: Option<&Scope<Role>>,
    enrolled: &mut Enrolled,
) -> CallResult<()> {
    if member.leader {
        let text = format!("{} leads this run, and cannot play in it as well", member.email);
        return Err(CallError::invalid_argument(text));
    }
    let place =
        (world.map_or(member.world, |it| Some(it.id)), role.map_or(member.role, |it| Some(it.id)));
    if place == (member.world, member.role) {
        enrolled.kept += 1;
        return Ok(());
    }
    enrolled.moved += 1;
    member.update(json!({"world": place.0, "role": place.1}))
}

/// A seat as far as it was chosen, and for the rest a free one: none at all when all are taken.
fn seat_for(
    world: Option<&Scope<World>>,
    role: Option<&Scope<Role>>,
    worlds: &[Scope<World>],
    roles: &[Scope<Role>],
    members: &[Scope<RunUser>],
) -> (Option<i64>, Option<i64>) {
    let worlds = world.map_or(worlds, std::slice::from_ref);
    let roles = role.map_or(roles, std::slice::from_ref);
    let chosen = (world.map(|it| it.id.0), role.map(|it| it.id.0));
    if chosen.0.is_some() && chosen.1.is_some() {
        return chosen;
    }
    free_seat(worlds, roles, members).unwrap_or(chosen)
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
