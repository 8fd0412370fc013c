//! The operations on logins and on the own account.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sim_games_types::Resource;

use super::Operation;
use crate::model::Presence;
use crate::openapi::responses::Refused;
use crate::openapi::schemas::{self, reference};
use crate::openapi::{examples, parameters};
use crate::rest::PASSWORD_LONGEST;

const LOGINS: &str = "Logins";

/// A token as answers tell it.
const TOKEN: &str = "9c2fd4a1b7e86035d1c4a9f3e27b60588a41dce2";

pub(super) fn log_in() -> Operation {
    let description = "Answers a token. `Authorization: Token <key>` logs in with it from then \
                       on. A user has several, of which the oldest ends when there are too many; \
                       all end with the password.";
    let sent = json!({"username": "s1@div.edu", "password": "s1"});
    Operation::anonymous(LOGINS, "logIn", "Log in", description)
        .body(true, &reference("PasswordLogin"), &[("login", sent)])
        .answer(
            StatusCode::OK,
            "The token.",
            &reference("Token"),
            &[("token", json!({"key": TOKEN}))],
            &[],
        )
        .refused([Refused::Fields, Refused::Throttled, Refused::Unavailable])
}

pub(super) fn log_out() -> Operation {
    let description = "Ends the token of the request. Without a token there is nothing to end, \
                       which is no error.";
    Operation::anonymous(LOGINS, "logOut", "Log out", description).login_is_optional().answer(
        StatusCode::OK,
        "The token is gone.",
        &reference("Detail"),
        &[("done", json!({"detail": "Successfully logged out."}))],
        &[],
    )
}

pub(super) fn read() -> Operation {
    let description = "Answers the account of the caller, whoever that is.";
    Operation::new(LOGINS, "readOwnAccount", "Read the own account", description)
        .answer(
            StatusCode::OK,
            "The account.",
            &reference("User"),
            &[("account", examples::staff())],
            &[],
        )
        .refused([Refused::Missing])
}

pub(super) fn replace() -> Operation {
    let description = "Stores the caller's account as it is sent; what is absent stays as it is. \
                       Who is not staff changes only the own names, and need send nothing else.";
    let operation =
        Operation::new(LOGINS, "replaceOwnAccount", "Replace the own account", description);
    let email = examples::staff()["email"].clone();
    changed(operation, Presence::Whole, json!({"email": email, "first_name": "Ada"}))
}

pub(super) fn change() -> Operation {
    let description = "Changes the given fields of the caller's account. Who is not staff changes \
                       only the own names.";
    let operation =
        Operation::new(LOGINS, "changeOwnAccount", "Change the own account", description);
    changed(operation, Presence::Partial, json!({"first_name": "Ada"}))
}

fn changed(operation: Operation, presence: Presence, sent: Value) -> Operation {
    let mut account = examples::staff();
    account["first_name"] = json!("Ada");
    operation
        .parameters([parameters::reference("if_match")])
        .body(true, &schemas::request(Resource::User, presence), &[("names", sent)])
        .answer(
            StatusCode::OK,
            "The account as it is now.",
            &reference("User"),
            &[("account", account)],
            &[],
        )
        .refused([Refused::Fields, Refused::Missing, Refused::VersionDiffers])
}

pub(super) fn change_password() -> Operation {
    let description = format!(
        "Gives the caller another password of at most {PASSWORD_LONGEST} characters. All tokens \
         end but the one that the request carries."
    );
    let sent = json!({"old_password": "simpl", "new_password1": "a better one",
                      "new_password2": "a better one"});
    Operation::new(LOGINS, "changePassword", "Change the own password", &description)
        .body(true, &reference("PasswordChange"), &[("password", sent)])
        .answer(
            StatusCode::OK,
            "The new password counts from now on.",
            &reference("Detail"),
            &[("done", json!({"detail": "New password has been saved."}))],
            &[],
        )
        .refused([Refused::Missing])
}
