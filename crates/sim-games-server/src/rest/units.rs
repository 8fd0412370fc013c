//! Units of work: several changes that a client wants stored together or not at all.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use sim_games_types::{
    Committed, Fields, Idempotency, Operation, Precondition, Resource, UnitOfWork, User,
};

use super::Rest;
use super::answer::{self, Refusal};
use super::request::{Call, Payload};
use super::write::{guarded, store};
use crate::error::{FieldErrors, StoreError};
use crate::json::with_field;
use crate::model::NO_NUL;
use crate::store::{Outcome, Report, Work};

/// The most operations, and the most preconditions, of one unit.
pub(crate) const MOST: usize = 1000;

/// The longest cause, scope and key, in characters.
pub(crate) const LONGEST: usize = 255;

pub(super) async fn commit(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    user: &User,
) -> Result<Response, Refusal> {
    let unit = read(payload.fields().await?, call.cause(), user)?;
    let unit = UnitOfWork { operations: allowed(unit.operations, user)?, ..unit };
    let work = Work {
        report: Report::Position,
        spare_superusers: !user.is_superuser,
        rows_at_end: true,
        ..unit.into()
    };
    let outcome = store(rest, work).await.map_err(refusal)?;
    Ok(success(outcome))
}

/// The unit in a body. Who asks is the caller, whatever the body says.
fn read(mut body: Fields, cause: String, user: &User) -> Result<UnitOfWork, Refusal> {
    let mut errors = Map::new();
    let unit = UnitOfWork {
        actor: Some(user.id),
        cause: Some(text(&body, "cause", &mut errors).unwrap_or(cause)),
        preconditions: list::<Precondition>(
            body.remove("preconditions"),
            "preconditions",
            serde_json::from_value,
            &mut errors,
        ),
        operations: match body.remove("operations") {
            None => {
                errors.insert("operations".to_owned(), json!(["This field is required."]));
                Vec::new()
            }
            given => list::<Operation>(given, "operations", serde_json::from_value, &mut errors),
        },
        idempotency: idempotency(&body, user, &mut errors),
    };
    if errors.is_empty() { Ok(unit) } else { Err(Refusal::bad_request(Value::Object(errors))) }
}

/// A list of which every element that cannot be read is told by its position.
fn list<T>(
    given: Option<Value>,
    name: &str,
    parse: fn(Value) -> serde_json::Result<T>,
    errors: &mut Map<String, Value>,
) -> Vec<T> {
    let items = match given {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= MOST => items,
        Some(given) => {
            let message = match given {
                Value::Array(_) => format!("Ensure this field has no more than {MOST} elements."),
                _ => "Expected a list of items.".to_owned(),
            };
            errors.insert(name.to_owned(), json!([message]));
            return Vec::new();
        }
    };
    let mut refused = Map::new();
    let mut read = Vec::with_capacity(items.len());
    for (position, item) in items.into_iter().enumerate() {
        match parse(item) {
            Ok(item) => read.push(item),
            Err(error) => {
                let told = FieldErrors::one(FieldErrors::OBJECT, error.to_string());
                refused.insert(position.to_string(), told.into_value());
            }
        }
    }
    if !refused.is_empty() {
        errors.insert(name.to_owned(), Value::Object(refused));
    }
    read
}

/// A text of bounded length; null is none.
fn text(fields: &Fields, name: &str, errors: &mut Map<String, Value>) -> Option<String> {
    let message = match fields.get(name) {
        None | Some(Value::Null) => return None,
        Some(Value::String(text)) if text.contains('\0') => NO_NUL.to_owned(),
        Some(Value::String(text)) if text.chars().count() <= LONGEST => return Some(text.clone()),
        Some(Value::String(_)) => {
            format!("Ensure this field has no more than {LONGEST} characters.")
        }
        Some(_) => "Not a valid string.".to_owned(),
    };
    errors.insert(name.to_owned(), json!([message]));
    None
}

/// What makes a repetition harmless. It is the caller's own: nobody answers calls of others.
fn idempotency(body: &Fields, user: &User, errors: &mut Map<String, Value>) -> Option<Idempotency> {
    let mut told = Map::new();
    let given = match body.get("idempotency") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(given)) => given,
        Some(_) => {
            errors.insert("idempotency".to_owned(), json!(["Expected an object."]));
            return None;
        }
    };
    let (scope, key) = (text(given, "scope", &mut told), text(given, "key", &mut told));
    for (name, value) in [("scope", &scope), ("key", &key)] {
        if value.is_none() && !told.contains_key(name) {
            told.insert(name.to_owned(), json!(["This field is required."]));
        }
    }
    let answer = match given.get("answer") {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::String(answer)) if !answer.contains('\0') => answer.clone(),
        Some(other) => {
            let message = if other.is_string() { NO_NUL } else { "Not a valid string." };
            told.insert("answer".to_owned(), json!([message]));
            String::new()
        }
    };
    if !told.is_empty() {
        errors.insert("idempotency".to_owned(), Value::Object(told));
    }
    Some(Idempotency { user: user.id, scope: scope?, key: key?, answer })
}

/// The operations, if the caller may ask for them.
fn allowed(operations: Vec<Operation>, user: &User) -> Result<Vec<Operation>, Refusal> {
    let mut checked = Vec::with_capacity(operations.len());
    for (position, mut operation) in operations.into_iter().enumerate() {
        let (resource, fields) = parts(&mut operation);
        // A subscription belongs to who registers it, and has a place of its own for that.
        if resource == Resource::Hook {
            let message = "A unit of work cannot hold webhook subscriptions, use hooks/.";
            return Err(at(position, FieldErrors::one("resource", message)));
        }
        if let Some(fields) = fields {
            *fields = guarded(resource, std::mem::take(fields), user)?;
        }
        checked.push(operation);
    }
    Ok(checked)
}

/// The resource of an operation, and the fields that it writes.
fn parts(operation: &mut Operation) -> (Resource, Option<&mut Fields>) {
    match operation {
        Operation::Create { resource, fields, .. }
        | Operation::GetOrCreate { resource, defaults: fields, .. }
        | Operation::Upsert { resource, fields, .. }
        | Operation::Change { resource, fields, .. } => (*resource, Some(fields)),
        Operation::Delete { resource, .. } => (*resource, None),
        Operation::Rewind { .. } => (Resource::Scenario, None),
    }
}

/// The refusal of the operation at a position.
fn at(position: usize, errors: FieldErrors) -> Refusal {
    let told = Map::from_iter([(position.to_string(), errors.into_value())]);
    Refusal::bad_request(json!({ "operations": told }))
}

fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::InvalidItems(items) => {
            let refused = items.into_iter().enumerate().find(|(_, errors)| !errors.is_empty());
            refused
                .map_or_else(Refusal::empty_bad_request, |(position, errors)| at(position, errors))
        }
        // Messages without a position are about what the unit relies on.
        StoreError::Invalid(errors) => {
            Refusal::bad_request(json!({ "preconditions": errors.into_value() }))
        }
        StoreError::NotFound { .. } => Refusal::gone(&error),
        error => error.into(),
    }
}

/// What was committed, with the row of each operation; none when it is gone.
fn success(outcome: Outcome) -> Response {
    let Committed { seq, references, replayed } = outcome.committed;
    let fields = json!({ "seq": seq, "references": references, "replayed": replayed });
    let rows: Vec<&str> =
        outcome.objects.iter().map(|row| row.as_ref().map_or("null", |it| &it.json)).collect();
    let rows = format!("[{}]", rows.join(","));
    answer::text(StatusCode::OK, with_field(&fields, "objects", &rows))
}
