//! Single objects: find, create, change, delete, and set a scenario back.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::Value;
use sim_games_types::{Fields, Operation, Record, Resource, Stored, Target, UnitOfWork, User};

use super::answer::{self, Refusal};
use super::request::{Call, Payload};
use super::{Rest, hooks, version};
use crate::error::{FieldErrors, StoreError};
use crate::model::{Cell, Condition, Presence, Table, flag, integer};
use crate::store::{Outcome, Query, Work};

/// Of a subscription only these fields can be written.
pub(crate) const HOOK_FIELDS: [&str; 3] = ["event", "url", "secret"];

/// How long a write waits until the model service shows it.
const VISIBLE: Duration = Duration::from_secs(2);

/// The condition that leaves a user only the own webhook subscriptions.
pub(super) const fn own_hooks(user: &User) -> Condition {
    Condition { sql: "t.\"user\" = ?", value: Cell::Int(user.id.0) }
}

/// The object with a key as it stands in a path: for games the slug.
pub(super) async fn find(
    rest: &Rest,
    resource: Resource,
    key: &str,
    user: &User,
) -> Result<Arc<Stored>, Refusal> {
    let store = rest.api.store();
    let found = if resource == Resource::Game {
        let slug = Condition { sql: "t.slug = ?", value: Cell::Text(key.to_owned().into()) };
        let table = Table::of(resource);
        let query = Query { table, conditions: vec![slug], order: Vec::new(), offset: 0, limit: 1 };
        store.list(query).await?.pop()
    } else {
        let pk = key.parse().map_err(|_| Refusal::not_found())?;
        store.get(resource, pk).await?
    };
    match found {
        Some(found) if is_foreign_hook(&found, user) => Err(Refusal::not_found()),
        Some(found) => Ok(found),
        None => Err(Refusal::not_found()),
    }
}

fn is_foreign_hook(object: &Stored, user: &User) -> bool {
    matches!(&object.record, Record::Hook(hook) if hook.user != user.id)
}

/// Stores a unit and waits, within bounds, until the model service shows it.
pub(super) async fn commit(rest: &Rest, work: Work) -> Result<Outcome, Refusal> {
    Ok(store(rest, work).await?)
}

/// The same, for callers that tell some errors in words of their own.
pub(super) async fn store(rest: &Rest, work: Work) -> Result<Outcome, StoreError> {
    let outcome = rest.api.write(work).await?;
    if let Some(barrier) = &rest.barrier {
        let seq = outcome.committed.seq;
        if tokio::time::timeout(VISIBLE, barrier.reached(seq)).await.is_err() {
            tracing::warn!(journal.seq = seq, "answered a write before it became visible");
        }
    }
    Ok(outcome)
}

/// A unit of work in the name of a caller.
pub(super) fn unit(user: &User, cause: String, operations: Vec<Operation>) -> UnitOfWork {
    UnitOfWork { actor: Some(user.id), cause: Some(cause), operations, ..UnitOfWork::default() }
}

pub(super) async fn create(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    resource: Resource,
    user: &User,
) -> Result<Response, Refusal> {
    let cause = call.cause();
    let fields = payload.fields().await?;
    let operation = match resource {
        // Registering a subscription again is no error: services do so at every start.
        Resource::Hook => {
            hooks::refuse_own_address(call, &fields)?;
            registration(fields, user)
        }
        _ => Operation::Create {
            resource,
            fields: guarded(resource, fields, user)?,
            reference: None,
        },
    };
    let outcome = commit(rest, unit(user, cause, vec![operation]).into()).await?;
    single(StatusCode::CREATED, &outcome)
}

/// Stores an object under its natural key: a new one, or changed fields of the one that there is.
/// With `existing=keep` what there is stays as it is.
pub(super) async fn upsert(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    resource: Resource,
    user: &User,
) -> Result<Response, Refusal> {
    let keep = match call.parameter("existing") {
        None | Some("change") => false,
        Some("keep") => true,
        Some(_) => return Err(FieldErrors::one("existing", "Choose keep or change.").into()),
    };
    let cause = call.cause();
    let mut fields = guarded(resource, payload.fields().await?, user)?;
    let natural = Table::of(resource).natural_key.iter();
    let key: Fields = natural.filter_map(|name| fields.remove_entry(*name)).collect();
    let reference = None;
    let operation = if keep {
        Operation::GetOrCreate { resource, key, defaults: fields, reference }
    } else {
        Operation::Upsert { resource, key, fields, reference }
    };
    let work =
        Work { spare_superusers: !user.is_superuser, ..unit(user, cause, vec![operation]).into() };
    let outcome = commit(rest, work).await?;
    let is_new = outcome.created.first() == Some(&true);
    single(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &outcome)
}

pub(super) async fn change(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    (resource, key): (Resource, &str),
    user: &User,
) -> Result<Response, Refusal> {
    let changes = if call.method == Method::PUT { Presence::Whole } else { Presence::Partial };
    let object = find(rest, resource, key, user).await?;
    refuse_superuser(&object, user)?;
    let preconditions = version::wanted(call, &object)?;
    let cause = call.cause();
    let fields = payload.fields().await?;
    let fields = match resource {
        Resource::Hook => {
            hooks::refuse_own_address(call, &fields)?;
            hook_fields(fields, user)
        }
        _ => guarded(resource, fields, user)?,
    };
    let operation = Operation::Change { resource, pk: Target::Pk(object.record.pk()), fields };
    let unit = UnitOfWork { preconditions, ..unit(user, cause, vec![operation]) };
    let outcome = store(rest, Work { changes, ..unit.into() }).await.map_err(version::refusal)?;
    single(StatusCode::OK, &outcome)
}

pub(super) async fn delete(
    rest: &Rest,
    call: &Call,
    (resource, key): (Resource, &str),
    user: &User,
) -> Result<Response, Refusal> {
    let object = find(rest, resource, key, user).await?;
    refuse_superuser(&object, user)?;
    let preconditions = version::wanted(call, &object)?;
    let operation = Operation::Delete { resource, pk: Target::Pk(object.record.pk()) };
    let unit = UnitOfWork { preconditions, ..unit(user, call.cause(), vec![operation]) };
    let outcome = store(rest, unit.into()).await.map_err(version::refusal)?;
    // Somebody else may have deleted it in between.
    only(&outcome).map(|_| answer::no_content())
}

pub(super) async fn rewind(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    key: &str,
    user: &User,
) -> Result<Response, Refusal> {
    let scenario = find(rest, Resource::Scenario, key, user).await?.record.pk();
    let cause = call.cause();
    let fields = payload.fields().await?;
    let order = match fields.get("last_period_order") {
        None => 0,
        Some(value) => integer(value)
            .ok_or_else(|| FieldErrors::one("last_period_order", "A valid integer is required."))?,
    };
    let wanted = |name| fields.get(name).is_none_or(|value| *value == Value::Bool(true));
    let operation = Operation::Rewind {
        scenario,
        last_period_order: order,
        delete_last_period_decisions: wanted("delete_last_period_decisions"),
        delete_last_period_results: wanted("delete_last_period_results"),
    };
    commit(rest, unit(user, cause, vec![operation]).into()).await?;
    Ok(answer::no_content())
}

/// The answer with the only object of a unit.
pub(super) fn single(status: StatusCode, outcome: &Outcome) -> Result<Response, Refusal> {
    only(outcome).map(|object| answer::object(status, object))
}

fn only(outcome: &Outcome) -> Result<&Stored, Refusal> {
    match outcome.objects.first() {
        Some(Some(object)) => Ok(object),
        _ => Err(Refusal::not_found()),
    }
}

/// A subscription that exists already is answered as it is, but for a secret that is given.
fn registration(fields: Fields, user: &User) -> Operation {
    let (resource, reference) = (Resource::Hook, None);
    let mut key = hook_fields(fields, user);
    match key.remove("secret") {
        Some(secret) => {
            let fields = Fields::from_iter([("secret".to_owned(), secret)]);
            Operation::Upsert { resource, key, fields, reference }
        }
        None => Operation::GetOrCreate { resource, key, defaults: Fields::new(), reference },
    }
}

/// What is written of a subscription, which belongs to who writes it.
fn hook_fields(mut fields: Fields, user: &User) -> Fields {
    fields.retain(|name, _| HOOK_FIELDS.contains(&name.as_str()));
    fields.insert("user".to_owned(), user.id.0.into());
    fields
}

/// Only superusers make superusers.
pub(super) fn guarded(resource: Resource, fields: Fields, user: &User) -> Result<Fields, Refusal> {
    let asked = fields.get("is_superuser").and_then(flag) == Some(true);
    if resource == Resource::User && asked && !user.is_superuser {
        return Err(Refusal::forbidden());
    }
    Ok(fields)
}

/// Staff may not take over a superuser's account by giving it another password.
fn refuse_superuser(object: &Stored, user: &User) -> Result<(), Refusal> {
    match &object.record {
        Record::User(other) if other.is_superuser && !user.is_superuser => {
            Err(Refusal::forbidden())
        }
        _ => Ok(()),
    }
}
