//! Schemas of the resources, made of the descriptions by which requests are checked.
//!
//! Answers are described more loosely than requests: what was stored once is told, whatever rules
//! apply to new values by now.

mod shared;
mod unit;

use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::words;
use crate::model::{Cell, Field, Kind, Presence, Table, must_be_there};
use crate::rest::{BULK_RESOURCES, HOOK_FIELDS};

/// The name of the schema of a resource's answers, which those of its requests begin with.
pub(super) const fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Game => "Game",
        Resource::Phase => "Phase",
        Resource::Role => "Role",
        Resource::Run => "Run",
        Resource::World => "World",
        Resource::RunUser => "RunUser",
        Resource::Scenario => "Scenario",
        Resource::Period => "Period",
        Resource::Decision => "Decision",
        Resource::Result => "Result",
        Resource::User => "User",
        Resource::Hook => "Hook",
    }
}

/// A reference to a schema of the document.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A reference to the schema of a resource's requests.
pub(super) fn request(resource: Resource, presence: Presence) -> Value {
    let suffix = match presence {
        Presence::Partial => "Change",
        Presence::NewInBulk if differs_in_bulk(resource) => "NewInBulk",
        Presence::New | Presence::NewInBulk | Presence::Whole => "New",
    };
    reference(&format!("{}{suffix}", name(resource)))
}

/// All schemas by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    for resource in Resource::ALL {
        let name = name(resource);
        schemas.insert(name.to_owned(), told(resource));
        schemas.insert(format!("{name}New"), written(resource, Presence::New));
        schemas.insert(format!("{name}Change"), written(resource, Presence::Partial));
        if differs_in_bulk(resource) {
            let item = written(resource, Presence::NewInBulk);
            schemas.insert(format!("{name}NewInBulk"), item);
        }
    }
    schemas.extend(shared::all());
    schemas.extend(unit::all());
    schemas
}

/// Whether bulk requests must say more than single ones.
fn differs_in_bulk(resource: Resource) -> bool {
    let table = Table::of(resource);
    let differs = |field| {
        must_be_there(table, field, Presence::NewInBulk)
            != must_be_there(table, field, Presence::New)
    };
    BULK_RESOURCES.contains(&resource) && table.fields.iter().any(differs)
}

/// The fields that a request can write.
pub(super) fn writable(resource: Resource) -> impl Iterator<Item = &'static Field> {
    let is_writable =
        move |field: &&Field| resource != Resource::Hook || HOOK_FIELDS.contains(&field.name);
    Table::of(resource).fields.iter().filter(is_writable)
}

/// The schema of a request.
fn written(resource: Resource, presence: Presence) -> Value {
    let table = Table::of(resource);
    let is_required = |field: &&Field| must_be_there(table, field, presence);
    let required: Vec<&str> =
        writable(resource).filter(is_required).map(|field| field.name).collect();
    let properties: Map<String, Value> = writable(resource)
        .map(|field| {
            let mut schema = value(field);
            if presence != Presence::Partial && !must_be_there(table, field, presence) {
                schema.extend(default(field).map(|value| ("default".to_owned(), value)));
            }
            (field.name.to_owned(), described(resource, field.name, schema))
        })
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": format!(
            "What a request says of a {}. Numbers are taken for texts, and texts for numbers and \
             flags; other keys are ignored.",
            resource.name()
        ),
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// What a field may be set to.
fn value(field: &Field) -> Map<String, Value> {
    let schema = match field.kind {
        Kind::Text { max, blank } => {
            json!({"type": "string", "minLength": usize::from(!blank), "maxLength": max})
        }
        Kind::Slug { max } => {
            json!({"type": "string", "maxLength": max, "pattern": "^[-a-zA-Z0-9_]*$"})
        }
        Kind::Email => json!({"type": "string", "format": "email", "maxLength": 254}),
        Kind::Url => json!({"type": "string", "format": "uri", "maxLength": 255}),
        Kind::Password => json!({"type": "string", "minLength": 1, "writeOnly": true}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Json if field.null => json!({}),
        Kind::Json => json!({"type": ["object", "array", "string", "number", "boolean"]}),
        Kind::Matrix => json!({
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer", "format": "int64"}},
        }),
        Kind::Key(_) => json!({"type": "integer", "format": "int64"}),
        Kind::Time => json!({"type": "string", "format": "date-time"}),
    };
    nullable(schema, field.null)
}

/// The schema, with null when it may be.
fn nullable(schema: Value, null: bool) -> Map<String, Value> {
    let Value::Object(mut schema) = schema else { return Map::new() };
    if let Some(one @ Value::String(_)) = schema.get("type").cloned()
        && null
    {
        schema.insert("type".to_owned(), json!([one, "null"]));
    }
    schema
}

/// What a new object has where nothing is said; passwords have nothing worth telling.
pub(super) fn default(field: &Field) -> Option<Value> {
    match &field.default {
        _ if field.kind == Kind::Password => None,
        Cell::Null => Some(Value::Null),
        Cell::Bool(flag) => Some(json!(flag)),
        Cell::Int(number) => Some(json!(number)),
        Cell::Text(text) if field.kind == Kind::Json => serde_json::from_str(text).ok(),
        Cell::Text(text) => Some(json!(text)),
    }
}

fn described(resource: Resource, name: &str, mut schema: Map<String, Value>) -> Value {
    if let Some(text) = words::field(resource, name) {
        schema.insert("description".to_owned(), json!(text));
    }
    Value::Object(schema)
}

/// The schema of an answer.
fn told(resource: Resource) -> Value {
    let mut properties = Map::new();
    let mut add = |name: &str, schema: Map<String, Value>| {
        properties.insert(name.to_owned(), described(resource, name, schema));
    };
    for (name, schema) in computed(resource) {
        add(name, read_only(schema));
    }
    for field in Table::of(resource).fields.iter().filter(|it| it.kind != Kind::Password) {
        let is_written = writable(resource).any(|it| it.name == field.name);
        let schema = answered(resource, field);
        add(field.name, if is_written { schema } else { read_only(schema) });
    }
    let always = |name: &&String| name.as_str() != "role_name";
    let required: Vec<&String> = properties.keys().filter(always).collect();
    json!({
        "type": "object",
        "description": words::resource(resource),
        "required": required,
        "properties": properties,
    })
}

fn read_only(mut schema: Map<String, Value>) -> Map<String, Value> {
    schema.insert("readOnly".to_owned(), json!(true));
    schema
}

/// What an answer tells beside the fields of the resource's description.
fn computed(resource: Resource) -> Vec<(&'static str, Map<String, Value>)> {
    let schema = |schema, null| nullable(schema, null);
    let text = || schema(json!({"type": "string"}), false);
    let time = || schema(json!({"type": "string", "format": "date-time"}), false);
    let mut fields = vec![("id", schema(json!({"type": "integer", "format": "int64"}), false))];
    if is_below_run(resource) {
        fields.push(("run_active", schema(json!({"type": "boolean"}), true)));
    }
    match resource {
        Resource::User => {}
        Resource::Hook => fields.extend([("created", time()), ("modified", time())]),
        _ => fields.extend([("created", time()), ("updated", time())]),
    }
    if resource == Resource::RunUser {
        let copied = ["email", "first_name", "last_name", "role_name"];
        fields.extend(copied.map(|name| (name, text())));
    }
    fields
}

fn is_below_run(resource: Resource) -> bool {
    let table = Table::of(resource);
    table.run_from.is_some() || table.key_field("run").is_some()
}

/// What an answer says of a field.
fn answered(resource: Resource, field: &Field) -> Map<String, Value> {
    let imported = resource == Resource::Role && field.name == "game";
    let schema = match field.kind {
        Kind::Text { .. } | Kind::Slug { .. } | Kind::Email | Kind::Url | Kind::Password => {
            json!({"type": "string"})
        }
        Kind::Json => json!({}),
        Kind::Integer { .. } => json!({"type": "integer"}),
        Kind::Bool | Kind::Matrix | Kind::Key(_) | Kind::Time => {
            return {
                let Value::Object(schema) = Value::Object(value(field)) else { return Map::new() };
                nullable(Value::Object(schema), imported)
            };
        }
    };
    nullable(schema, field.null)
}
