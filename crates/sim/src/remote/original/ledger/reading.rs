//! What is asked of a ledger.

use std::sync::Arc;

use serde_json::Value;
use sim_games_types::{Fields, Precondition, Resource, RunPk, Stored};

use super::{Key, Ledger};

impl Ledger {
    /// The game, its phases and its roles.
    pub(in super::super) fn game_objects(&self) -> Vec<Arc<Stored>> {
        let is_own = |key: &Key| matches!(key.0, Resource::Game | Resource::Phase | Resource::Role);
        self.sorted(self.objects.keys().copied().filter(is_own).collect())
    }

    /// Runs with all below them.
    pub(in super::super) fn run_objects(
        &self,
        runs: impl IntoIterator<Item = RunPk>,
    ) -> Vec<Arc<Stored>> {
        let keys = runs.into_iter().flat_map(|run| self.below((Resource::Run, run.0)));
        self.sorted(keys.collect())
    }

    fn sorted(&self, mut keys: Vec<Key>) -> Vec<Arc<Stored>> {
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.get(key).cloned()).collect()
    }

    /// Whether what a writer relied on still holds.
    pub(in super::super) fn holds(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::Unchanged { resource, pk, updated } => {
                let known = self.get((*resource, *pk));
                known.is_some_and(|stored| stored.record.updated() == Some(*updated))
            }
            Precondition::Children { resource, parent, pk, children } => {
                let key = Fields::from_iter([(parent.clone(), Value::from(*pk))]);
                let mut found: Vec<i64> =
                    self.matching(*resource, &key).map(|stored| stored.record.pk()).collect();
                found.sort_unstable();
                found == *children
            }
        }
    }

    /// The known objects of a resource that have these fields.
    pub(in super::super) fn matching<'l>(
        &'l self,
        resource: Resource,
        fields: &'l Fields,
    ) -> Box<dyn Iterator<Item = &'l Arc<Stored>> + 'l> {
        // Nearly always one of the fields is the parent.
        let parent = fields.iter().find_map(|(field, value)| {
            let key = (Resource::from_name(field)?, value.as_i64()?);
            let is_parent = is_parent(key.0, resource) && self.objects.contains_key(&key);
            is_parent.then(|| self.children.get(&key))
        });
        let has_fields = move |stored: &&Arc<Stored>| has_fields(stored, fields);
        match parent {
            Some(children) => Box::new(
                children
                    .into_iter()
                    .flatten()
                    .filter(move |key| key.0 == resource)
                    .filter_map(|key| self.get(*key))
                    .filter(has_fields),
            ),
            None => Box::new(
                self.objects
                    .iter()
                    .filter(move |(key, _)| key.0 == resource)
                    .map(|(_, known)| &known.stored)
                    .filter(has_fields),
            ),
        }
    }
}

/// Whether objects of one resource hang from those of another.
fn is_parent(parent: Resource, child: Resource) -> bool {
    match child {
        Resource::Phase | Resource::Role | Resource::Run => parent == Resource::Game,
        Resource::World | Resource::RunUser => parent == Resource::Run,
        Resource::Period => parent == Resource::Scenario,
        Resource::Decision | Resource::Result => parent == Resource::Period,
        _ => false,
    }
}

/// Whether an object has these values.
pub(in super::super) fn has_fields(stored: &Stored, fields: &Fields) -> bool {
    let Ok(Value::Object(own)) = serde_json::to_value(&stored.record) else { return false };
    fields.iter().all(|(field, value)| own.get(field).unwrap_or(&Value::Null) == value)
}
