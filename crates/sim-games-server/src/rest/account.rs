//! What users do with their own account: log in for a token, log out, see and change themselves.

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use sim_games_types::{Fields, Operation, Resource, Target, User};

use super::answer::{self, Refusal};
use super::request::{Call, Payload};
use super::{Rest, caller, write};
use crate::credentials::Digest;
use crate::error::FieldErrors;
use crate::store::Work;

/// What a user who is no staff may change.
const OWN_FIELDS: [&str; 2] = ["first_name", "last_name"];

/// The longest new password, in characters.
pub(crate) const LONGEST: usize = 128;

/// How a client is asked to authenticate.
const CHALLENGE: &str = "Token";

/// A place below `/rest-auth/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Gives a token for a password.
    Login,
    /// Ends the token that the request carries.
    Logout,
    /// The user who asks.
    OwnUser,
    /// Gives the user who asks another password.
    PasswordChange,
}

impl Account {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Login, Self::Logout, Self::OwnUser, Self::PasswordChange];

    /// Reads the part of a path below `/rest-auth/`. What needs outgoing mail is not offered.
    pub(super) fn of(below: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.path() == below)
    }

    /// The part of its path below `/rest-auth/`.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::OwnUser => "user",
            Self::PasswordChange => "password/change",
        }
    }

    /// The methods that the place knows.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::OwnUser => "GET, PUT, PATCH, HEAD, OPTIONS",
            Self::Login | Self::Logout | Self::PasswordChange => "POST, OPTIONS",
        }
    }
}

pub(super) async fn answer(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    account: Account,
) -> Result<Response, Refusal> {
    match account {
        Account::Login => log_in(rest, call, payload).await,
        Account::Logout => log_out(rest, call).await,
        Account::OwnUser => {
            let user = caller::authenticated(rest, call, CHALLENGE).await?;
            own_user(rest, call, payload, &user).await
        }
        Account::PasswordChange => {
            let user = caller::authenticated(rest, call, CHALLENGE).await?;
            change_password(rest, call, payload, &user).await
        }
    }
}

/// Whoever has a password may ask for a token, also with an old token that has ended.
async fn log_in(rest: &Rest, call: &Call, payload: Payload) -> Result<Response, Refusal> {
    call.only(&[Method::POST])?;
    let fields = payload.fields().await?;
    let mut errors = FieldErrors::default();
    let login = match fields.get("username") {
        None => Some(String::new()),
        Some(Value::String(text)) if text.trim().is_empty() => Some(String::new()),
        Some(_) => required_text(&fields, "username", &mut errors),
    };
    let password = required_text(&fields, "password", &mut errors);
    let (Some(login), Some(password)) = (login, password) else { return Err(errors.into()) };
    let object = |message| Refusal::from(FieldErrors::one(FieldErrors::OBJECT, message));
    if login.is_empty() {
        return Err(object("Must include \"username\" and \"password\"."));
    }
    let refused = || object("Unable to log in with provided credentials.");
    let token = rest.api.log_in(call.client, login.trim(), &password).await;
    let token = token.map_err(|error| Refusal::login(error, refused))?;
    Ok(answer::json(StatusCode::OK, &json!({ "key": token })))
}

/// Without a token there is nothing to end, which is no error.
async fn log_out(rest: &Rest, call: &Call) -> Result<Response, Refusal> {
    call.only(&[Method::POST])?;
    if call.headers.contains_key(header::AUTHORIZATION) {
        caller::authenticated(rest, call, CHALLENGE).await?;
    }
    if let Some(token) = caller::token(call) {
        rest.api.log_out(token).await?;
    }
    Ok(detail("Successfully logged out."))
}

async fn own_user(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    user: &User,
) -> Result<Response, Refusal> {
    call.only(&[Method::GET, Method::PUT, Method::PATCH])?;
    let (resource, key) = (Resource::User, user.id.to_string());
    if matches!(call.method, Method::GET | Method::HEAD) {
        let object = write::find(rest, resource, &key, user).await?;
        return Ok(answer::object(StatusCode::OK, &object));
    }
    if user.is_staff || user.is_superuser {
        return write::change(rest, call, payload, (resource, &key), user).await;
    }
    // Clients send back all that they got; what is not theirs to change is left as it is.
    let mut fields = payload.fields().await?;
    fields.retain(|name, _| OWN_FIELDS.contains(&name.as_str()));
    let outcome = write::commit(rest, change_of(user, call, fields)).await?;
    write::single(StatusCode::OK, &outcome)
}

async fn change_password(
    rest: &Rest,
    call: &Call,
    payload: Payload,
    user: &User,
) -> Result<Response, Refusal> {
    call.only(&[Method::POST])?;
    let fields = payload.fields().await?;
    let mut errors = FieldErrors::default();
    let old = required_text(&fields, "old_password", &mut errors);
    let [new, again] =
        ["new_password1", "new_password2"].map(|name| new_password(&fields, name, &mut errors));
    let (Some(old), Some(new), Some(again)) = (old, new, again) else {
        return Err(errors.into());
    };
    if new != again {
        let message = "The two password fields didn't match.";
        return Err(FieldErrors::one("new_password2", message).into());
    }
    let wrong = || {
        let message = "Your old password was entered incorrectly. Please enter it again.";
        FieldErrors::one("old_password", message).into()
    };
    let checked = rest.api.authenticate_from(call.client, &user.id.to_string(), &old).await;
    checked.map_err(|error| Refusal::login(error, wrong))?;
    let fields = Fields::from_iter([("password".to_owned(), new.into())]);
    let keep_token = caller::token(call).and_then(Digest::of);
    write::commit(rest, Work { keep_token, ..change_of(user, call, fields) }).await?;
    Ok(detail("New password has been saved."))
}

/// A change that users make to themselves.
fn change_of(user: &User, call: &Call, fields: Fields) -> Work {
    let (resource, pk) = (Resource::User, Target::Pk(user.id.0));
    let operation = Operation::Change { resource, pk, fields };
    write::unit(user, call.cause(), vec![operation]).into()
}

fn detail(text: &str) -> Response {
    answer::json(StatusCode::OK, &json!({ "detail": text }))
}

fn new_password(fields: &Fields, name: &str, errors: &mut FieldErrors) -> Option<String> {
    let text = required_text(fields, name, errors)?;
    if text.chars().count() > LONGEST {
        let message = format!("Ensure this field has no more than {LONGEST} characters.");
        errors.push(name, message);
        return None;
    }
    Some(text)
}

/// A text that must be there, as it was given: passwords may begin and end with spaces.
pub(super) fn required_text(
    fields: &Fields,
    name: &str,
    errors: &mut FieldErrors,
) -> Option<String> {
    let message = match fields.get(name) {
        None => "This field is required.",
        Some(Value::Null) => "This field may not be null.",
        Some(Value::String(text)) if text.is_empty() => "This field may not be blank.",
        Some(Value::String(text)) => return Some(text.clone()),
        Some(Value::Number(number)) => return Some(number.to_string()),
        Some(_) => "Not a valid string.",
    };
    errors.push(name, message);
    None
}
