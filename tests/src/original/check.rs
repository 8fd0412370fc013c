//! Checks what clients send against the fields of a table, in the original's words.

use serde_json::{Map, Value, json};

use super::rows::{Row, Rows};
use super::schema::{Field, Kind, Type};

/// Who sends it, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A new row.
    Create,
    /// A new row at a bulk endpoint, where a role must be named.
    BulkCreate,
    /// All required fields of a row that exists.
    Replace,
    /// Any fields of a row that exists.
    Modify,
}

/// Checks an object, and answers with the fields to store or with what is wrong.
pub(super) fn check(
    rows: &Rows,
    kind: Kind,
    way: Way,
    stored: Option<&Row>,
    body: &Value,
) -> Result<Row, Value> {
    let Value::Object(body) = body else {
        let text = format!("Invalid data. Expected a dictionary, but got {}.", python_type(body));
        return Err(json!({"non_field_errors": [text]}));
    };
    let mut fields = Row::new();
    let mut errors = Map::new();
    for field in kind.fields() {
        let checked = match body.get(field.name) {
            Some(value) => checked(rows, field, value).map(Some),
            None => absent(kind, way, field),
        };
        match checked {
            Ok(Some(value)) => drop(fields.insert(field.name.to_owned(), value)),
            Ok(None) => {}
            Err(error) => drop(errors.insert(field.name.to_owned(), error)),
        }
    }
    derive_slug(kind, &mut fields, stored);
    let own = stored.and_then(|row| row["id"].as_u64());
    for field in kind.unique() {
        if !errors.contains_key(*field) && is_taken(rows, kind, own, &fields, &[field]) {
            let text = match kind {
                Kind::User => "A user with that email address already exists.".to_owned(),
                _ => format!("{} with this {field} already exists.", kind.name()),
            };
            errors.insert((*field).to_owned(), json!([text]));
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut whole = stored.cloned().unwrap_or_default();
    whole.extend(fields.clone());
    let together = kind.unique_together();
    if !together.is_empty() && is_taken(rows, kind, own, &whole, together) {
        let text = format!("The fields {} must make a unique set.", together.join(", "));
        return Err(json!({"non_field_errors": [text]}));
    }
    Ok(fields)
}

/// What a field becomes of which nothing was sent; nothing when it stays as it is.
fn absent(kind: Kind, way: Way, field: &Field) -> Result<Option<Value>, Value> {
    let is_role = field.name == "role";
    let is_missing = field.is_required
        || (way == Way::BulkCreate && is_role && matches!(kind, Kind::Decision | Kind::Result));
    match way {
        Way::Modify => Ok(None),
        _ if is_missing => Err(json!(["This field is required."])),
        Way::Create | Way::BulkCreate => Ok(Some(default(field))),
        // What the original forgets when it is not sent along.
        Way::Replace if is_role || (kind == Kind::Period && field.name == "order") => {
            Ok(Some(default(field)))
        }
        Way::Replace => Ok(None),
    }
}

fn default(field: &Field) -> Value {
    match field.holds {
        _ if field.may_be_null => Value::Null,
        Type::Bool(default) => default.into(),
        Type::Json => json!({}),
        Type::Int(..) => 0.into(),
        _ => "".into(),
    }
}

/// A game without a slug gets one from its name.
fn derive_slug(kind: Kind, fields: &mut Row, stored: Option<&Row>) {
    let is_empty = |slug: Option<&Value>| slug.is_none_or(|slug| slug == "");
    let sent = fields.get("slug");
    let keeps = sent.is_none() && stored.is_some();
    if kind != Kind::Game || keeps || !is_empty(sent) {
        return;
    }
    let name = fields.get("name").or_else(|| stored?.get("name"));
    let slug = name.and_then(Value::as_str).map(slugified).unwrap_or_default();
    fields.insert("slug".to_owned(), slug.into());
}

fn slugified(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let kept: String = name
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | ' ' | '-'))
        .collect();
    kept.split([' ', '-']).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("-")
}

fn is_taken(rows: &Rows, kind: Kind, own: Option<u64>, fields: &Row, names: &[&str]) -> bool {
    let value = |name: &&str| fields.get(*name).filter(|value| !value.is_null());
    let Some(values) = names.iter().map(value).collect::<Option<Vec<_>>>() else { return false };
    rows.all(kind)
        .filter(|row| row["id"].as_u64() != own)
        .any(|row| names.iter().zip(&values).all(|(name, value)| row.get(*name) == Some(*value)))
}

fn checked(rows: &Rows, field: &Field, value: &Value) -> Result<Value, Value> {
    let is_empty_key = matches!(field.holds, Type::Key(_)) && *value == "";
    if value.is_null() || (is_empty_key && field.may_be_null) {
        let refused = || json!(["This field may not be null."]);
        return if field.may_be_null { Ok(Value::Null) } else { Err(refused()) };
    }
    match field.holds {
        Type::Json => Ok(value.clone()),
        Type::Bool(_) => boolean(value),
        Type::Int(least, most) => integer(value, least, most),
        Type::Key(kind) => key(rows, kind, value),
        Type::Ids => ids(value),
        Type::Text(most) => text(value, most, !field.is_required),
        Type::Slug(most) => slug(&text(value, most, true)?),
        Type::Email => email(&text(value, 254, false)?),
    }
}

fn text(value: &Value, most: usize, may_be_blank: bool) -> Result<Value, Value> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(json!(["Not a valid string."])),
    };
    if text.is_empty() && !may_be_blank {
        return Err(json!(["This field may not be blank."]));
    }
    if text.chars().count() > most {
        return Err(json!([format!("Ensure this field has no more than {most} characters.")]));
    }
    Ok(text.into())
}

fn slug(text: &Value) -> Result<Value, Value> {
    let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    if text.as_str().is_some_and(|text| text.chars().all(fits)) {
        return Ok(text.clone());
    }
    let error = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    Err(json!([error]))
}

fn email(text: &Value) -> Result<Value, Value> {
    let parts = text.as_str().and_then(|text| text.split_once('@'));
    match parts {
        Some((local, host)) if !local.is_empty() && host.contains('.') => Ok(text.clone()),
        _ => Err(json!(["Enter a valid email address."])),
    }
}

fn boolean(value: &Value) -> Result<Value, Value> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => Ok(true.into()),
        "false" | "f" | "0" | "no" | "off" => Ok(false.into()),
        _ => Err(json!(["Must be a valid boolean."])),
    }
}

fn integer(value: &Value, least: i64, most: i64) -> Result<Value, Value> {
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.ok_or_else(|| json!(["A valid integer is required."]))?;
    let edge = |side: &str, edge: i64| {
        Err(json!([format!("Ensure this value is {side} than or equal to {edge}.")]))
    };
    match number {
        _ if number < least => edge("greater", least),
        _ if number > most => edge("less", most),
        _ => Ok(number.into()),
    }
}

fn key(rows: &Rows, kind: Kind, value: &Value) -> Result<Value, Value> {
    let pk = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(pk) = pk else {
        let received = python_type(value);
        return Err(json!([format!("Incorrect type. Expected pk value, received {received}.")]));
    };
    if rows.get(kind, pk).is_none() {
        return Err(json!([format!("Invalid pk \"{pk}\" - object does not exist.")]));
    }
    Ok(pk.into())
}

fn ids(value: &Value) -> Result<Value, Value> {
    let expected = |value: &Value| {
        json!([format!("Expected a list of items but got type \"{}\".", python_type(value))])
    };
    let Value::Array(lists) = value else { return Err(expected(value)) };
    let mut errors = Map::new();
    for (position, list) in lists.iter().enumerate() {
        match list {
            Value::Array(items) if items.iter().all(Value::is_i64) => {}
            Value::Array(items) => {
                let bad = items.iter().enumerate().filter(|(_, item)| !item.is_i64());
                let bad =
                    bad.map(|(at, _)| (at.to_string(), json!(["A valid integer is required."])));
                errors.insert(position.to_string(), Value::Object(bad.collect()));
            }
            other => drop(errors.insert(position.to_string(), expected(other))),
        }
    }
    if errors.is_empty() { Ok(value.clone()) } else { Err(errors.into()) }
}

fn python_type(value: &Value) -> &'static str {
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
