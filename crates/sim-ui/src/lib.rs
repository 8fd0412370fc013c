#![doc = include_str!("../README.md")]

mod assets;
mod bench;
mod cookie;
mod join;
mod lead;
mod monitor;
mod roster;
mod session;
mod site;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use axum::routing::get;

pub use bench::{BenchGame, BenchMember, BenchRun, BenchWorld};
pub use site::{
    Enrolled, Entrant, Games, LedRun, NewRun, Newcomer, Person, Refused, RunEvent, Seat, Site,
};

/// The largest request besides lists of people: a run with the names of its worlds.
const LARGEST: usize = 64 * 1024;

/// What every answer says to the browser, besides its policy: to take nothing for something else,
/// and to tell no address to others.
const HEADERS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// The pages of a site.
///
/// Failed logins are counted by address as well when the router is served with the addresses of
/// its clients.
pub fn router(site: Arc<dyn Site>) -> Router {
    let policy = policy(&*site);
    Router::new()
        .route("/", get(assets::page))
        .route("/monitor", get(assets::page))
        .route("/monitor/status", get(monitor::status))
        .route("/monitor/runs/{run}", get(monitor::tree))
        .route("/monitor/runs/{run}/events", get(monitor::changes))
        .route("/bench", get(assets::page))
        .route("/bench/seats", get(bench::seats))
        .route("/bench/seats/{runuser}/ticket", axum::routing::post(bench::ticket))
        .route("/assets/{*name}", get(assets::asset))
        .route("/views/{file}", get(assets::view))
        .route("/session", get(session::show).post(session::open).delete(session::close))
        .route("/session/ticket", axum::routing::post(session::ticket))
        .route("/join/{code}", get(assets::page).post(join::join))
        .route("/join/{code}/qr.svg", get(join::picture))
        .route("/runs", get(lead::runs).post(lead::open))
        .route("/runs/{run}/active", axum::routing::put(lead::activate))
        .route(
            "/runs/{run}/members",
            axum::routing::post(lead::enrol).layer(DefaultBodyLimit::max(lead::LARGEST)),
        )
        .layer(from_fn(own_only))
        .layer(map_response(move |response| secured(response, policy.clone())))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(site)
}

/// Answers requests that change something to our own pages only.
async fn own_only(request: Request, next: Next) -> Response {
    if request.method().is_safe() || cookie::is_own(request.headers()) {
        next.run(request).await
    } else {
        session::foreign()
    }
}

/// What a page may do: nothing with others than the service and its router, no script within a
/// page, no frame around it.
fn policy(site: &dyn Site) -> HeaderValue {
    // What cannot stand in a header is no address either.
    let is_plain =
        |url: &&str| url.bytes().all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte));
    let router = site.router().filter(is_plain).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {router}; \
         img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    policy.parse().expect("it is plain text")
}

async fn secured(mut response: Response, policy: HeaderValue) -> Response {
    response.headers_mut().insert("content-security-policy", policy);
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
