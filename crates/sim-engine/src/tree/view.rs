//! What a member sees of a run, as JSON.

use std::fmt::Write;
use std::sync::Arc;

use sim_games_types::{Object, Pk, Resource, RunUser, RunUserPk, Stored};

use super::{Owner, RunTree, RunUserNode};

impl RunTree {
    /// Whether a member may see what belongs to an owner.
    pub(crate) fn visible(&self, owner: Owner, viewer: &RunUser) -> bool {
        if viewer.leader {
            return true;
        }
        match owner {
            Owner::Run => true,
            Owner::World(world) => viewer.world == Some(world),
            Owner::Private(member) => viewer.id == member,
            Owner::Member(member) => {
                let world = self.runuser(member).and_then(|node| node.entry.world);
                viewer.id == member || (world.is_some() && world == viewer.world)
            }
        }
    }

    /// The users who may see what belongs to an owner, by id as text.
    pub(crate) fn audience(&self, owner: Owner) -> Arc<[Arc<str>]> {
        let world = match owner {
            Owner::Run => return self.runusers().map(|node| node.authid.clone()).collect(),
            Owner::World(world) => Some(world),
            Owner::Member(member) => self.runuser(member).and_then(|node| node.entry.world),
            Owner::Private(_) => None,
        };
        let owner = match owner {
            Owner::Member(member) | Owner::Private(member) => self.runuser(member),
            Owner::Run | Owner::World(_) => None,
        };
        let members = world.and_then(|world| self.world(world)).map(|node| &node.members);
        let members = members.into_iter().flatten().filter_map(|pk| self.runuser(*pk));
        owner
            .into_iter()
            .chain(members)
            .chain(self.leaders())
            .map(|node| node.authid.clone())
            .collect()
    }

    /// A scope with all below it that the viewer may see: `{"pk", "data", "resource_name",
    /// "children"}`.
    ///
    /// Of the members a run's tree shows only the viewer: the stock browser follows the topic of
    /// every direct child.
    pub(crate) fn write_tree(
        &self,
        out: &mut String,
        (resource, pk): (Resource, i64),
        viewer: &RunUser,
        exclude: &[Resource],
    ) {
        let Some(stored) = self.find(resource, pk) else { return };
        open_scope(out, stored);
        out.push_str(r#","children":["#);
        let mut first = true;
        for (child, child_pk) in self.children(resource, pk) {
            let shown = match child {
                Resource::RunUser => viewer.id.number() == child_pk,
                _ => self.owner(child, child_pk).is_some_and(|it| self.visible(it, viewer)),
            };
            if exclude.contains(&child) || !shown {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            self.write_tree(out, (child, child_pk), viewer, exclude);
        }
        out.push_str("]}");
    }

    /// A scope with all below it, whoever may see it, in the form of [`Self::write_tree`].
    pub(crate) fn write_whole_tree(&self, out: &mut String, (resource, pk): (Resource, i64)) {
        let Some(stored) = self.find(resource, pk) else { return };
        open_scope(out, stored);
        out.push_str(r#","children":["#);
        for (index, child) in self.children(resource, pk).into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.write_whole_tree(out, child);
        }
        out.push_str("]}");
    }

    /// The trees of a member's private scenarios: a JSON array.
    pub(crate) fn private_scenarios(&self, member: RunUserPk, viewer: &RunUser) -> String {
        let mut out = String::from("[");
        for (index, child) in
            self.children(Resource::RunUser, member.number()).into_iter().enumerate()
        {
            if index > 0 {
                out.push(',');
            }
            self.write_tree(&mut out, child, viewer, &[]);
        }
        out.push(']');
        out
    }

    /// The members whom the viewer sees from a scope, inactive players left out.
    ///
    /// From the run and from whatever belongs to a world a leader sees all of the run.
    pub(crate) fn seen_members(&self, owner: Owner, viewer: &RunUser) -> Vec<&RunUserNode> {
        let listed = |node: &&RunUserNode| {
            let entry = &node.entry;
            let here = match owner {
                Owner::Run => self.visible(Owner::Member(entry.pk()), viewer),
                Owner::World(world) => viewer.leader || entry.world == Some(world),
                Owner::Member(member) | Owner::Private(member) => entry.pk() == member,
            };
            here && (entry.active || entry.leader || entry.id == viewer.id)
        };
        self.runusers().filter(listed).collect()
    }
}

/// A scope as JSON: `{"pk", "data", "resource_name"}`.
pub(crate) fn scope_json(stored: &Stored) -> String {
    let mut out = String::with_capacity(stored.json.len() + 48);
    open_scope(&mut out, stored);
    out.push('}');
    out
}

/// A scope as JSON without its closing brace.
fn open_scope(out: &mut String, stored: &Stored) {
    let (pk, json, name) = (stored.record.pk(), stored.for_players(), stored.record.resource());
    write!(out, r#"{{"pk":{pk},"data":{json},"resource_name":"{name}""#)
        .expect("writing to a string cannot fail");
}

/// A member's representation with the mark whether they are online.
pub(crate) fn with_presence(stored: &Stored, online: bool) -> String {
    // The stored text stays untouched: presence is no part of the object.
    let json = stored.for_players();
    let fields = json.strip_suffix('}').unwrap_or(&json);
    format!(r#"{fields},"online":{online}}}"#)
}
