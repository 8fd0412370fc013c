//! Turns the fields of a request into values that can be stored, or into messages.
//!
//! The messages are those of the original service, word for word: clients show them to people.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sim_games_types::{Fields, Reference, Resource, Timestamp};

use super::field::{Cell, Field, Kind};
use super::formats::{is_email, is_slug, is_web_address, names_forbidden_address};
use super::table::Table;
use crate::error::FieldErrors;

/// What is said of a NUL character, which not every database can keep.
pub(crate) const NO_NUL: &str = "Null characters are not allowed.";

/// The most lists and objects of data within each other. Readers of JSON give up at 128, and lists,
/// events and journals wrap the data a few times more.
const DEPTH_LIMIT: usize = 64;

/// Which fields must be there, and what becomes of those that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A new object: required fields must be there, the others get their defaults.
    New,
    /// A new object of a bulk request, where decisions and results must say `role`, if only null.
    NewInBulk,
    /// An object sent as a whole: required fields must be there, the others stay as they are.
    Whole,
    /// Single fields: what is absent stays as it is.
    Partial,
}

/// The outcome of a check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// A value per field of the table; none where nothing was said and nothing is to change.
    pub(crate) cells: Vec<Option<Cell>>,
    /// What is wrong.
    pub(crate) errors: FieldErrors,
}

/// Checks all that can be checked without looking into the database.
pub(crate) fn check(
    table: &Table,
    fields: &Fields,
    presence: Presence,
    references: &BTreeMap<Reference, i64>,
) -> Checked {
    let mut checked =
        Checked { cells: vec![None; table.fields.len()], errors: FieldErrors::default() };
    for (field, cell) in table.fields.iter().zip(&mut checked.cells) {
        match fields.get(field.name) {
            Some(value) => match field_value(field, value, references) {
                Ok(value) => *cell = Some(value),
                Err(messages) => checked.errors.set(field.name, messages),
            },
            None if must_be_there(table, field, presence) => {
                checked.errors.push(field.name, "This field is required.");
            }
            None if matches!(presence, Presence::New | Presence::NewInBulk) => {
                *cell = Some(field.default.clone());
            }
            None => {}
        }
    }
    checked
}

/// Whether a request must have a field.
pub(crate) fn must_be_there(table: &Table, field: &Field, presence: Presence) -> bool {
    let leaf = matches!(table.resource, Resource::Decision | Resource::Result);
    match presence {
        Presence::New | Presence::Whole => field.required,
        Presence::NewInBulk => field.required || (leaf && field.name == "role"),
        Presence::Partial => false,
    }
}

fn field_value(
    field: &Field,
    value: &Value,
    references: &BTreeMap<Reference, i64>,
) -> Result<Cell, Value> {
    if value.is_null() {
        return match (field.null, field.kind) {
            (true, Kind::Json) => Ok(Cell::Text("null".into())),
            (true, _) => Ok(Cell::Null),
            (false, _) => Err(say("This field may not be null.")),
        };
    }
    match field.kind {
        Kind::Text { max, blank } => text(value, max, blank).map(into_text),
        Kind::Slug { max } => {
            let slug = text(value, max, true)?;
            if slug.is_empty() || is_slug(&slug) {
                return Ok(into_text(slug));
            }
            Err(say(
                "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.",
            ))
        }
        Kind::Email => {
            let address = text(value, 254, false)?;
            if is_email(&address) {
                return Ok(into_text(address));
            }
            Err(say("Enter a valid email address."))
        }
        Kind::Url => {
            let address = text(value, 255, false)?;
            if !is_web_address(&address) {
                return Err(say("Enter a valid URL."));
            }
            if names_forbidden_address(&address) {
                return Err(say("Link-local and metadata addresses are refused."));
            }
            Ok(into_text(address))
        }
        Kind::Password => match value {
            Value::String(secret) if secret.is_empty() => Err(say("This field may not be blank.")),
            Value::String(secret) if secret.contains('\0') => Err(say(NO_NUL)),
            Value::String(secret) => Ok(into_text(secret.clone())),
            _ => Err(say("Not a valid string.")),
        },
        Kind::Bool => flag(value).map(Cell::Bool).ok_or_else(|| say("Must be a valid boolean.")),
        Kind::Integer { min, max } => bounded(value, min, max).map(Cell::Int),
        Kind::Json => json_text(value),
        Kind::Matrix => matrix(value),
        Kind::Key(_) => key(field, value, references),
        Kind::Time => match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(time) => Ok(Cell::Int(time.micros())),
            None => Err(say("Datetime has wrong format.")),
        },
    }
}

pub(super) fn say(message: impl Into<String>) -> Value {
    json!([message.into()])
}

fn into_text(text: String) -> Cell {
    Cell::Text(text.into())
}

fn text(value: &Value, max: usize, blank: bool) -> Result<String, Value> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(say("Not a valid string.")),
    };
    if text.is_empty() && !blank {
        return Err(say("This field may not be blank."));
    }
    if text.contains('\0') {
        return Err(say(NO_NUL));
    }
    if text.chars().count() > max {
        return Err(say(format!("Ensure this field has no more than {max} characters.")));
    }
    Ok(text)
}

/// A flag, also as number or text.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
            "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number, also as text, and with zeros after a point.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return None,
        None => &text,
    };
    whole.parse().ok()
}

fn bounded(value: &Value, min: i64, max: i64) -> Result<i64, Value> {
    let number = integer(value).ok_or_else(|| say("A valid integer is required."))?;
    if number < min {
        return Err(say(format!("Ensure this value is greater than or equal to {min}.")));
    }
    if number > max {
        return Err(say(format!("Ensure this value is less than or equal to {max}.")));
    }
    Ok(number)
}

/// JSON as text, without NUL characters and not nested too deeply.
fn json_text(value: &Value) -> Result<Cell, Value> {
    if is_deeper_than(DEPTH_LIMIT, value) {
        return Err(say(format!("Ensure this is nested at most {DEPTH_LIMIT} levels deep.")));
    }
    let text = value.to_string();
    // The cheap test comes first: hardly any data contains these letters at all.
    if text.contains("\\u0000") && contains_nul(value) {
        return Err(say(NO_NUL));
    }
    Ok(into_text(text))
}

fn is_deeper_than(limit: usize, value: &Value) -> bool {
    let below = |it| is_deeper_than(limit - 1, it);
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(below),
        Value::Object(map) => limit == 0 || map.values().any(below),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(map) => map.iter().any(|(key, it)| key.contains('\0') || contains_nul(it)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn key(field: &Field, value: &Value, references: &BTreeMap<Reference, i64>) -> Result<Cell, Value> {
    if let Some(reference) = Reference::from_value(value) {
        return references.get(&reference).map(|pk| Cell::Int(*pk)).ok_or_else(|| {
            say(format!("No earlier operation of this unit has the reference {}.", reference.0))
        });
    }
    match value {
        Value::String(text) if text.is_empty() && field.null => return Ok(Cell::Null),
        Value::String(text) if text.is_empty() => return Err(say("This field may not be null.")),
        _ => {}
    }
    match integer(value) {
        Some(key) => Ok(Cell::Int(key)),
        None => {
            Err(say(format!("Incorrect type. Expected pk value, received {}.", type_name(value))))
        }
    }
}

fn matrix(value: &Value) -> Result<Cell, Value> {
    let rows = array(value)?;
    let mut errors = Map::new();
    let mut length = None;
    let mut ragged = false;
    for (index, row) in rows.iter().enumerate() {
        match array(row).and_then(|row| integers(row).map(|()| row.len())) {
            Ok(found) => ragged |= *length.get_or_insert(found) != found,
            Err(messages) => {
                errors.insert(index.to_string(), messages);
            }
        }
    }
    if !errors.is_empty() {
        return Err(Value::Object(errors));
    }
    if ragged {
        return Err(say("Nested arrays must have the same length."));
    }
    Ok(into_text(value.to_string()))
}

fn array(value: &Value) -> Result<&Vec<Value>, Value> {
    value.as_array().ok_or_else(|| {
        say(format!("Expected a list of items but got type \"{}\".", type_name(value)))
    })
}

fn integers(row: &[Value]) -> Result<(), Value> {
    let errors: Map<String, Value> = row
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_i64())
        .map(|(index, _)| (index.to_string(), say("A valid integer is required.")))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Value::Object(errors)) }
}

/// The type of a JSON value by the name that the original service gives it.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}
