//! The check of a login for services that have no account of their own.

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use sim_games_types::Fields;

use super::account::required_text;
use super::answer::{self, Refusal};
use super::request::{Call, Payload};
use super::{Rest, caller};
use crate::error::FieldErrors;
use crate::model::{integer, is_email};

pub(super) async fn answer(
    rest: &Rest,
    call: &Call,
    payload: Payload,
) -> Result<Response, Refusal> {
    // Nobody must log in here, but who tries must succeed.
    if call.headers.contains_key(header::AUTHORIZATION) {
        caller::authenticated(rest, call, "Token").await?;
    }
    call.only(&[Method::POST])?;
    let (login, password) = credentials(&payload.fields().await?)?;
    let refused = || Refusal::bad_request(json!(["Unable to log in with provided credentials."]));
    let user = rest.api.authenticate_from(call.client, &login, &password).await;
    let user = user.map_err(|error| Refusal::login(error, refused))?;
    Ok(answer::json(StatusCode::OK, &json!({ "authid": user.id, "email": user.email })))
}

/// The login name, of which the key counts more than the address, and the password.
fn credentials(fields: &Fields) -> Result<(String, String), FieldErrors> {
    let mut errors = FieldErrors::default();
    let given = |name| fields.get(name).filter(|value| !value.is_null());
    let key = given("authid").map(integer);
    let email = given("email").map(|value| value.as_str().unwrap_or_default().trim());
    if key == Some(None) {
        errors.push("authid", "A valid integer is required.");
    }
    if email.is_some_and(|email| !is_email(email)) {
        errors.push("email", "Enter a valid email address.");
    }
    let password = required_text(fields, "password", &mut errors);
    let login = match (key.flatten(), email) {
        (Some(key), _) => key.to_string(),
        (None, Some(email)) => email.to_owned(),
        (None, None) => {
            if errors.is_empty() {
                errors.push(FieldErrors::OBJECT, "'authid' or 'email' must be set");
            }
            String::new()
        }
    };
    match password {
        Some(password) if errors.is_empty() => Ok((login, password)),
        _ => Err(errors),
    }
}
