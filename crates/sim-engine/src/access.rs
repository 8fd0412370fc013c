//! What a session may subscribe to and publish.
//!
//! Calls are checked when they are handled; these two are checked before the router takes them.

use sim_games_types::{Resource, UserPk};

use crate::builtin::FROM_BROWSERS;
use crate::call::Peer;
use crate::game::Game;
use crate::model::Model;
use crate::sync::read;
use crate::tree::Owner;
use crate::uri::lies_in_a_run;

/// Which topics a subscription covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// One topic.
    Exact,
    /// All topics that begin with the text.
    Prefix,
    /// All topics that agree in the components that are not empty.
    Wildcard,
}

impl Model {
    /// Whether a user may subscribe: to the own errors, and to the topics of scopes that the user
    /// may see. All that a prefix covers must be allowed, so it must reach past the scope's key.
    pub(crate) fn may_subscribe(&self, peer: Peer, topic: &str, matching: Matching) -> bool {
        let Some(user) = peer.user else { return false };
        if matching == Matching::Wildcard {
            return false;
        }
        if let Some(of) = self.root.parse_error(topic) {
            // As a prefix `error.1` covers `error.10` too; delivery is limited to the user anyway.
            return of == user.to_string();
        }
        let Some(address) = self.root.parse(topic) else { return false };
        let Some(pk) = address.pk else { return false };
        let named = matching == Matching::Prefix || !address.name.is_empty();
        named && self.may_follow(user, address.resource, pk)
    }

    fn may_follow(&self, user: UserPk, resource: Resource, pk: i64) -> bool {
        self.sees(user, resource, pk, |owner| match owner {
            // Others of the world see a member, but not the topic on which private things arrive.
            Owner::Member(member) => Owner::Private(member),
            other => other,
        })
    }

    /// Whether a user may publish: on scopes that the user may see, the presence messages and what
    /// the game listens to; and to the game's topics outside of scopes.
    pub(crate) fn may_publish(&self, game: &Game, peer: Peer, topic: &str) -> bool {
        let Some(user) = peer.user else { return false };
        let Some(address) = self.root.parse(topic) else {
            return self.root.name_of(topic).is_some_and(|name| game.free_topic(name).is_some());
        };
        let (resource, name) = (address.resource, address.name);
        let is_listened_to = game.topic(resource, name).is_some();
        match address.pk {
            Some(pk) if lies_in_a_run(resource) => {
                (is_listened_to || FROM_BROWSERS.contains(&name))
                    && self.sees(user, resource, pk, |owner| owner)
            }
            _ => (is_listened_to || name == "hello_game") && self.is_member(user),
        }
    }

    fn sees(
        &self,
        user: UserPk,
        resource: Resource,
        pk: i64,
        as_owner: impl FnOnce(Owner) -> Owner,
    ) -> bool {
        let Some(run) = self.run_with(resource, pk) else { return false };
        let tree = read(&run.tree);
        let Some(member) = tree.member(user) else { return false };
        let Some(owner) = tree.owner(resource, pk) else { return false };
        tree.visible(as_owner(owner), &member.entry)
    }
}
