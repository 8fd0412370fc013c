//! The operations on a collection and on a single object.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sim_games_types::Resource;

use super::{Operation, can_be_in_use, capitalized, cascade, list_parameters, tag};
use crate::model::{FilterKind, Presence, Table};
use crate::openapi::responses::Refused;
use crate::openapi::schemas::{self, reference};
use crate::openapi::{examples, parameters, parameters::query, words};

fn operation(resource: Resource, verb: &str, summary: &str, description: &str) -> Operation {
    let id = format!("{verb}{}", schemas::name(resource));
    Operation::new(&tag(resource), &id, summary, description.trim())
}

pub(super) fn list(resource: Resource) -> Operation {
    let (all, name) = (resource.collection(), schemas::name(resource));
    let description = format!(
        "Answers the {all} that fulfil all given filters, sorted by `{}`, page by page. Other \
         parameters are ignored.{}",
        Table::of(resource).order,
        list_access(resource),
    );
    let operation = Operation::new(
        &tag(resource),
        &format!("list{}", capitalized(all)),
        &format!("List {all}"),
        &description,
    );
    operation
        .parameters(list_parameters(resource))
        .answer(
            StatusCode::OK,
            "A page of the list.",
            &json!({"type": "array", "items": reference(name)}),
            &[("page", page(resource))],
            &["Link"],
        )
        .refused(filter_refusals(resource))
        .refused([Refused::MissingPage])
}

/// The only page of a list.
pub(super) fn page(resource: Resource) -> Value {
    let mut page = vec![examples::object(resource)];
    if resource == Resource::User {
        page.push(examples::staff());
    }
    Value::Array(page)
}

/// Only filters by numbers and texts can be wrong; a key or flag that is none matches nothing.
pub(super) fn filter_refusals(resource: Resource) -> Option<Refused> {
    let filters = Table::of(resource).filters;
    let lenient = |kind| matches!(kind, FilterKind::Key | FilterKind::Bool);
    let strict = filters.iter().any(|filter| !lenient(filter.kind));
    strict.then_some(Refused::Fields)
}

const fn list_access(resource: Resource) -> &'static str {
    match resource {
        Resource::User => {
            " Who is not staff can ask only for the own account, by `email` with the own address."
        }
        Resource::RunUser => {
            " Who is not staff can ask only for the own ones, by `user` with the own key."
        }
        Resource::Hook => " Only the caller's own are told. Staff only.",
        _ => " Staff only.",
    }
}

pub(super) fn create(resource: Resource) -> Operation {
    let name = resource.name();
    let description = format!(
        "Stores a new {name}.{}{}{} Staff only.",
        uniqueness(resource),
        particulars(resource),
        event(resource, "created"),
    );
    operation(resource, "create", &format!("Create a {name}"), &description)
        .body(true, &schemas::request(resource, Presence::New), &[(name, examples::new(resource))])
        .answer(
            StatusCode::CREATED,
            &format!("The new {name}."),
            &reference(schemas::name(resource)),
            &[(name, examples::object(resource))],
            version_header(resource),
        )
        .refused([Refused::Fields])
}

pub(super) fn upsert(resource: Resource) -> Operation {
    let name = resource.name();
    let key = Table::of(resource).natural_key.join("`, `");
    let description = format!(
        "Changes the {name} with the same `{key}`, or stores a new one, in one step: of two who do so \
         at the same time one creates it and the other changes it. Staff only."
    );
    let schema = reference(schemas::name(resource));
    let existing = query(
        "existing",
        "With `keep` one that exists is answered as it is.",
        json!({"type": "string", "enum": ["change", "keep"], "default": "change"}),
        json!("keep"),
    );
    let id = format!("put{}", schemas::name(resource));
    Operation::new(&tag(resource), &id, &format!("Create or change a {name}"), &description)
        .parameters([existing])
        .body(
            true,
            &schemas::request(resource, Presence::New),
            &[(name, examples::whole(resource))],
        )
        .answer(
            StatusCode::OK,
            &format!("The {name}, which existed."),
            &schema,
            &[(name, examples::changed(resource)), ("kept", examples::object(resource))],
            version_header(resource),
        )
        .answer(
            StatusCode::CREATED,
            &format!("The new {name}."),
            &schema,
            &[(name, examples::changed(resource))],
            version_header(resource),
        )
        .refused([Refused::Fields])
}

/// What no two objects share, as sentences.
fn uniqueness(resource: Resource) -> String {
    let sentence = |fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        format!(" No two {} have the same {}.", resource.collection(), fields.join(" and "))
    };
    Table::of(resource).unique.iter().map(|unique| sentence(unique.fields)).collect()
}

const fn particulars(resource: Resource) -> &'static str {
    match resource {
        Resource::Scenario => " Just one of `world` and `runuser` must be set.",
        Resource::Decision | Resource::Result => " No role counts as a role of its own.",
        Resource::Hook => {
            " It belongs to the caller, and takes effect at once. Registering it again answers \
             the one that there is, with its new `secret` if one is given."
        }
        Resource::User => " Only superusers make superusers.",
        _ => "",
    }
}

/// The event that tells of a change, as a sentence; hooks have none.
fn event(resource: Resource, action: &str) -> String {
    match resource {
        Resource::Hook => String::new(),
        Resource::User => format!(" Hooks are told `user.{action}`."),
        _ => format!(" Hooks are told `<slug of the game>.{resource}.{action}`."),
    }
}

/// The header with the version, which users and hooks do not have.
const fn version_header(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::User | Resource::Hook => &[],
        _ => &["ETag"],
    }
}

pub(super) fn read(resource: Resource) -> Operation {
    let name = resource.name();
    let access = match resource {
        Resource::User => "Who is not staff can read only the own account.",
        Resource::Hook => "Hooks of others are not found. Staff only.",
        _ => "Staff only.",
    };
    let description = format!("{} {access}", words::resource(resource));
    operation(resource, "read", &format!("Read a {name}"), &description)
        .parameters([parameters::key(resource)])
        .answer(
            StatusCode::OK,
            &format!("The {name}."),
            &reference(schemas::name(resource)),
            &[(name, examples::object(resource))],
            version_header(resource),
        )
        .refused([Refused::Missing])
}

pub(super) fn replace(resource: Resource) -> Operation {
    let description = format!(
        "Stores the {resource} as it is sent. Fields that must be there when it is created must \
         be there again; others that are absent keep their values, and those that cannot be \
         written are ignored, so that what was read can be sent back.{}{} Staff only.",
        superusers(resource),
        event(resource, "changed"),
    );
    let operation = operation(resource, "replace", &format!("Replace a {resource}"), &description);
    written(operation, resource, Presence::Whole)
}

pub(super) fn change(resource: Resource) -> Operation {
    let description = format!(
        "Changes the given fields of the {resource}; all others keep their values.{}{} Staff only.",
        superusers(resource),
        event(resource, "changed"),
    );
    let operation = operation(resource, "change", &format!("Change a {resource}"), &description);
    written(operation, resource, Presence::Partial)
}

const fn superusers(resource: Resource) -> &'static str {
    match resource {
        Resource::User => " Only superusers change superusers.",
        _ => "",
    }
}

/// What replacing and changing have in common.
fn written(operation: Operation, resource: Resource, presence: Presence) -> Operation {
    let name = resource.name();
    let sent = match presence {
        Presence::Partial => examples::change(resource),
        Presence::New | Presence::NewInBulk | Presence::Whole => examples::whole(resource),
    };
    operation
        .parameters([parameters::key(resource), parameters::reference("if_match")])
        .body(true, &schemas::request(resource, presence), &[(name, sent)])
        .answer(
            StatusCode::OK,
            &format!("The {name} as it is now."),
            &reference(schemas::name(resource)),
            &[(name, examples::changed(resource))],
            version_header(resource),
        )
        .refused([Refused::Fields, Refused::Missing, Refused::VersionDiffers])
}

pub(super) fn delete(resource: Resource) -> Operation {
    let name = resource.name();
    let exception = match resource {
        Resource::Phase => " Runs that are in it keep no phase.",
        Resource::Role => " A role that runusers, decisions or results have is kept (409).",
        Resource::User => " Only superusers delete superusers.",
        _ => "",
    };
    let description = format!(
        "Deletes the {name}.{}{exception}{} Staff only.",
        cascade(resource),
        event(resource, "deleted"),
    );
    operation(resource, "delete", &format!("Delete a {name}"), &description)
        .parameters([parameters::key(resource), parameters::reference("if_match")])
        .no_content("It is gone.")
        .refused([Refused::Missing, Refused::VersionDiffers])
        .refused(can_be_in_use(resource).then_some(Refused::Conflict))
}
