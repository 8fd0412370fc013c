//! Many objects at once: created together or not at all, deleted by filter.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use sim_games_types::{Operation, Resource, Target, User};

use super::Rest;
use super::answer::{self, Reader, Refusal};
use super::request::{Call, Payload, as_fields};
use super::write::{commit, guarded, single, unit};
use crate::error::FieldErrors;
use crate::model::{Presence, Strictness, Table, conditions, type_name};
use crate::store::{Query, Report, Work};

/// The resources that have a bulk collection. Users are created there, but never deleted.
pub(crate) const RESOURCES: [Resource; 10] = [
    Resource::Decision,
    Resource::Period,
    Resource::Phase,
    Resource::Result,
    Resource::Role,
    Resource::Run,
    Resource::RunUser,
    Resource::Scenario,
    Resource::User,
    Resource::World,
];

pub(super) async fn create(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    resource: Resource,
    user: &User,
) -> Result<Response, Refusal> {
    let cause = call.cause();
    let (items, many) = match payload.json().await? {
        Value::Array(items) => (items, true),
        object @ Value::Object(_) => (vec![object], false),
        other => {
            let kind = type_name(&other);
            let message = format!("Expected a list of items but got type \"{kind}\".");
            return Err(FieldErrors::one(FieldErrors::OBJECT, message).into());
        }
    };
    let most = rest.api.options().bulk_items;
    if items.len() > most {
        let message = format!("Send at most {most} objects at once.");
        return Err(FieldErrors::one(FieldErrors::OBJECT, message).into());
    }
    let operations = operations(resource, items, user)?;
    let work = Work {
        creates: Presence::NewInBulk,
        report: if many { Report::All } else { Report::Single },
        ..unit(user, cause, operations).into()
    };
    let outcome = commit(rest, work).await?;
    if many {
        let objects: Vec<_> = outcome.objects.into_iter().flatten().collect();
        Ok(answer::objects(StatusCode::CREATED, &objects, Reader::Staff))
    } else {
        single(StatusCode::CREATED, &outcome)
    }
}

fn operations(
    resource: Resource,
    items: Vec<Value>,
    user: &User,
) -> Result<Vec<Operation>, Refusal> {
    let items: Vec<_> = items.into_iter().map(as_fields).collect();
    if items.iter().any(Result::is_err) {
        let told =
            items.into_iter().map(|item| item.map_or_else(FieldErrors::into_value, |_| json!({})));
        return Err(Refusal::bad_request(told.collect()));
    }
    let create = |fields| {
        let fields = guarded(resource, fields, user)?;
        Ok(Operation::Create { resource, fields, reference: None })
    };
    items.into_iter().flatten().map(create).collect()
}

/// Deletes what fulfils the filters; a request that filters nothing is refused.
pub(super) async fn delete(
    rest: &Rest,
    call: &Call,
    resource: Resource,
    user: &User,
) -> Result<Response, Refusal> {
    let table = Table::of(resource);
    let conditions = conditions(table, &call.parameters, Strictness::Strict)?;
    if conditions.is_empty() {
        let message = "At least one filter is required.";
        return Err(FieldErrors::one(FieldErrors::OBJECT, message).into());
    }
    let query = Query { table, conditions, order: Vec::new(), offset: 0, limit: u64::MAX };
    let found = rest.api.store().list(query).await?;
    let operations: Vec<_> = found
        .iter()
        .map(|object| Operation::Delete { resource, pk: Target::Pk(object.record.pk()) })
        .collect();
    if !operations.is_empty() {
        commit(rest, unit(user, call.cause(), operations).into()).await?;
    }
    Ok(answer::no_content())
}
