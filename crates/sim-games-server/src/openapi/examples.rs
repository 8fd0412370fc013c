//! Examples: one small game, told from its first user to its first result.
//!
//! They are what a service with an empty database really says: each object is made of the ones
//! above it, in the order of `Resource::ALL`, by the request that stands here.

use serde_json::{Map, Value, json};
use sim_games_types::{Resource, Timestamp};

use super::schemas::default;
use crate::model::{Field, Filter, FilterKind, Kind, Table};

/// When everything was stored first.
pub(super) const TIME: &str = "2026-03-02T14:05:07.123456Z";

/// The version of what was stored then, as `ETag` tells it.
pub(super) fn tag() -> String {
    let micros = TIME.parse::<Timestamp>().map_or(0, Timestamp::micros);
    format!("\"{micros}\"")
}

/// What is sent to create an object.
pub(super) fn new(resource: Resource) -> Value {
    match resource {
        Resource::User => json!({"email": "s1@div.edu", "password": "s1",
                                 "first_name": "Student1", "last_name": "User"}),
        Resource::Game => json!({"name": "Div", "slug": "div"}),
        Resource::Phase => json!({"name": "Play", "game": 1, "order": 1}),
        Resource::Role => json!({"name": "Dividend", "game": 1}),
        Resource::Run => json!({"name": "default", "game": 1, "phase": 1}),
        Resource::World => json!({"name": "World 1", "run": 1}),
        Resource::RunUser => json!({"user": 2, "run": 1, "world": 1, "role": 1}),
        Resource::Scenario => json!({"name": "World Scenario 1", "world": 1}),
        Resource::Period => json!({"scenario": 1, "order": 1}),
        Resource::Decision => json!({"period": 1, "role": 1, "name": "decision",
                                     "data": {"operand": 5.0}}),
        Resource::Result => json!({"period": 1, "role": null, "name": "result",
                                   "data": {"quotient": 2.5}}),
        Resource::Hook => json!({"event": "div.*", "url": "http://model.backend:8080/callback",
                                 "secret": "a long random text"}),
    }
}

/// What is sent to change some of its fields.
pub(super) fn change(resource: Resource) -> Value {
    match resource {
        Resource::User => json!({"first_name": "Ada"}),
        Resource::Game => json!({"data": {"rounds": 3}}),
        Resource::Phase => json!({"order": 2}),
        Resource::Role => json!({"data": {"color": "blue"}}),
        Resource::Run => json!({"active": false}),
        Resource::World => json!({"external_ids": [[12, 7], [12, 8]]}),
        Resource::RunUser => json!({"leader": true}),
        Resource::Scenario => json!({"data": {"seed": 42}}),
        Resource::Period => json!({"data": {"closed": true}}),
        Resource::Decision => json!({"data": {"operand": 6.0}}),
        Resource::Result => json!({"data": {"quotient": 3.0}}),
        Resource::Hook => json!({"event": "div.run.*"}),
    }
}

/// What is sent to replace it: the same as was sent first, with the change.
pub(super) fn whole(resource: Resource) -> Value {
    let secrets = Table::of(resource).fields.iter().filter(|it| it.kind == Kind::Password);
    let mut body = joined(new(resource), &change(resource));
    if let Value::Object(fields) = &mut body {
        secrets.for_each(|field| drop(fields.remove(field.name)));
    }
    body
}

/// What is sent to create several at once, beside the one that there is.
pub(super) fn several(resource: Resource) -> Vec<Value> {
    let items = match resource {
        Resource::Phase => json!([{"name": "Debrief", "game": 1, "order": 2}]),
        Resource::Role => json!([{"name": "Divisor", "game": 1}]),
        Resource::Run => json!([{"name": "second class", "game": 1, "phase": 1}]),
        Resource::World => json!([{"name": "World 2", "run": 1}, {"name": "World 3", "run": 1}]),
        Resource::RunUser => json!([{"user": 1, "run": 1, "leader": true}]),
        Resource::Scenario => json!([{"name": "Practice", "runuser": 1}]),
        Resource::Period => json!([{"scenario": 1, "order": 2}, {"scenario": 1, "order": 3}]),
        Resource::Decision => json!([
            {"period": 1, "role": null, "name": "decision", "data": {"operand": 7.0}},
            {"period": 1, "role": 1, "name": "comment", "data": "as last time"},
        ]),
        Resource::Result => json!([{"period": 1, "role": 1, "name": "share",
                                    "data": {"percent": 40}}]),
        Resource::User => json!([
            {"email": "s2@div.edu", "password": "s2", "first_name": "Student2"},
            {"email": "leader@div.edu", "password": "leader", "last_name": "Leader"},
        ]),
        Resource::Game | Resource::Hook => json!([]),
    };
    items.as_array().cloned().unwrap_or_default()
}

/// The object as it is answered.
pub(super) fn object(resource: Resource) -> Value {
    let first = if resource == Resource::User { 2 } else { 1 };
    stored(resource, first, &new(resource))
}

/// The account that every new database has.
pub(super) fn staff() -> Value {
    let sent = json!({"email": "simpl@simpl.world", "is_staff": true, "is_superuser": true});
    stored(Resource::User, 1, &sent)
}

/// The object after the change.
pub(super) fn changed(resource: Resource) -> Value {
    joined(object(resource), &change(resource))
}

/// The objects that were created at once.
pub(super) fn created(resource: Resource) -> Vec<Value> {
    let first = if resource == Resource::User { 3 } else { 2 };
    (first..).zip(several(resource)).map(|(id, item)| stored(resource, id, &item)).collect()
}

/// What is stored of a request: its fields, defaults for the others, and what is computed.
fn stored(resource: Resource, id: i64, sent: &Value) -> Value {
    let mut object = Map::from_iter([("id".to_owned(), json!(id))]);
    let table = Table::of(resource);
    if table.run_from.is_some() || table.key_field("run").is_some() {
        object.insert("run_active".to_owned(), json!(true));
    }
    let times: &[&str] = match resource {
        Resource::User => &[],
        Resource::Hook => &["created", "modified"],
        _ => &["created", "updated"],
    };
    object.extend(times.iter().map(|name| ((*name).to_owned(), json!(TIME))));
    let told = table.fields.iter().filter(|field| field.kind != Kind::Password);
    object.extend(told.map(|field| (field.name.to_owned(), field_of(field, sent))));
    match resource {
        Resource::RunUser => object.extend(member_of(sent)),
        Resource::Hook => drop(object.insert("user".to_owned(), json!(1))),
        _ => {}
    }
    Value::Object(object)
}

fn field_of(field: &Field, sent: &Value) -> Value {
    sent.get(field.name).cloned().or_else(|| default(field)).unwrap_or_default()
}

/// What a runuser repeats of the user and the role.
fn member_of(sent: &Value) -> Map<String, Value> {
    let names = if sent["user"] == 2 {
        json!({"email": "s1@div.edu", "first_name": "Student1", "last_name": "User",
               "role_name": "Dividend"})
    } else {
        json!({"email": "simpl@simpl.world", "first_name": "", "last_name": ""})
    };
    names.as_object().cloned().unwrap_or_default()
}

fn joined(mut object: Value, more: &Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more.clone());
    }
    object
}

/// The value of a filter that matches the object.
pub(super) fn filter(resource: Resource, filter: &Filter) -> Value {
    let object = object(resource);
    match (filter.name, filter.kind) {
        ("game_slug", _) => json!("div"),
        ("run_active", _) => json!(true),
        (name, FilterKind::Text | FilterKind::Email) => match &object[name] {
            Value::String(text) if !text.is_empty() => json!(text),
            _ => json!("A7"),
        },
        (name, FilterKind::Bool) => object.get(name).cloned().unwrap_or(json!(true)),
        (name, FilterKind::Key | FilterKind::Number) => match &object[name] {
            Value::Null => json!(1),
            key => key.clone(),
        },
    }
}
