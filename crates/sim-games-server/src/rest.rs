//! The REST service under `/apis/` and `/rest-auth/`: one dispatcher, since every resource answers
//! alike.

mod account;
mod answer;
mod audit;
mod authcheck;
mod bulk;
mod caller;
mod changes;
mod export;
mod hooks;
mod list;
mod place;
mod request;
mod units;
mod version;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use serde_json::{Map, Value};
use sim_games_types::{Resource, User};
use tracing::Instrument;

use crate::api::GamesApi;
use crate::openapi;
use answer::Refusal;
use request::{Call, Payload};

/// What the description of the interface is made of.
pub(crate) use {
    account::{Account, LONGEST as PASSWORD_LONGEST},
    bulk::RESOURCES as BULK_RESOURCES,
    changes::{LONGEST_WAIT as CHANGES_LONGEST_WAIT, MOST as CHANGES_MOST, USUAL as CHANGES_USUAL},
    list::{PAGE_SIZE, sortable},
    place::Place,
    request::{ADDRESS_LIMIT, BODY_TIME, HEADER_LIMIT},
    units::{LONGEST as UNIT_LONGEST, MOST as UNIT_MOST},
    write::HOOK_FIELDS,
};

/// Lets the answer of a write wait until what was written can be seen elsewhere.
#[async_trait]
pub trait Barrier: Send + Sync {
    /// Returns once everything up to `seq` can be seen by callers of the model service.
    async fn reached(&self, seq: u64);
}

/// What the handlers share.
#[derive(Clone)]
struct Rest {
    api: GamesApi,
    barrier: Option<Arc<dyn Barrier>>,
}

/// The service; it answers `/apis` and everything below, what is below `/rest-auth`, and the paths
/// of its description.
pub(crate) fn router(api: GamesApi, barrier: Option<Arc<dyn Barrier>>) -> Router {
    let description = openapi::router(api.options());
    Router::new()
        .route("/apis", any(handle))
        .route("/apis/", any(handle))
        .route("/apis/{*rest}", any(handle))
        .route("/rest-auth/{*rest}", any(handle))
        .with_state(Rest { api, barrier })
        .merge(description)
}

async fn handle(State(rest): State<Rest>, request: Request) -> Response {
    let path = request.uri().path();
    let span = tracing::info_span!(
        "http",
        http.method = %request.method(),
        http.path = path,
        call = request::name(request.headers()),
    );
    let place = Place::of(path);
    let allow = place.allow();
    let answering = async {
        match answer(&rest, place, request).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    };
    let response = answering.instrument(span).await;
    answer::with_common_headers(response, allow)
}

async fn answer(rest: &Rest, place: Place, request: Request) -> Result<Response, Refusal> {
    let (call, payload) = request::take_apart(request, rest.api.options().body_limit);
    let leftover = payload.leftover(&call);
    let answer = checked(rest, place, call, payload).await;
    if answer.is_err() {
        leftover.discard().await;
    }
    answer
}

/// Answers what is within the limits, asks for nothing that is not offered, and comes from somebody
/// who may ask.
async fn checked(
    rest: &Rest,
    place: Place,
    call: Call,
    payload: Payload,
) -> Result<Response, Refusal> {
    tracing::debug!(http.query = %call.redacted_query(), "request");
    call.within_limits(rest.api.options().query_parameters)?;
    if let Some(redirect) = call.redirect_to_slash() {
        return Ok(redirect);
    }
    if place == Place::Unknown {
        return Err(Refusal::not_found());
    }
    if call.method == Method::OPTIONS {
        return Ok(answer::preflight());
    }
    let is_json = match place {
        Place::Changes => !call.accepts_events(),
        Place::Export(_) => false,
        _ => true,
    };
    if is_json {
        call.accepts_json()?;
    }
    match place {
        Place::Index => call.only(&[Method::GET]).map(|()| index(&call, "", &Resource::ALL)),
        Place::BulkIndex => {
            call.only(&[Method::GET]).map(|()| index(&call, "bulk/", &bulk::RESOURCES))
        }
        Place::AuthCheck => authcheck::answer(rest, &call, payload).await,
        Place::Account(account) => account::answer(rest, &call, payload, account).await,
        place => {
            let user = caller::authenticated(rest, &call, place.challenge()).await?;
            if !caller::may(&user, &call, &place) {
                return Err(Refusal::forbidden());
            }
            route(rest, place, &call, payload, &user).await
        }
    }
}

async fn route(
    rest: &Rest,
    place: Place,
    call: &Call,
    payload: Payload,
    user: &User,
) -> Result<Response, Refusal> {
    let get = matches!(call.method, Method::GET | Method::HEAD);
    match (place, &call.method) {
        (Place::Collection(resource) | Place::Bulk(resource), _) if get => {
            list::answer(rest, call, resource, user).await
        }
        (Place::Collection(resource), &Method::POST) => {
            write::create(rest, call, payload, resource, user).await
        }
        (Place::Collection(resource), &Method::PUT) if resource != Resource::Hook => {
            write::upsert(rest, call, payload, resource, user).await
        }
        (Place::Export(key), _) if get => export::answer(rest, call, &key, user).await,
        (Place::Audit(key), _) if get => audit::answer(rest, call, &key, user).await,
        (Place::Detail(resource, key), _) if get => {
            let object = write::find(rest, resource, &key, user).await?;
            Ok(answer::object(StatusCode::OK, &object))
        }
        (Place::Detail(resource, key), &(Method::PUT | Method::PATCH)) => {
            write::change(rest, call, payload, (resource, &key), user).await
        }
        (Place::Detail(resource, key), &Method::DELETE) => {
            write::delete(rest, call, (resource, &key), user).await
        }
        (Place::Rewind(key), &Method::POST) => write::rewind(rest, call, payload, &key, user).await,
        (Place::Changes, _) if get => changes::answer(rest, call).await,
        (Place::Units, &Method::POST) => units::commit(rest, call, payload, user).await,
        (Place::Bulk(resource), &Method::POST) => {
            bulk::create(rest, call, payload, resource, user).await
        }
        (Place::Bulk(resource), &Method::DELETE) if resource != Resource::User => {
            bulk::delete(rest, call, resource, user).await
        }
        _ => Err(Refusal::method(&call.method)),
    }
}

/// The addresses of collections by name, of the core resources only.
fn index(call: &Call, below: &str, resources: &[Resource]) -> Response {
    let core = resources.iter().filter(|it| !matches!(it, Resource::User | Resource::Hook));
    let mut names: Vec<&str> = core.map(|resource| resource.collection()).collect();
    names.sort_unstable();
    let links: Map<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), format!("{}/apis/{below}{name}/", call.origin()).into()))
        .collect();
    answer::json(StatusCode::OK, &Value::Object(links))
}

/// The media type of every answer with a body.
const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");
