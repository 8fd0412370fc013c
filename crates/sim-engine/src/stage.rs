//! What a call has read and what it wants to write: the unit of work in the making.

use std::collections::HashMap;

use serde_json::Value;
use sim_games_types::{
    Fields, Operation, PeriodPk, Pk, Precondition, Resource, RolePk, Stored, Target,
};

/// Which decision or result of a period.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) resource: Resource,
    pub(crate) period: PeriodPk,
    pub(crate) role: Option<RolePk>,
    pub(crate) name: String,
}

/// Reads and writes of one call.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    preconditions: Vec<Precondition>,
    operations: Vec<Operation>,
    /// What was staged for decisions and results, so that a handler reads its own writes.
    slots: HashMap<Slot, Value>,
}

impl Stage {
    /// Notes that the call relies on an object as it stands.
    pub(crate) fn rely_on(&mut self, stored: &Stored) {
        let Some(updated) = stored.record.updated() else { return };
        self.require(Precondition::Unchanged {
            resource: stored.record.resource(),
            pk: stored.record.pk(),
            updated,
        });
    }

    /// Notes that the call relies on a period having just these decisions or results.
    pub(crate) fn rely_on_children(
        &mut self,
        resource: Resource,
        period: PeriodPk,
        children: Vec<i64>,
    ) {
        let parent = Resource::Period.name().to_owned();
        self.require(Precondition::Children { resource, parent, pk: period.number(), children });
    }

    fn require(&mut self, precondition: Precondition) {
        if !self.preconditions.contains(&precondition) {
            self.preconditions.push(precondition);
        }
    }

    pub(crate) fn staged(&self, slot: &Slot) -> Option<&Value> {
        self.slots.get(slot)
    }

    /// Stages the data of a decision or result, in place of what was staged for it before.
    pub(crate) fn put(&mut self, slot: Slot, data: Value) {
        let mut key = Fields::new();
        key.insert("period".into(), slot.period.number().into());
        key.insert("role".into(), slot.role.map_or(Value::Null, |role| role.number().into()));
        key.insert("name".into(), slot.name.clone().into());
        let resource = slot.resource;
        self.operations.retain(|operation| {
            !matches!(operation, Operation::Upsert { resource: it, key: its, .. }
                if *it == resource && *its == key)
        });
        let fields = Fields::from_iter([("data".to_owned(), data.clone())]);
        self.operations.push(Operation::Upsert { resource, key, fields, reference: None });
        self.slots.insert(slot, data);
    }

    /// Stages new values for some fields of an object.
    pub(crate) fn change(&mut self, resource: Resource, pk: i64, fields: Fields) {
        self.operations.push(Operation::Change { resource, pk: Target::Pk(pk), fields });
    }

    /// Stages that a row with this natural key exists.
    pub(crate) fn ensure(&mut self, resource: Resource, key: Fields, defaults: Fields) {
        self.operations.push(Operation::GetOrCreate { resource, key, defaults, reference: None });
    }

    /// Forgets what was staged; what was read stays.
    pub(crate) fn discard(&mut self) {
        self.operations.clear();
        self.slots.clear();
    }

    /// The finished preconditions and operations.
    pub(crate) fn finish(self) -> (Vec<Precondition>, Vec<Operation>) {
        (self.preconditions, self.operations)
    }
}
