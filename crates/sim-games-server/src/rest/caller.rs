//! Who calls, and what they may do.

use axum::http::{Method, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sim_games_types::{Resource, User};

use super::Rest;
use super::answer::Refusal;
use super::place::Place;
use super::request::Call;

/// The user whose credentials the request carries.
pub(super) async fn authenticated(
    rest: &Rest,
    call: &Call,
    challenge: &'static str,
) -> Result<User, Refusal> {
    let refuse = |detail| Refusal::unauthenticated(detail, challenge);
    let (scheme, credentials) = authorization(call);
    match scheme.as_str() {
        "basic" => {
            let invalid = || refuse("Invalid username/password.");
            let (login, password) = basic(credentials).ok_or_else(invalid)?;
            let user = rest.api.authenticate_from(call.client, &login, &password).await;
            user.map_err(|error| Refusal::login(error, invalid))
        }
        "token" => {
            let user = rest.api.authenticate_token(credentials).await;
            user.map_err(|error| Refusal::login(error, || refuse("Invalid token.")))
        }
        _ => Err(refuse("Authentication credentials were not provided.")),
    }
}

/// The token that the request carries, whether it is one or not.
pub(super) fn token(call: &Call) -> Option<&str> {
    let (scheme, credentials) = authorization(call);
    (scheme == "token").then_some(credentials)
}

/// The scheme in lower case, and what comes after it.
fn authorization(call: &Call) -> (String, &str) {
    let header = call.header(header::AUTHORIZATION).unwrap_or_default().trim();
    let (scheme, credentials) = header.split_once(' ').unwrap_or((header, ""));
    (scheme.to_ascii_lowercase(), credentials.trim())
}

fn basic(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (login, password) = text.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

/// Whether a user may make a call: staff anything, a player only read what is the player's own.
pub(super) fn may(user: &User, call: &Call, place: &Place) -> bool {
    if user.is_staff || user.is_superuser {
        return true;
    }
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return false;
    }
    let own_key = |text: &str| text.trim().parse() == Ok(user.id.0);
    match place {
        Place::Detail(Resource::User, key) => own_key(key),
        Place::Collection(Resource::User) => call
            .parameter("email")
            .is_some_and(|email| email.trim().eq_ignore_ascii_case(&user.email)),
        Place::Collection(Resource::RunUser) => call.parameter("user").is_some_and(own_key),
        _ => false,
    }
}
