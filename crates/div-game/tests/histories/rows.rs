//! What the store holds, and what follows from it: who may see what, and the tree that they see.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use sim::GamesApi;
use sim::types::{Resource, RunPk};

/// An object's resource and key.
pub(crate) type Key = (Resource, i64);
/// An object as the Games API writes it.
pub(crate) type Fields = Map<String, Value>;

/// The rows of some runs.
#[derive(Debug, Default)]
pub(crate) struct Rows(pub(crate) BTreeMap<Key, Fields>);

/// A field that holds a key.
pub(crate) fn link(fields: &Fields, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}

/// Whether a field is true.
pub(crate) fn is(fields: &Fields, name: &str) -> bool {
    fields.get(name) == Some(&Value::Bool(true))
}

/// The object directly above another.
pub(crate) fn parent((resource, _): Key, fields: &Fields) -> Option<Key> {
    let over = |resource: Resource| Some((resource, link(fields, resource.name())?));
    match resource {
        Resource::World | Resource::RunUser => over(Resource::Run),
        Resource::Scenario => over(Resource::World).or_else(|| over(Resource::RunUser)),
        Resource::Period => over(Resource::Scenario),
        Resource::Decision | Resource::Result => over(Resource::Period),
        _ => None,
    }
}

impl Rows {
    pub(crate) async fn read(api: &GamesApi, runs: &[i64]) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for run in runs {
            let Some(snapshot) = api.load_run(RunPk(*run)).await? else { continue };
            for stored in &snapshot.objects {
                let key = (stored.record.resource(), stored.record.pk());
                rows.insert(key, serde_json::from_str(&stored.json).context("a row is no JSON")?);
            }
        }
        Ok(Self(rows))
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Fields> {
        self.0.get(&key)
    }

    /// All rows of a resource, by key.
    pub(crate) fn all(&self, resource: Resource) -> impl Iterator<Item = (i64, &Fields)> {
        let range = (resource, i64::MIN)..=(resource, i64::MAX);
        self.0.range(range).map(|((_, pk), fields)| (*pk, fields))
    }

    /// The row of this number among those of a resource, counted around.
    pub(crate) fn pick(&self, resource: Resource, which: u8) -> Option<i64> {
        let all: Vec<_> = self.all(resource).map(|(pk, _)| pk).collect();
        let index = usize::from(which).checked_rem(all.len())?;
        all.get(index).copied()
    }

    /// The memberships of a user, with their runs.
    pub(crate) fn memberships(&self, user: i64) -> impl Iterator<Item = (i64, &Fields)> {
        self.all(Resource::RunUser).filter(move |(_, fields)| link(fields, "user") == Some(user))
    }

    pub(crate) fn is_active(&self, run: i64) -> bool {
        self.get((Resource::Run, run)).is_some_and(|fields| is(fields, "active"))
    }

    /// The run, the world or member, the scenario ... in which an object lies, from itself upwards.
    pub(crate) fn line(&self, key: Key) -> Vec<Key> {
        let mut line = vec![key];
        while let Some(above) =
            self.get(line[line.len() - 1]).and_then(|fields| parent(line[line.len() - 1], fields))
        {
            line.push(above);
        }
        line
    }

    /// Whether a member of a run may see an object of the run.
    pub(crate) fn visible(&self, key: Key, viewer: &Fields) -> bool {
        if is(viewer, "leader") {
            return true;
        }
        let (own, world) = (link(viewer, "id"), link(viewer, "world"));
        match key.0 {
            Resource::Run => true,
            Resource::World => Some(key.1) == world,
            Resource::RunUser => {
                let theirs = self.get(key).and_then(|fields| link(fields, "world"));
                Some(key.1) == own || (world.is_some() && theirs == world)
            }
            // What is played belongs to a world or is private of a member.
            _ => match self.line(key).iter().find(|(it, _)| is_owner(*it)) {
                Some((Resource::World, pk)) => Some(*pk) == world,
                Some((_, pk)) => Some(*pk) == own,
                None => false,
            },
        }
    }

    /// The tree below a scope as a member shall see it.
    pub(crate) fn tree(&self, key: Key, viewer: &Fields) -> Value {
        let children: Vec<_> = self
            .children(key)
            .into_iter()
            .filter(|child| match child.0 {
                Resource::RunUser => Some(child.1) == link(viewer, "id"),
                _ => self.visible(*child, viewer),
            })
            .map(|child| self.tree(child, viewer))
            .collect();
        json!({"pk": key.1, "resource_name": key.0.name(), "data": self.get(key),
               "children": children})
    }

    /// The objects directly below one: periods by order, everything by key.
    fn children(&self, key: Key) -> Vec<Key> {
        let kinds: &[Resource] = match key.0 {
            Resource::Run => &[Resource::RunUser, Resource::World],
            Resource::World | Resource::RunUser => &[Resource::Scenario],
            Resource::Scenario => &[Resource::Period],
            Resource::Period => &[Resource::Decision, Resource::Result],
            _ => &[],
        };
        let mut children = Vec::new();
        for kind in kinds {
            let mut own: Vec<_> = self
                .all(*kind)
                .filter(|(pk, fields)| parent((*kind, *pk), fields) == Some(key))
                .map(|(pk, fields)| (link(fields, "order"), pk))
                .collect();
            own.sort_unstable();
            children.extend(own.into_iter().map(|(_, pk)| (*kind, pk)));
        }
        children
    }
}

/// Whether what is played belongs to an object of this kind.
pub(crate) fn is_owner(resource: Resource) -> bool {
    matches!(resource, Resource::World | Resource::RunUser)
}
