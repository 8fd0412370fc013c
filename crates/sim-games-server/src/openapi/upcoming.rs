//! Descriptions of parts of the interface that are still being built.
//!
//! None of them is served before its part exists: then `exists` becomes true here, and the tests
//! of this module drive the part by its examples as they do the others.

use axum::http::StatusCode;
use serde_json::json;
use sim_games_types::Resource;

use super::Limits;
use super::document::{Paths, add as add_operation};
use super::examples;
use super::operations::Operation;
use super::responses::Refused;
use super::schemas::{self, reference};
use crate::model::Presence;

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

/// The parts: tokens, and users in bulk.
const PARTS: [Part; 2] =
    [Part { exists: false, operations: tokens }, Part { exists: false, operations: bulk_users }];

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

fn bulk_users(limits: &Limits) -> Vec<(String, &'static str, Operation)> {
    let operation = super::operations::create_many(Resource::User, limits);
    vec![("/apis/bulk/users/".to_owned(), "POST", operation)]
}
