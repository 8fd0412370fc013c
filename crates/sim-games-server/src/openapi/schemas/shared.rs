//! Schemas that belong to no resource: refusals, logins, the journal, indexes.

use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::{name, reference};
use crate::rest::PASSWORD_LONGEST;

pub(super) fn all() -> Map<String, Value> {
    Map::from_iter([
        ("Detail".to_owned(), detail()),
        ("Messages".to_owned(), messages()),
        ("FieldErrors".to_owned(), field_errors()),
        ("ItemErrors".to_owned(), item_errors()),
        ("Collections".to_owned(), collections()),
        ("Rewind".to_owned(), rewind()),
        ("Login".to_owned(), login()),
        ("Account".to_owned(), account()),
        ("PasswordLogin".to_owned(), password_login()),
        ("Token".to_owned(), token()),
        ("PasswordChange".to_owned(), password_change()),
        ("JournalEntry".to_owned(), journal_entry()),
        ("HistoryEntry".to_owned(), history_entry()),
        ("AnyObject".to_owned(), any_object()),
    ])
}

fn detail() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused, in a sentence.",
        "required": ["detail"],
        "properties": {"detail": {"type": "string"}},
    })
}

fn messages() -> Value {
    json!({
        "description": "What is wrong with a field: sentences, or the same by position or name.",
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": reference("Messages")},
        ],
    })
}

fn field_errors() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong, by field; what concerns the object as a whole stands under \
                        `non_field_errors`.",
        "additionalProperties": reference("Messages"),
    })
}

fn item_errors() -> Value {
    json!({
        "type": "array",
        "description": "What is wrong with each item, in their order; empty where nothing is.",
        "items": reference("FieldErrors"),
    })
}

fn collections() -> Value {
    json!({
        "type": "object",
        "description": "Addresses of collections by name.",
        "additionalProperties": {"type": "string"},
    })
}

fn rewind() -> Value {
    let flag = |what: &str| {
        json!({
            "type": "boolean",
            "default": true,
            "description": format!("Whether the {what} of that period are deleted."),
        })
    };
    json!({
        "type": "object",
        "description": "How far a scenario is set back.",
        "properties": {
            "last_period_order": {
                "type": "integer",
                "default": 0,
                "description": "The order of the period that becomes the last. It must exist.",
            },
            "delete_last_period_decisions": flag("decisions"),
            "delete_last_period_results": flag("results"),
        },
    })
}

fn login() -> Value {
    json!({
        "type": "object",
        "description": "A login: a password with the user's key or e-mail address. The key counts \
                        more.",
        "required": ["password"],
        "anyOf": [{"required": ["authid"]}, {"required": ["email"]}],
        "properties": {
            "authid": {"type": ["integer", "null"], "format": "int64",
                       "description": "The user's key."},
            "email": {"type": ["string", "null"], "format": "email",
                      "description": "The user's e-mail address, in any case."},
            "password": password("The password."),
        },
    })
}

fn account() -> Value {
    json!({
        "type": "object",
        "description": "Whose login it is.",
        "required": ["authid", "email"],
        "properties": {
            "authid": {"type": "integer", "format": "int64", "description": "The user's key."},
            "email": {"type": "string", "description": "The user's e-mail address, as stored."},
        },
    })
}

fn password_login() -> Value {
    json!({
        "type": "object",
        "description": "A login: a password with the user's e-mail address or key.",
        "required": ["username", "password"],
        "properties": {
            "username": {"type": "string", "minLength": 1,
                         "description": "The e-mail address, in any case, or the key."},
            "password": password("The password."),
        },
    })
}

fn token() -> Value {
    json!({
        "type": "object",
        "description": "What logs in instead of a password.",
        "required": ["key"],
        "properties": {"key": {"type": "string", "pattern": "^[0-9a-f]{40}$",
                               "description": "The token."}},
    })
}

fn password_change() -> Value {
    let new = |what: &str| {
        let mut schema = password(what);
        schema["maxLength"] = json!(PASSWORD_LONGEST);
        schema
    };
    json!({
        "type": "object",
        "description": "The caller's old and new password.",
        "required": ["old_password", "new_password1", "new_password2"],
        "properties": {
            "old_password": password("The password so far."),
            "new_password1": new("The new password."),
            "new_password2": new("The same once more."),
        },
    })
}

fn password(what: &str) -> Value {
    json!({"type": "string", "minLength": 1, "writeOnly": true, "description": what})
}

fn journal_entry() -> Value {
    let key =
        |what: &str| json!({"type": ["integer", "null"], "format": "int64", "description": what});
    let names = Resource::ALL.map(Resource::name);
    json!({
        "type": "object",
        "description": "What happened to an object.",
        "required": ["seq", "at", "game", "run", "resource", "pk", "action", "actor", "cause",
                     "ref", "data"],
        "properties": {
            "seq": {"type": "integer", "format": "int64",
                    "description": "Its number: it grows with every change, in commit order."},
            "at": {"type": "string", "format": "date-time",
                   "description": "When it was committed."},
            "game": key("The key of the game that the object belongs to; users have none."),
            "run": key("The key of the run that it belongs to, if it is part of one."),
            "resource": {"type": "string", "enum": names, "description": "What it is."},
            "pk": {"type": "integer", "format": "int64", "description": "Its key."},
            "action": {"type": "string", "enum": ["created", "changed", "deleted"],
                       "description": "What happened."},
            "actor": key("The key of the user who did it; null when the service itself did."),
            "cause": {"type": ["string", "null"], "description": "The call that caused it."},
            "ref": {"type": "string", "description": "The `ref` of the webhook's event."},
            "data": {"allOf": [reference("AnyObject")],
                     "description": "The object afterwards, or as it was before it was deleted."},
        },
    })
}

/// The same without what is known of a run, and with a name for people.
fn history_entry() -> Value {
    let mut schema = journal_entry();
    let email = json!({"type": ["string", "null"],
                       "description": "The user's address; null when the user is gone."});
    if let Value::Object(properties) = &mut schema["properties"] {
        properties.retain(|name, _| !matches!(name.as_str(), "game" | "run" | "ref"));
        properties.insert("actor_email".to_owned(), email);
        let names: Vec<String> = properties.keys().cloned().collect();
        schema["required"] = json!(names);
    }
    schema
}

fn any_object() -> Value {
    json!({
        "description": "An object of any resource.",
        "anyOf": Resource::ALL.map(|resource| reference(name(resource))),
    })
}
