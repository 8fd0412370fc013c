//! The procedures of the game itself and of its phases and roles.

use sim_games_types::{Resource, Stored};

use crate::call::Peer;
use crate::error::{CallError, CallResult};
use crate::model::Model;
use crate::sync::read;
use crate::tree::scope_json;
use crate::uri::Address;

/// The names that can be called on the game.
pub(crate) const OF_GAME: [&str; 4] = ["get_phases", "get_roles", "get_scope", "list_scopes"];

/// The names that can be called on a phase or a role.
pub(crate) const OF_PHASE_AND_ROLE: [&str; 2] = ["get_scope", "get_scope_tree"];

/// Answers a call on the game, a phase or a role: any member of a loaded run may see them.
pub(crate) fn call(model: &Model, address: Address<'_>, peer: Peer) -> CallResult<String> {
    if !peer.operator && !peer.user.is_some_and(|user| model.is_member(user)) {
        return Err(CallError::forbidden());
    }
    let game = read(&model.game);
    match (address.resource, address.pk, address.name) {
        (Resource::Game, None, "get_phases") => {
            Ok(array(game.phases.values().map(|phase| &**phase.stored())))
        }
        (Resource::Game, None, "get_roles") => {
            Ok(array(game.roles.values().map(|role| &**role.stored())))
        }
        (Resource::Game, None, "get_scope") => {
            let game = game.game.as_ref().ok_or_else(CallError::forbidden)?;
            Ok(scope_json(game.stored()))
        }
        (Resource::Game, None, "list_scopes") if peer.operator => {
            drop(game);
            Ok(model.list_scopes())
        }
        (Resource::Phase | Resource::Role, Some(pk), name @ ("get_scope" | "get_scope_tree")) => {
            let stored = match address.resource {
                Resource::Phase => game.phases.get(&pk.into()).map(|phase| phase.stored()),
                _ => game.roles.get(&pk.into()).map(|role| role.stored()),
            };
            let scope = scope_json(stored.ok_or_else(CallError::forbidden)?);
            if name == "get_scope" {
                return Ok(scope);
            }
            let fields = scope.strip_suffix('}').unwrap_or(&scope);
            Ok(format!(r#"{fields},"children":[]}}"#))
        }
        _ => Err(CallError::forbidden()),
    }
}

/// The representations of objects: a JSON array.
fn array<'a>(objects: impl Iterator<Item = &'a Stored>) -> String {
    let texts: Vec<_> = objects.map(|stored| &*stored.json).collect();
    format!("[{}]", texts.join(","))
}
