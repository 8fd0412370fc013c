//! Logging in and out, and what a page needs to begin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestExt};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Person, Refused, Site, cookie};

/// Whoever has logged in; others are refused.
pub(crate) struct SignedIn(pub(crate) Person);

/// Staff who have logged in; others are refused.
pub(crate) struct Staff(pub(crate) Person);

impl FromRequestParts<Arc<dyn Site>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<dyn Site>) -> Result<Self, Response> {
        let jar = CookieJar::from_headers(&parts.headers);
        let nobody = || refusal(StatusCode::UNAUTHORIZED, "nobody is logged in");
        person(&**site, &jar).await.map(Self).ok_or_else(nobody)
    }
}

impl FromRequestParts<Arc<dyn Site>> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<dyn Site>) -> Result<Self, Response> {
        let SignedIn(person) = SignedIn::from_request_parts(parts, site).await?;
        let foreign = || refusal(StatusCode::FORBIDDEN, "this is for the staff of the service");
        Some(person).filter(|person| person.staff).map(Self).ok_or_else(foreign)
    }
}

/// What somebody logs in with.
#[derive(Deserialize)]
struct Login {
    login: String,
    password: String,
}

/// Everything a page needs to begin; null for whoever has not logged in.
pub(crate) async fn begin(site: &dyn Site, jar: &CookieJar) -> Value {
    match person(site, jar).await {
        Some(person) => json!({
            "user": person,
            "realm": site.realm(),
            "games": site.games(&person),
        }),
        None => Value::Null,
    }
}

pub(crate) async fn show(State(site): State<Arc<dyn Site>>, jar: CookieJar) -> Response {
    private(Json(begin(&*site, &jar).await))
}

pub(crate) async fn open(
    State(site): State<Arc<dyn Site>>,
    jar: CookieJar,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let from = address(request.extensions());
    let Ok(Json(Login { login, password })) = request.extract::<Json<Login>, _>().await else {
        let text = "the body must be `{\"login\": …, \"password\": …}` as application/json";
        return refusal(StatusCode::BAD_REQUEST, text);
    };
    match site.sign_in(from, login.trim(), &password).await {
        Ok(key) => private((StatusCode::NO_CONTENT, cookie::keep(jar, key, &headers))),
        Err(refused) => refusal_of(refused),
    }
}

/// Where a request comes from, if the server tells.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|address| address.0.ip())
}

pub(crate) fn refusal_of(refused: Refused) -> Response {
    match refused {
        Refused::Credentials(text) => refusal(StatusCode::UNAUTHORIZED, &text),
        Refused::Seat(text) => refusal(StatusCode::CONFLICT, &text),
        Refused::Invalid(text) => refusal(StatusCode::BAD_REQUEST, &text),
        Refused::Forbidden => refusal(StatusCode::FORBIDDEN, "only its leaders may do this"),
        Refused::Unavailable => {
            let text = "the service cannot do this at the moment, try again";
            refusal(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

pub(crate) async fn close(State(site): State<Arc<dyn Site>>, jar: CookieJar) -> Response {
    if let Some(key) = cookie::session(&jar) {
        site.sign_out(key).await;
    }
    private((StatusCode::NO_CONTENT, cookie::forget(jar)))
}

pub(crate) async fn ticket(
    State(site): State<Arc<dyn Site>>,
    SignedIn(person): SignedIn,
) -> Response {
    let ticket = site.ticket(&person);
    private(Json(entry(&*site, person.id, &ticket)))
}

/// What a page needs to join the realm as a user.
pub(crate) fn entry(site: &dyn Site, user: i64, ticket: &str) -> Value {
    json!({"authid": user.to_string(), "ticket": ticket, "router": site.router()})
}

pub(crate) async fn person(site: &dyn Site, jar: &CookieJar) -> Option<Person> {
    site.person(cookie::session(jar)?).await
}

/// An answer that is for this browser only, and for now.
pub(crate) fn private(answer: impl IntoResponse) -> Response {
    ([("cache-control", "no-store")], answer).into_response()
}

pub(crate) fn foreign() -> Response {
    refusal(StatusCode::FORBIDDEN, "requests of other sites are not answered")
}

pub(crate) fn refusal(status: StatusCode, text: &str) -> Response {
    private((status, Json(json!({"error": text}))))
}
