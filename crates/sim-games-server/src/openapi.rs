//! The description of the REST service: an OpenAPI document and a page that shows it.
//!
//! Paths and methods are those of the dispatcher, schemas follow from the descriptions by which
//! requests are checked, and examples are what a service really answers; tests hold them to it.
//! What is written by hand is only what words mean.

mod document;
mod examples;
mod operations;
mod page;
mod parameters;
mod places;
mod responses;
mod schemas;
mod words;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::{self, HeaderName};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::api::Options;

/// The limits of a service that its description tells.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The largest body, in bytes.
    body: usize,
    /// The most objects on a page.
    page: u64,
    /// The most parameters of a query.
    parameters: usize,
    /// The most objects of a bulk request.
    items: usize,
}

/// What is served; made when it is first asked for.
#[derive(Debug)]
struct Description {
    limits: Limits,
    document: OnceLock<String>,
    page: OnceLock<String>,
}

impl Description {
    fn document(&self) -> &str {
        self.document.get_or_init(|| document::of(&self.limits).to_string())
    }

    fn page(&self) -> &str {
        self.page.get_or_init(|| page::of(&document::of(&self.limits)))
    }
}

/// The document at `/openapi.json`, and the page at `/` and `/redoc/`. No other path is answered.
pub(crate) fn router(options: &Options) -> Router {
    let description = Description {
        limits: Limits {
            body: options.body_limit,
            page: options.page_size,
            parameters: options.query_parameters,
            items: options.bulk_items,
        },
        document: OnceLock::new(),
        page: OnceLock::new(),
    };
    Router::new()
        .route("/", get(page))
        .route("/redoc/", get(page))
        .route("/redoc", get(|| async { Redirect::permanent("/redoc/") }))
        .route("/.json", get(|| async { Redirect::permanent("/openapi.json") }))
        .route("/openapi.json", get(document))
        .route("/openapi/style.css", get(style))
        .with_state(Arc::new(description))
}

/// The page needs nothing but its own style, and is part of no other page.
const PAGE_HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

async fn page(State(description): State<Arc<Description>>) -> Response {
    (PAGE_HEADERS, description.page().to_owned()).into_response()
}

/// The document can be read by pages of other origins: viewers and generators are such.
async fn document(State(description): State<Arc<Description>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, description.document().to_owned()).into_response()
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("openapi/page/style.css")).into_response()
}
