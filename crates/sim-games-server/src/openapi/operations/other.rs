//! The operations that belong to no single collection.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::Operation;
use crate::openapi::examples::{self, TIME};
use crate::openapi::parameters::{self, query};
use crate::openapi::responses::Refused;
use crate::openapi::schemas::reference;
use crate::rest::{BULK_RESOURCES, CHANGES_LONGEST_WAIT, CHANGES_MOST, CHANGES_USUAL, UNIT_MOST};

pub(super) fn index(bulk: bool) -> Operation {
    let core =
        Resource::ALL.into_iter().filter(|it| !matches!(it, Resource::User | Resource::Hook));
    let (id, summary, below, resources): (_, _, _, Vec<Resource>) = if bulk {
        ("listBulkCollections", "List the bulk collections", "bulk/", BULK_RESOURCES.to_vec())
    } else {
        ("listCollections", "List the collections", "", core.collect())
    };
    let mut names: Vec<&str> = resources
        .iter()
        .filter(|it| !matches!(it, Resource::User | Resource::Hook))
        .map(|it| it.collection())
        .collect();
    names.sort_unstable();
    let address = |name: &str| json!(format!("http://localhost:8100/apis/{below}{name}/"));
    let links: Map<String, Value> =
        names.into_iter().map(|name| (name.to_owned(), address(name))).collect();
    let description = "Answers the addresses of the collections of core resources. Users, hooks \
                       and what is no collection are not among them. Everybody may ask.";
    Operation::anonymous("Index", id, summary, description).answer(
        StatusCode::OK,
        "Addresses by name.",
        &reference("Collections"),
        &[("collections", Value::Object(links))],
        &[],
    )
}

pub(super) fn rewind() -> Operation {
    let description = "Deletes the scenario's periods after the one with `last_period_order`, and \
                       the decisions and results of that one where it is wanted; each of these is \
                       wanted unless something else than `true` is said. When no period has this \
                       order nothing is deleted (400). Staff only.";
    let body = json!({"last_period_order": 1, "delete_last_period_results": false});
    Operation::new("Scenarios", "rewindScenario", "Set a scenario back", description)
        .parameters([parameters::key(Resource::Scenario)])
        .body(false, &reference("Rewind"), &[("rewind", body)])
        .no_content("The scenario is set back.")
        .refused([Refused::Fields, Refused::Missing])
}

pub(super) fn commit() -> Operation {
    let description = format!(
        "Stores several changes in one transaction, together or not at all. Operations can refer \
         to rows that earlier ones make. Preconditions tell what was read and must still hold; \
         when one does not, or a row to delete is in use, the answer is 409. A refused operation \
         is named by its position, as `{{\"operations\": {{\"3\": {{\"name\": […]}}}}}}`. A body \
         holds at most {UNIT_MOST} operations. Hooks cannot be part of a unit. Staff only."
    );
    Operation::new("Units of work", "commitUnit", "Store a unit of work", &description)
        .body(
            true,
            &reference("UnitOfWork"),
            &[("next_round", next_round()), ("decide_once", decide_once())],
        )
        .answer(
            StatusCode::OK,
            "It is stored.",
            &reference("Committed"),
            &[("next_round", next_round_stored()), ("decide_once", decide_once_stored())],
            &[],
        )
        .refused([Refused::Fields, Refused::Missing, Refused::Conflict])
}

/// A unit whose second operation refers to what the first one makes.
fn next_round() -> Value {
    json!({
        "cause": "the next round",
        "preconditions": [{"check": "children", "resource": "period", "parent": "scenario",
                           "pk": 1, "children": [1]}],
        "operations": [
            {"op": "create", "resource": "period", "ref": 0,
             "fields": {"scenario": 1, "order": 2}},
            {"op": "upsert", "resource": "result",
             "key": {"period": {"$ref": 0}, "name": "opening", "role": null},
             "fields": {"data": {"quotient": 2.5}}},
        ],
    })
}

fn next_round_stored() -> Value {
    let period = json!({"id": 2, "run_active": true, "created": TIME, "updated": TIME, "order": 2,
                        "data": {}, "scenario": 1});
    let result = json!({"id": 2, "run_active": true, "role": null, "created": TIME,
                        "updated": TIME, "name": "opening", "data": {"quotient": 2.5},
                        "period": 2});
    json!({"seq": 15, "references": {"0": 2}, "replayed": null, "objects": [period, result]})
}

/// A unit that can be sent again without harm.
fn decide_once() -> Value {
    json!({
        "idempotency": {"scope": "import", "key": "row 17", "answer": "\"ok\""},
        "operations": [
            {"op": "change", "resource": "decision", "pk": 1, "fields": {"data": {"operand": 8.0}}},
        ],
    })
}

fn decide_once_stored() -> Value {
    let mut decision = examples::object(Resource::Decision);
    decision["data"] = json!({"operand": 8.0});
    json!({"seq": 14, "references": {}, "replayed": null, "objects": [decision]})
}

pub(super) fn changes() -> Operation {
    let description = format!(
        "Answers what happened after a number, in commit order and without a gap. `X-Last-Seq` \
         tells up to where the journal was looked at, whatever the filters let through: it is the \
         next `after`. With `Accept: text/event-stream` the answer is a stream: every change is \
         an event with its number as `id`, `Last-Event-ID` counts more than `after`, and a \
         comment comes when nothing else does. Parameters that are not listed here are refused. \
         At most {CHANGES_MOST} changes are told at once. Staff only."
    );
    let entry = entry();
    let stream = format!("id: {}\ndata: {entry}\n\n", entry["seq"]);
    let mut operation =
        Operation::new("Journal", "readChanges", "Follow the changes", &description)
            .parameters(change_parameters())
            .answer(
                StatusCode::OK,
                "The changes; none when there were none in the time that was waited.",
                &json!({"type": "array", "items": reference("JournalEntry")}),
                &[("changes", json!([entry]))],
                &["X-Last-Seq"],
            )
            .refused([Refused::Fields]);
    if let Some(response) = operation.response(StatusCode::OK) {
        response["content"]["text/event-stream"] = json!({
            "schema": {"type": "string"},
            "examples": {"stream": {"value": stream}},
        });
    }
    operation
}

fn change_parameters() -> Vec<Value> {
    let number = |name, what: &str, min: u64, max: u64, usual: Option<u64>, example: u64| {
        let mut schema = json!({"type": "integer", "minimum": min, "maximum": max});
        if let Some(usual) = usual {
            schema["default"] = json!(usual);
        }
        query(name, what, schema, json!(example))
    };
    let any = i64::MAX.unsigned_abs();
    let wait = "For how many seconds to wait until something matches.";
    vec![
        number("after", "The number after which changes are wanted.", 0, any, Some(0), 10),
        number("limit", "The most changes.", 1, CHANGES_MOST, Some(CHANGES_USUAL), 1),
        number("wait", wait, 0, CHANGES_LONGEST_WAIT, Some(0), 0),
        number("run", "Only changes in the run with this key.", 0, any, None, 1),
        query(
            "game",
            "Only changes in the game with this key or slug.",
            json!({"type": ["integer", "string"]}),
            json!("div"),
        ),
        json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "Where a stream was lost: the `id` of its last event.",
            "schema": {"type": "integer", "minimum": 0, "maximum": any},
            "example": 10,
        }),
    ]
}

/// What the journal says of the first decision.
fn entry() -> Value {
    json!({
        "seq": 11,
        "at": TIME,
        "game": 1,
        "run": 1,
        "resource": "decision",
        "pk": 1,
        "action": "created",
        "actor": 1,
        "cause": "POST /apis/decisions/",
        "ref": "0b6c1f0e-6f1e-4f39-9a64-5a3b7d1f2c11",
        "data": examples::object(Resource::Decision),
    })
}

pub(super) fn check_login() -> Operation {
    let description = "Tells whether a password is right, for services that have no account of \
                       their own. Unknown and inactive users are refused as wrong passwords are, \
                       in the same time. Nobody must log in here, but who sends `Authorization` \
                       must do so with success.";
    Operation::anonymous("Logins", "checkLogin", "Check a login", description)
        .login_is_optional()
        .body(
            true,
            &reference("Login"),
            &[
                ("by_email", json!({"email": "s1@div.edu", "password": "s1"})),
                ("by_key", json!({"authid": 2, "password": "s1"})),
            ],
        )
        .answer(
            StatusCode::OK,
            "The login is right.",
            &reference("Account"),
            &[("account", json!({"authid": 2, "email": "s1@div.edu"}))],
            &[],
        )
        .refused([Refused::Login])
}
