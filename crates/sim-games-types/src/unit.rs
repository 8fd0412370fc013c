//! Units of work: several changes that are stored together or not at all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Resource, Timestamp, UserPk};

/// Fields of an object by their REST names.
///
/// The value of a foreign key may be `{"$ref": n}`, which stands for the row that an earlier
/// operation of the same unit made under [`Reference`] `n`.
pub type Fields = Map<String, Value>;

/// A name, within one unit of work, for a row that does not exist yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(pub u32);

impl Reference {
    /// The reference as the value of a foreign key.
    #[must_use]
    pub fn to_value(self) -> Value {
        serde_json::json!({ "$ref": self.0 })
    }

    /// The reference in a field's value, if it is one.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let number = object.get("$ref")?.as_u64()?;
        (object.len() == 1).then(|| u32::try_from(number).ok().map(Self)).flatten()
    }

    /// JSON text in which the references to rows that were made are replaced by the rows' keys.
    #[must_use]
    pub fn fill_in<'a>(text: &'a str, made: &BTreeMap<Self, i64>) -> Cow<'a, str> {
        if made.is_empty() || !text.contains("\"$ref\"") {
            return Cow::Borrowed(text);
        }
        let Ok(mut value) = serde_json::from_str(text) else { return Cow::Borrowed(text) };
        fill(&mut value, made);
        Cow::Owned(value.to_string())
    }
}

fn fill(value: &mut Value, made: &BTreeMap<Reference, i64>) {
    if let Some(pk) = Reference::from_value(value).and_then(|reference| made.get(&reference)) {
        *value = (*pk).into();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, made)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, made)),
        _ => {}
    }
}

/// The row that an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A row that exists.
    Pk(i64),
    /// A row that an earlier operation of this unit makes.
    Reference {
        /// Its reference.
        #[serde(rename = "$ref")]
        reference: Reference,
    },
}

/// One change that a writer asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Stores a new row; a row with the same natural key is an error.
    Create {
        /// Its resource.
        resource: Resource,
        /// Its fields.
        fields: Fields,
        /// A name for it, for later operations.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Reference>,
    },
    /// Finds the row with this natural key or stores it; what exists is left alone.
    GetOrCreate {
        /// Its resource.
        resource: Resource,
        /// The natural key: the fields that identify it.
        key: Fields,
        /// The other fields of a new row.
        #[serde(default)]
        defaults: Fields,
        /// A name for it, for later operations.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Reference>,
    },
    /// Stores a new row, or changes the row that has this natural key.
    Upsert {
        /// Its resource.
        resource: Resource,
        /// The natural key: the fields that identify it.
        key: Fields,
        /// The fields that it shall have afterwards.
        fields: Fields,
        /// A name for it, for later operations.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Reference>,
    },
    /// Changes the given fields of a row; `data` is replaced as a whole.
    Change {
        /// Its resource.
        resource: Resource,
        /// Its key.
        pk: Target,
        /// The fields that it shall have afterwards.
        fields: Fields,
    },
    /// Deletes a row with all that hangs from it. A row that is gone already is no error.
    Delete {
        /// Its resource.
        resource: Resource,
        /// Its key.
        pk: Target,
    },
    /// Sets a scenario back: deletes the periods after one, and what was entered in that one.
    Rewind {
        /// The scenario.
        scenario: i64,
        /// The order of the period that becomes the last.
        last_period_order: i64,
        /// Whether that period's decisions are deleted.
        delete_last_period_decisions: bool,
        /// Whether that period's results are deleted.
        delete_last_period_results: bool,
    },
}

/// What a writer has read and relies on. A unit is stored only if all of it still holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum Precondition {
    /// The row exists and was last stored at this time.
    Unchanged {
        /// Its resource.
        resource: Resource,
        /// Its key.
        pk: i64,
        /// Its `updated`.
        updated: Timestamp,
    },
    /// The parent has just these children of a kind: nobody added or removed one.
    Children {
        /// The children's resource.
        resource: Resource,
        /// The field that holds the parent's key, for example `period`.
        parent: String,
        /// The parent's key.
        pk: i64,
        /// The children's keys, ascending.
        children: Vec<i64>,
    },
}

/// What makes a repeated call harmless: the first answer is stored with the first call's writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The caller.
    pub user: UserPk,
    /// What was called: the procedure's URI.
    pub scope: String,
    /// The key that the caller chose.
    pub key: String,
    /// The answer to give again: JSON text.
    pub answer: String,
}

/// Several changes that are stored together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitOfWork {
    /// Who asks for it; none when the service itself does.
    #[serde(default)]
    pub actor: Option<UserPk>,
    /// The call or request that caused it, for people who read the audit log.
    #[serde(default)]
    pub cause: Option<String>,
    /// What must still hold.
    #[serde(default)]
    pub preconditions: Vec<Precondition>,
    /// The changes, in order.
    pub operations: Vec<Operation>,
    /// What to remember so that the same call, repeated, writes nothing again.
    #[serde(default)]
    pub idempotency: Option<Idempotency>,
}

/// The answer to a unit of work that was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The journal's number of the unit's last change; whoever has applied it has applied all.
    pub seq: u64,
    /// The keys of the rows that operations named.
    #[serde(default)]
    pub references: BTreeMap<Reference, i64>,
    /// The stored first answer, when the same call had been made before and nothing was written.
    #[serde(default)]
    pub replayed: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_unit_reads_as_the_wire_has_it() {
        let unit: UnitOfWork = serde_json::from_value(json!({
            "preconditions": [
                {"check": "children", "resource": "decision", "parent": "period", "pk": 7,
                 "children": [1, 2]}
            ],
            "operations": [
                {"op": "create", "resource": "scenario", "fields": {"name": "S", "world": 3},
                 "ref": 1},
                {"op": "create", "resource": "period", "fields": {"scenario": {"$ref": 1}}},
                {"op": "delete", "resource": "period", "pk": {"$ref": 1}},
                {"op": "delete", "resource": "period", "pk": 12}
            ]
        }))
        .unwrap();
        let Operation::Create { fields, .. } = &unit.operations[1] else { panic!("{unit:?}") };
        assert_eq!(Reference::from_value(&fields["scenario"]), Some(Reference(1)));
        let targets: Vec<_> = unit.operations[2..]
            .iter()
            .map(|operation| match operation {
                Operation::Delete { pk, .. } => *pk,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(targets, [Target::Reference { reference: Reference(1) }, Target::Pk(12)]);
    }

    #[test]
    fn a_number_is_no_reference() {
        assert_eq!(Reference::from_value(&json!(1)), None);
        assert_eq!(Reference::from_value(&json!({"$ref": 1, "x": 2})), None);
    }
    #[test]
    fn references_in_a_text_become_the_keys_of_what_was_made() {
        let made = BTreeMap::from([(Reference(1), 70)]);
        let text = r#"[{"$ref":1},{"pk":{"$ref":1},"other":{"$ref":2},"n":1.0}]"#;
        let filled = Reference::fill_in(text, &made);
        assert_eq!(filled, r#"[70,{"pk":70,"other":{"$ref":2},"n":1.0}]"#);
        assert_eq!(Reference::fill_in("{not json \"$ref\"", &made), "{not json \"$ref\"");
    }
}
