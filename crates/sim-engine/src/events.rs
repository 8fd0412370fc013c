//! Which events tell whom about a change.
//!
//! An event goes to the topics of the scopes concerned, and on each topic only to the users who may
//! see the object: a subscription alone never shows more than a call would.

use std::sync::Arc;

use sim_games_types::{Action, Object, Pk, Record, Resource, RunUser, RunUserPk, Stored, WorldPk};

use crate::ports::Event;
use crate::stage::Announcement;
use crate::tree::{Entry, Owner, RunTree, with_presence};
use crate::uri::Root;

/// Makes the events about objects of one run, as the tree stands at this moment.
pub(crate) struct Announcer<'a> {
    pub(crate) root: &'a Root,
    pub(crate) tree: &'a RunTree,
    pub(crate) out: &'a mut Vec<Event>,
}

/// What an event says, whatever topic it goes to.
struct Message<'a> {
    name: &'a str,
    args: Arc<str>,
    audience: Arc<[Arc<str>]>,
}

impl Announcer<'_> {
    /// Announces a change: created and changed objects after the tree has taken them, deleted
    /// ones before it forgets them.
    pub(crate) fn change(&mut self, action: Action, stored: &Stored) {
        let (resource, pk) = (stored.record.resource(), stored.record.pk());
        let Some(owner) = self.tree.owner(resource, pk) else { return };
        let message = Message {
            name: match action {
                Action::Created => "add_child",
                Action::Changed => "update_child",
                Action::Deleted => "remove_child",
            },
            args: arguments(stored, &stored.for_players()),
            audience: self.tree.audience(owner),
        };
        match (&stored.record, action) {
            (Record::Run(_), Action::Created) => {}
            (Record::Run(_), Action::Changed) => {
                self.all_members(&message);
                let worlds: Vec<_> = self.tree.worlds().map(|node| node.entry.pk()).collect();
                worlds.into_iter().for_each(|pk| self.world(pk, &message));
                self.run(&message);
            }
            (Record::Run(_), Action::Deleted) => {
                self.all_members(&message);
                self.run(&message);
            }
            (Record::World(_), Action::Created) => self.run(&message),
            (Record::World(world), Action::Changed | Action::Deleted) => {
                self.world(world.id, &message);
                self.members_who_see(owner, &message);
            }
            (Record::RunUser(_), Action::Created) => self.run(&message),
            (Record::RunUser(runuser), Action::Changed) => {
                self.world_of(runuser, &message);
                self.members_who_see(owner, &message);
                self.run(&message);
            }
            (Record::RunUser(runuser), Action::Deleted) => {
                self.run(&message);
                self.world_of(runuser, &message);
                self.members_who_see(owner, &message);
            }
            _ => self.played(owner, &message),
        }
    }

    /// Tells the players of a world that a member, as they knew it, is no more among them. Leaders
    /// still see the member, and the member's own page loads another world.
    pub(crate) fn moved_away(&mut self, before: &Entry<RunUser>) {
        let (Some(from), stored) = (before.world, before.stored()) else { return };
        let Some(node) = self.tree.world(from) else { return };
        let partners: Vec<_> = node.members.iter().copied().filter(|pk| *pk != before.id).collect();
        let users = partners.iter().filter_map(|pk| self.tree.runuser(*pk));
        let audience =
            users.filter(|it| !it.entry.leader).map(|it| it.entry.user.to_string().into());
        let args = arguments(stored, &stored.for_players());
        let message = Message { name: "remove_child", args, audience: audience.collect() };
        self.world(from, &message);
        for pk in partners {
            self.publish((Resource::RunUser, pk.number()), message.audience.clone(), &message);
        }
    }

    /// Announces that a member came or went.
    pub(crate) fn presence(&mut self, member: RunUserPk, online: bool) {
        let Some(message) = self.presence_message(member, online) else { return };
        if let Some(world) = self.tree.runuser(member).and_then(|node| node.entry.world) {
            self.world(world, &message);
        }
        self.run(&message);
    }

    /// Repeats on one scope's topic that a member is online, as the stock browser asks for.
    pub(crate) fn connected(&mut self, scope: (Resource, i64), member: RunUserPk) {
        let Some(message) = self.presence_message(member, true) else { return };
        self.publish(scope, message.audience.clone(), &message);
    }

    /// Sends an event of the game's own to a scope's topic, for whoever may see the scope.
    pub(crate) fn own(&mut self, announcement: &Announcement) {
        let (resource, pk) = announcement.scope;
        let Some(owner) = self.tree.owner(resource, pk) else { return };
        // A member's own topic is for the member and the leaders.
        let owner = match owner {
            Owner::Member(member) => Owner::Private(member),
            other => other,
        };
        let audience = self.tree.audience(owner);
        let args = announcement.args.clone();
        let message = Message { name: &announcement.name, args, audience: audience.clone() };
        self.publish((resource, pk), audience, &message);
    }

    fn presence_message(&self, member: RunUserPk, online: bool) -> Option<Message<'static>> {
        let stored = self.tree.runuser(member)?.entry.stored();
        Some(Message {
            name: "update_child",
            args: arguments(stored, &with_presence(stored, online)),
            audience: self.tree.audience(Owner::Member(member)),
        })
    }

    /// Scenario, period, decision, result: the world and its players, or the one owner.
    fn played(&mut self, owner: Owner, message: &Message<'_>) {
        match owner {
            Owner::World(pk) => {
                self.world(pk, message);
                let members: Vec<_> = self
                    .tree
                    .world(pk)
                    .map(|node| node.members.iter().copied().collect())
                    .unwrap_or_default();
                members.into_iter().for_each(|pk| self.member(pk, message));
            }
            Owner::Private(pk) => self.member(pk, message),
            Owner::Run | Owner::Member(_) => {}
        }
    }

    fn run(&mut self, message: &Message<'_>) {
        let pk = self.tree.run().pk().number();
        self.publish((Resource::Run, pk), message.audience.clone(), message);
    }

    fn world(&mut self, pk: WorldPk, message: &Message<'_>) {
        self.publish((Resource::World, pk.number()), message.audience.clone(), message);
    }

    fn world_of(&mut self, runuser: &RunUser, message: &Message<'_>) {
        if let Some(world) = runuser.world {
            self.world(world, message);
        }
    }

    /// One member's own topic: the member, and the leaders who follow it.
    fn member(&mut self, pk: RunUserPk, message: &Message<'_>) {
        let audience = self.tree.audience(Owner::Private(pk));
        self.publish((Resource::RunUser, pk.number()), audience, message);
    }

    fn all_members(&mut self, message: &Message<'_>) {
        let members: Vec<_> = self.tree.runusers().map(|node| node.entry.pk()).collect();
        members.into_iter().for_each(|pk| self.member(pk, message));
    }

    fn members_who_see(&mut self, owner: Owner, message: &Message<'_>) {
        let members: Vec<_> = self
            .tree
            .runusers()
            .filter(|node| self.tree.visible(owner, &node.entry))
            .map(|node| node.entry.pk())
            .collect();
        members.into_iter().for_each(|pk| self.member(pk, message));
    }

    fn publish(
        &mut self,
        (resource, pk): (Resource, i64),
        audience: Arc<[Arc<str>]>,
        message: &Message<'_>,
    ) {
        self.out.push(Event {
            topic: self.root.of_scope(resource, pk, message.name),
            args: message.args.clone(),
            kwargs: format!(r#"{{"resource_name":"{resource}","pk":{pk}}}"#).into(),
            audience,
        });
    }
}

fn arguments(stored: &Stored, json: &str) -> Arc<str> {
    let (pk, resource) = (stored.record.pk(), stored.record.resource());
    format!(r#"[{pk},"{resource}",{json}]"#).into()
}

#[cfg(test)]
mod tests;
