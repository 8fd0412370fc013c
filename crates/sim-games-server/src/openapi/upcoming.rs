//! Descriptions of parts of the interface that are still being built.
//!
//! None of them is served before its part exists: then `exists` becomes true here, and the tests
//! of this module drive the part by its examples as they do the others.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sim_games_types::Resource;

use super::Limits;
use super::document::{Paths, add as add_operation};
use super::examples::{self, TIME};
use super::operations::{Operation, tag};
use super::parameters::{self, query};
use super::responses::Refused;
use super::schemas::{self, reference};
use crate::model::{Presence, Table};
use crate::rest::{CHANGES_MOST, CHANGES_USUAL};

/// A part of the interface.
#[derive(Debug)]
pub(super) struct Part {
    exists: bool,
    operations: fn(&Limits) -> Vec<(String, &'static str, Operation)>,
}

impl Part {
    pub(super) const fn exists(&self) -> bool {
        self.exists
    }
}

/// The parts: tokens, upsert, bulk users, export, audit.
const PARTS: [Part; 5] = [
    Part { exists: false, operations: tokens },
    Part { exists: false, operations: upserts },
    Part { exists: false, operations: bulk_users },
    Part { exists: false, operations: export },
    Part { exists: false, operations: audit },
];

/// Adds the operations of the parts that are wanted.
pub(super) fn add(paths: &mut Paths, limits: &Limits, wanted: impl Fn(&Part) -> bool) {
    for part in PARTS.iter().filter(|part| wanted(part)) {
        for (path, method, operation) in (part.operations)(limits) {
            add_operation(paths, &path, method, operation);
        }
    }
}

const LOGINS: &str = "Logins";

/// A token as answers tell it.
const TOKEN: &str = "9c2fd4a1b7e86035d1c4a9f3e27b60588a41dce2";

fn tokens(_: &Limits) -> Vec<(String, &'static str, Operation)> {
    let at = |path: &str, method, operation| (format!("/rest-auth/{path}/"), method, operation);
    vec![
        at("login", "POST", login()),
        at("logout", "POST", logout()),
        at("user", "GET", own_account()),
        at("user", "PUT", own_account_change("replaceOwnAccount", "Replace", Presence::Whole)),
        at("user", "PATCH", own_account_change("changeOwnAccount", "Change", Presence::Partial)),
        at("password/change", "POST", password_change()),
    ]
}

fn login() -> Operation {
    let schema = json!({
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": {"type": "string", "minLength": 1,
                         "description": "The e-mail address."},
            "password": {"type": "string", "minLength": 1, "writeOnly": true,
                         "description": "The password."},
        },
    });
    let key = json!({
        "type": "object",
        "required": ["key"],
        "properties": {"key": {"type": "string", "pattern": "^[0-9a-f]{40}$",
                               "description": "The token."}},
    });
    let description = "Answers a token. `Authorization: Token <key>` logs in with it from then on.";
    Operation::anonymous(LOGINS, "login", "Log in", description)
        .body(true, &schema, &[("login", json!({"username": "s1@div.edu", "password": "s1"}))])
        .answer(StatusCode::OK, "The token.", &key, &[("token", json!({"key": TOKEN}))], &[])
        .refused([Refused::Login, Refused::Throttled, Refused::Unavailable])
}

fn logout() -> Operation {
    let said = json!({"detail": "Successfully logged out."});
    Operation::new(LOGINS, "logout", "Log out", "Ends the token of the request.").answer(
        StatusCode::OK,
        "The token is gone.",
        &reference("Detail"),
        &[("done", said)],
        &[],
    )
}

fn own_account() -> Operation {
    let description = "Answers the account of the caller, whoever that is.";
    Operation::new(LOGINS, "readOwnAccount", "Read the own account", description).answer(
        StatusCode::OK,
        "The account.",
        &reference("User"),
        &[("account", examples::staff())],
        &[],
    )
}

fn own_account_change(id: &str, verb: &str, presence: Presence) -> Operation {
    let mut changed = examples::staff();
    changed["first_name"] = json!("Ada");
    let mut sent = json!({"first_name": "Ada"});
    if presence == Presence::Whole {
        sent["email"] = changed["email"].clone();
    }
    let description = "Changes the account of the caller. Flags stay as they are.";
    Operation::new(LOGINS, id, &format!("{verb} the own account"), description)
        .body(true, &schemas::request(Resource::User, presence), &[("name", sent)])
        .answer(
            StatusCode::OK,
            "The account as it is now.",
            &reference("User"),
            &[("account", changed)],
            &[],
        )
        .refused([Refused::Fields])
}

fn password_change() -> Operation {
    let password = |what: &str| json!({"type": "string", "minLength": 1, "writeOnly": true, "description": what});
    let schema = json!({
        "type": "object",
        "required": ["new_password1", "new_password2"],
        "properties": {
            "new_password1": password("The new password."),
            "new_password2": password("The same once more."),
            "old_password": password("The password so far."),
        },
    });
    let sent = json!({"old_password": "simpl", "new_password1": "a better one",
                      "new_password2": "a better one"});
    let description = "Gives the caller another password.";
    Operation::new(LOGINS, "changePassword", "Change the own password", description)
        .body(true, &schema, &[("password", sent)])
        .answer(
            StatusCode::OK,
            "The new password counts from now on.",
            &reference("Detail"),
            &[("done", json!({"detail": "New password has been saved."}))],
            &[],
        )
        .refused([Refused::Fields])
}

fn upserts(_: &Limits) -> Vec<(String, &'static str, Operation)> {
    let path = |resource: Resource| format!("/apis/{}/", resource.collection());
    Resource::ALL.map(|resource| (path(resource), "PUT", upsert(resource))).into()
}

fn upsert(resource: Resource) -> Operation {
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
        json!({"type": "string", "enum": ["keep"]}),
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
            &[],
        )
        .answer(
            StatusCode::CREATED,
            &format!("The new {name}."),
            &schema,
            &[(name, examples::changed(resource))],
            &[],
        )
        .refused([Refused::Fields])
}

fn bulk_users(limits: &Limits) -> Vec<(String, &'static str, Operation)> {
    let operation = super::operations::create_many(Resource::User, limits);
    vec![("/apis/bulk/users/".to_owned(), "POST", operation)]
}

fn export(_: &Limits) -> Vec<(String, &'static str, Operation)> {
    let description = "Tells all of a run while it is read: `csv` has a row per decision and \
                       result, `jsonl` an object per line, and `zip` everything. Staff only.";
    let format = query(
        "format",
        "What the run is told in.",
        json!({"type": "string", "enum": ["csv", "jsonl", "zip"]}),
        json!("csv"),
    );
    let mut operation = Operation::new("Runs", "exportRun", "Export a run", description)
        .parameters([parameters::key(Resource::Run), format])
        .answer(StatusCode::OK, "The run.", &json!({}), &[], &[])
        .refused([Refused::Fields, Refused::Missing]);
    if let Some(response) = operation.response(StatusCode::OK) {
        response["content"] = json!({
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        });
    }
    vec![("/apis/runs/{id}/export/".to_owned(), "GET", operation)]
}

fn audit(_: &Limits) -> Vec<(String, &'static str, Operation)> {
    let description = "Answers what happened in a run, in commit order. Staff only.";
    let number = |name, what, example: Value, schema| query(name, what, schema, example);
    let after = number(
        "after",
        "The number after which changes are wanted.",
        json!(6),
        json!({"type": "integer", "minimum": 0, "default": 0}),
    );
    let limit = number(
        "limit",
        "The most changes.",
        json!(1),
        json!({"type": "integer", "minimum": 1, "maximum": CHANGES_MOST, "default": CHANGES_USUAL}),
    );
    let entry = json!({
        "seq": 7, "at": TIME, "game": 1, "run": 1, "resource": "world", "pk": 1,
        "action": "created", "actor": 1, "cause": "POST /apis/worlds/",
        "ref": "5d1c7f36-2f39-4b8e-8a65-3c9f0a1e7b20", "data": examples::object(Resource::World),
    });
    let operation = Operation::new("Runs", "auditRun", "Read what happened in a run", description)
        .parameters([parameters::key(Resource::Run), after, limit])
        .answer(
            StatusCode::OK,
            "The changes.",
            &json!({"type": "array", "items": reference("JournalEntry")}),
            &[("changes", json!([entry]))],
            &[],
        )
        .refused([Refused::Fields, Refused::Missing]);
    vec![("/apis/runs/{id}/audit/".to_owned(), "GET", operation)]
}
