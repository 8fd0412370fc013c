//! The operations on many objects at once.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sim_games_types::Resource;

use super::{Operation, can_be_in_use, capitalized, list_parameters, resource, tag};
use crate::model::Presence;
use crate::openapi::responses::Refused;
use crate::openapi::schemas::{self, reference};
use crate::openapi::{Limits, examples, parameters};

fn operation(resource: Resource, verb: &str, summary: &str, description: &str) -> Operation {
    let id = format!("{verb}Many{}", capitalized(resource.collection()));
    Operation::new(&tag(resource), &id, summary, description)
}

fn array(resource: Resource) -> Value {
    json!({"type": "array", "items": reference(schemas::name(resource))})
}

pub(super) fn list(resource: Resource) -> Operation {
    let all = resource.collection();
    let description = format!("The same as `GET /apis/{all}/`, but for staff only.");
    operation(resource, "list", &format!("List {all} where many are created"), &description)
        .parameters(list_parameters(resource))
        .answer(
            StatusCode::OK,
            "A page of the list.",
            &array(resource),
            &[("page", resource::page(resource))],
            &["Link"],
        )
        .refused(resource::filter_refusals(resource))
        .refused([Refused::MissingPage])
}

pub(super) fn create(resource: Resource, limits: &Limits) -> Operation {
    let (all, name) = (resource.collection(), resource.name());
    let role = match resource {
        Resource::Decision | Resource::Result => " `role` must be said, if only null.",
        _ => "",
    };
    let description = format!(
        "Stores all {all} of an array, in their order, or none of them: then the answer tells \
         what is wrong with which.{role} A single object is stored as by `POST /apis/{all}/`. At \
         most {} objects are taken at once, and {} bytes. Staff only.",
        limits.items, limits.body
    );
    let item = schemas::request(resource, Presence::NewInBulk);
    let single = reference(schemas::name(resource));
    let (sent, stored) = (examples::several(resource), examples::created(resource));
    operation(resource, "create", &format!("Create many {all}"), &description)
        .body(
            true,
            &json!({"anyOf": [{"type": "array", "maxItems": limits.items, "items": item}, item]}),
            &[(all, json!(sent)), (name, json!(sent.first()))],
        )
        .answer(
            StatusCode::CREATED,
            &format!("The new {all}, or the new {name}."),
            &json!({"anyOf": [array(resource), single]}),
            &[(all, json!(stored)), (name, json!(stored.first()))],
            &[],
        )
        .refused([Refused::Items])
}

pub(super) fn delete(resource: Resource) -> Operation {
    let all = resource.collection();
    let description = format!(
        "Deletes all {all} that fulfil the filters, with what hangs from them, together or not at \
         all. At least one filter must be given, and nothing else: a misspelled one must not \
         widen the deletion. Staff only.",
    );
    operation(resource, "delete", &format!("Delete {all} by filter"), &description)
        .parameters(parameters::filters(resource))
        .no_content("They are gone. There may have been none.")
        .refused([Refused::Fields])
        .refused(can_be_in_use(resource).then_some(Refused::Conflict))
}
