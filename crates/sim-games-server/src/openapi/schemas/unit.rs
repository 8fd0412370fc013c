//! Schemas of units of work.

use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::reference;
use crate::rest::{UNIT_LONGEST, UNIT_MOST};

pub(super) fn all() -> Map<String, Value> {
    Map::from_iter([
        ("UnitOfWork".to_owned(), unit()),
        ("Operation".to_owned(), operation()),
        ("Precondition".to_owned(), precondition()),
        ("Idempotency".to_owned(), idempotency()),
        ("Committed".to_owned(), committed()),
        ("Target".to_owned(), target()),
        ("Reference".to_owned(), reference_number()),
    ])
}

fn unit() -> Value {
    let list = |item: &str, what: &str| {
        json!({
            "type": "array",
            "maxItems": UNIT_MOST,
            "items": reference(item),
            "description": what,
        })
    };
    json!({
        "type": "object",
        "description": "Several changes that are stored together or not at all.",
        "required": ["operations"],
        "properties": {
            "operations": list("Operation", "The changes, in order."),
            "preconditions": list("Precondition", "What must still hold; else nothing is stored."),
            "idempotency": {"allOf": [reference("Idempotency")],
                            "description": "What makes a repetition harmless."},
            "cause": {"type": ["string", "null"], "maxLength": UNIT_LONGEST,
                      "description": "Why, for people who read the audit log."},
        },
    })
}

/// An operation that is told apart by its `op`, with the properties that it must and may have.
fn variant(
    op: &str,
    description: &str,
    required: &[(&str, Value)],
    more: &[(&str, Value)],
) -> Value {
    let kind = [("op", json!({"type": "string", "const": op}))];
    let names = kind.iter().chain(required).map(|(name, _)| *name).collect::<Vec<_>>();
    let properties: Map<String, Value> = kind
        .iter()
        .chain(required)
        .chain(more)
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({
        "type": "object",
        "title": op,
        "description": description,
        "required": names,
        "properties": properties,
    })
}

fn operation() -> Value {
    let names = Resource::ALL.iter().filter(|it| **it != Resource::Hook).map(|it| it.name());
    let resource = || {
        let names: Vec<&str> = names.clone().collect();
        ("resource", json!({"type": "string", "enum": names, "description": "The resource."}))
    };
    let fields =
        |name: &'static str, what: &str| (name, json!({"type": "object", "description": what}));
    let new = || fields("fields", "Its fields; a key may be `{\"$ref\": n}`.");
    let key = || fields("key", "The fields of the natural key.");
    let pk = || ("pk", reference("Target"));
    let name = || ("ref", reference("Reference"));
    let flag = |name: &'static str| (name, json!({"type": "boolean"}));
    let order = json!({"type": "integer", "format": "int64"});
    json!({
        "description": "One change. A row that an operation makes or finds can be given a number \
                        `ref`, and later operations name it by `{\"$ref\": n}`.",
        "oneOf": [
            variant("create", "Stores a new row.", &[resource(), new()], &[name()]),
            variant("get_or_create", "Finds the row with this natural key, or stores it.",
                    &[resource(), key()],
                    &[fields("defaults", "The other fields of a new row."), name()]),
            variant("upsert", "Changes the row with this natural key, or stores it.",
                    &[resource(), key(), new()], &[name()]),
            variant("change", "Changes the given fields of a row.",
                    &[resource(), pk(), new()], &[]),
            variant("delete", "Deletes a row with all that hangs from it; one that is gone is no \
                    error.", &[resource(), pk()], &[]),
            variant("rewind", "Sets a scenario back.",
                    &[("scenario", json!({"type": "integer", "format": "int64"})),
                      ("last_period_order", order), flag("delete_last_period_decisions"),
                      flag("delete_last_period_results")], &[]),
        ],
    })
}

fn target() -> Value {
    json!({
        "description": "A row: its key, or the `ref` of an earlier operation of the same unit.",
        "oneOf": [
            {"type": "integer", "format": "int64"},
            {"type": "object", "required": ["$ref"],
             "properties": {"$ref": reference("Reference")}},
        ],
    })
}

fn reference_number() -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "maximum": u32::MAX,
        "description": "A name, within one unit, for a row.",
    })
}

fn precondition() -> Value {
    let resource = json!({"type": "string", "enum": Resource::ALL.map(Resource::name)});
    let pk = json!({"type": "integer", "format": "int64"});
    json!({
        "description": "Something that was read and must still hold.",
        "oneOf": [
            {
                "type": "object",
                "title": "unchanged",
                "description": "The row exists and was last stored at this time.",
                "required": ["check", "resource", "pk", "updated"],
                "properties": {
                    "check": {"type": "string", "const": "unchanged"},
                    "resource": resource,
                    "pk": pk,
                    "updated": {"type": "string", "format": "date-time"},
                },
            },
            {
                "type": "object",
                "title": "children",
                "description": "A parent has just these children of a kind.",
                "required": ["check", "resource", "parent", "pk", "children"],
                "properties": {
                    "check": {"type": "string", "const": "children"},
                    "resource": resource,
                    "parent": {"type": "string",
                               "description": "The field with the parent's key, as `period`."},
                    "pk": pk,
                    "children": {"type": "array", "items": pk,
                                 "description": "The children's keys, ascending."},
                },
            },
        ],
    })
}

fn idempotency() -> Value {
    let text =
        |what: &str| json!({"type": "string", "maxLength": UNIT_LONGEST, "description": what});
    json!({
        "type": ["object", "null"],
        "description": "The same caller's same key in the same scope writes nothing again, and is \
                        given the first answer as `replayed`.",
        "required": ["scope", "key"],
        "properties": {
            "scope": text("What was called."),
            "key": text("The key that the caller chose."),
            "answer": {"type": ["string", "null"],
                       "description": "The answer to give again, as JSON text."},
        },
    })
}

fn committed() -> Value {
    json!({
        "type": "object",
        "description": "A unit of work that was stored.",
        "required": ["seq", "references", "replayed", "objects"],
        "properties": {
            "seq": {"type": "integer", "format": "int64",
                    "description": "The journal's number of its last change."},
            "references": {"type": "object", "additionalProperties": {"type": "integer"},
                           "description": "The keys of the rows that operations named."},
            "replayed": {"type": ["string", "null"],
                         "description": "The first answer, when the unit had been stored before."},
            "objects": {
                "type": "array",
                "description": "Per operation the row as it is after the last one; null when it \
                                is gone. A replayed unit has none.",
                "items": {"anyOf": [{"type": "null"}, reference("AnyObject")]},
            },
        },
    })
}
