//! What a call has read and what it wants to write: the unit of work in the making.
//!
//! A row that the call makes has a negative key until it is stored. Such a row, and every change of a
//! stored one, lies over the tree for the rest of the call: a handler reads what it wrote.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use sim_games_types::{
    Fields, Operation, Precondition, Record, Reference, Resource, Stored, Target, Timestamp,
};

use crate::error::{CallError, CallResult};

/// An object of any resource by its key.
pub(crate) type Key = (Resource, i64);

/// How a new row is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Making {
    /// As a new row; one with the same natural key is an error.
    Create,
    /// Unless a row with the same natural key exists, which then stays as it is.
    Ensure,
    /// In place of the row with the same natural key, if there is one.
    Replace,
}

/// What goes to a scope's topic when the call is done.
#[derive(Clone, Debug)]
pub(crate) struct Announcement {
    pub(crate) scope: Key,
    pub(crate) name: String,
    pub(crate) args: Arc<str>,
}

/// Reads and writes of one call.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    preconditions: Vec<Precondition>,
    /// Of what there is a precondition: an object, or its children of a kind.
    relied_on: HashSet<(Key, Option<Resource>)>,
    operations: Vec<Operation>,
    /// The operation that makes or changes a row.
    writers: HashMap<Key, usize>,
    /// Rows as they are for this call; none when it has deleted them.
    rows: HashMap<Key, Option<Arc<Stored>>>,
    announcements: Vec<Announcement>,
    /// How many rows the call makes.
    made: u32,
}

impl Stage {
    /// Notes that the call relies on an object as it stands.
    pub(crate) fn rely_on(&mut self, stored: &Stored) {
        let Some(updated) = stored.record.updated() else { return };
        let (resource, pk) = (stored.record.resource(), stored.record.pk());
        if pk > 0 && self.relied_on.insert(((resource, pk), None)) {
            self.preconditions.push(Precondition::Unchanged { resource, pk, updated });
        }
    }

    /// Notes that the call relies on a parent having just these children of a kind.
    pub(crate) fn rely_on_children(
        &mut self,
        resource: Resource,
        parent: &str,
        pk: i64,
        mut children: Vec<i64>,
    ) {
        let above = Resource::from_name(parent).unwrap_or(resource);
        if pk > 0 && self.relied_on.insert(((above, pk), Some(resource))) {
            children.sort_unstable();
            let parent = parent.to_owned();
            self.preconditions.push(Precondition::Children { resource, parent, pk, children });
        }
    }

    /// What the call has made of a row, if it has touched it.
    pub(crate) fn row(&self, key: Key) -> Option<&Option<Arc<Stored>>> {
        self.rows.get(&key)
    }

    /// The rows of a kind that the call has made or changed.
    pub(crate) fn written(&self, kind: Resource) -> impl Iterator<Item = &Arc<Stored>> {
        let of_kind = self.rows.iter().filter(move |((resource, _), _)| *resource == kind);
        of_kind.filter_map(|(_, row)| row.as_ref())
    }

    /// Stages a new row.
    pub(crate) fn make(
        &mut self,
        resource: Resource,
        making: Making,
        fields: Fields,
    ) -> CallResult<Arc<Stored>> {
        self.made += 1;
        let reference = Some(Reference(self.made));
        let pk = -i64::from(self.made);
        let row = new_row(resource, pk, &fields)?;
        let fields = on_the_wire(fields);
        let operation = match making {
            Making::Create => Operation::Create { resource, fields, reference },
            Making::Ensure => {
                let (key, defaults) = split(resource, fields);
                Operation::GetOrCreate { resource, key, defaults, reference }
            }
            Making::Replace => {
                let (key, fields) = split(resource, fields);
                Operation::Upsert { resource, key, fields, reference }
            }
        };
        self.writers.insert((resource, pk), self.operations.len());
        self.operations.push(operation);
        self.rows.insert((resource, pk), Some(row.clone()));
        Ok(row)
    }

    /// Stages new values for some fields of a row.
    pub(crate) fn change(&mut self, row: &Stored, fields: Fields) -> CallResult<Arc<Stored>> {
        let key = (row.record.resource(), row.record.pk());
        let changed = changed_row(row, &fields)?;
        let fields = on_the_wire(fields);
        match self.writers.get(&key).map(|index| &mut self.operations[*index]) {
            // A reference must not lead to a row that is made later.
            Some(
                Operation::Create { fields: written, .. }
                | Operation::Upsert { fields: written, .. }
                | Operation::Change { fields: written, .. },
            ) if !fields.values().any(|value| Reference::from_value(value).is_some()) => {
                written.extend(fields);
            }
            _ => {
                self.writers.insert(key, self.operations.len());
                let (resource, pk) = (key.0, target(key.1));
                self.operations.push(Operation::Change { resource, pk, fields });
            }
        }
        self.rows.insert(key, Some(changed.clone()));
        Ok(changed)
    }

    /// Stages that a decision or result has this data: by its natural key, so that one that appears
    /// meanwhile is changed and not doubled.
    pub(crate) fn replace_leaf(
        &mut self,
        row: &Stored,
        key: Fields,
        data: Value,
    ) -> CallResult<Arc<Stored>> {
        let at = (row.record.resource(), row.record.pk());
        let fields = Fields::from_iter([("data".to_owned(), data)]);
        if self.writers.contains_key(&at) {
            return self.change(row, fields);
        }
        let changed = changed_row(row, &fields)?;
        let key = on_the_wire(key);
        self.writers.insert(at, self.operations.len());
        self.operations.push(Operation::Upsert { resource: at.0, key, fields, reference: None });
        self.rows.insert(at, Some(changed.clone()));
        Ok(changed)
    }

    /// Stages that a row goes, with the rows below it.
    pub(crate) fn delete(&mut self, key: Key, below: impl IntoIterator<Item = Key>) {
        self.forget(below);
        if self.rows.insert(key, None) == Some(None) {
            return;
        }
        self.writers.remove(&key);
        self.operations.push(Operation::Delete { resource: key.0, pk: target(key.1) });
    }

    /// Stages that a scenario goes back to a period; `gone` are the rows that this costs.
    pub(crate) fn rewind(&mut self, operation: Operation, gone: impl IntoIterator<Item = Key>) {
        self.forget(gone);
        self.operations.push(operation);
    }

    fn forget(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.writers.remove(&key);
            self.rows.insert(key, None);
        }
    }

    /// Whether anything is to be stored.
    pub(crate) fn writes(&self) -> bool {
        !self.operations.is_empty()
    }

    /// Stages an event of the game's own.
    pub(crate) fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// Forgets what was staged; what was read stays.
    pub(crate) fn discard(&mut self) {
        let preconditions = std::mem::take(&mut self.preconditions);
        let relied_on = std::mem::take(&mut self.relied_on);
        *self = Self { preconditions, relied_on, made: self.made, ..Self::default() };
    }

    /// The finished preconditions, operations and events.
    pub(crate) fn finish(self) -> (Vec<Precondition>, Vec<Operation>, Vec<Announcement>) {
        (self.preconditions, self.operations, self.announcements)
    }
}

fn target(pk: i64) -> Target {
    reference_of(pk).map_or(Target::Pk(pk), |reference| Target::Reference { reference })
}

/// The reference that a negative key stands for.
pub(crate) fn reference_of(pk: i64) -> Option<Reference> {
    u32::try_from(pk.checked_neg()?).ok().filter(|number| *number > 0).map(Reference)
}

/// Fields as a unit of work has them: keys of rows that the call makes become references.
fn on_the_wire(mut fields: Fields) -> Fields {
    for (name, value) in &mut fields {
        let reference = value.as_i64().and_then(reference_of);
        if let Some(reference) = reference.filter(|_| Resource::from_name(name).is_some()) {
            *value = reference.to_value();
        }
    }
    fields
}

/// The natural key, complete, and the other fields.
fn split(resource: Resource, mut fields: Fields) -> (Fields, Fields) {
    let natural = resource.natural_key().iter();
    let key = natural
        .map(|name| ((*name).to_owned(), fields.remove(*name).unwrap_or(Value::Null)))
        .collect();
    (key, fields)
}

/// A new row as the call sees it until it is stored.
fn new_row(resource: Resource, pk: i64, fields: &Fields) -> CallResult<Arc<Stored>> {
    let now = Timestamp::now();
    let mut row = Fields::from_iter([
        ("id".to_owned(), json!(pk)),
        ("created".to_owned(), json!(now)),
        ("updated".to_owned(), json!(now)),
    ]);
    row.extend(fields.clone());
    row_of(resource, row)
}

fn changed_row(row: &Stored, fields: &Fields) -> CallResult<Arc<Stored>> {
    let Value::Object(mut changed) = serde_json::to_value(&row.record)? else {
        return Err(CallError::internal("an object is not written as a JSON object"));
    };
    changed.extend(fields.clone());
    row_of(row.record.resource(), changed)
}

fn row_of(resource: Resource, row: Fields) -> CallResult<Arc<Stored>> {
    let record = Record::from_fields(resource, row).map_err(|error| {
        CallError::internal(format!("the fields given for a {resource} do not make one: {error}"))
    })?;
    // Nobody but this call sees the row, and no one its text.
    Ok(Arc::new(Stored { record, json: "".into() }))
}
