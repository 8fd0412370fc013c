//! Answers, and refusals in the words of the original service.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sim_games_types::{Stored, User};

use super::{JSON, version};
use crate::error::{AuthError, FieldErrors, StoreError};

/// A request that is not fulfilled: status, body, and a header that goes with it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Option<Value>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Refusal {
    fn detail(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, body: Some(json!({ "detail": detail.into() })), header: None }
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(super) fn bad_request(body: Value) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: Some(body), header: None }
    }

    pub(super) const fn empty_bad_request() -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: None, header: None }
    }

    pub(super) fn malformed(reason: impl std::fmt::Display) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, format!("JSON parse error - {reason}"))
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("The request body is larger than {limit} bytes.");
        Self::detail(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn too_slow(limit: Duration) -> Self {
        let detail = format!("The request body did not arrive within {} seconds.", limit.as_secs());
        Self::detail(StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub(super) fn broken_off() -> Self {
        Self::detail(StatusCode::BAD_REQUEST, "The request body ended too early.")
    }

    pub(super) fn address(limit: usize) -> Self {
        let detail = format!("The address is longer than {limit} bytes.");
        Self::detail(StatusCode::URI_TOO_LONG, detail)
    }

    pub(super) fn headers(limit: usize) -> Self {
        let detail = format!("The request headers are larger than {limit} bytes.");
        Self::detail(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    }

    /// The refusal of a query as a whole.
    pub(super) fn query(detail: impl Into<String>) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn too_many_parameters(most: usize) -> Self {
        let detail = format!("The query has more than {most} parameters.");
        Self::detail(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn media_type(media_type: &str) -> Self {
        let detail = format!("Unsupported media type \"{media_type}\" in request.");
        Self::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn not_acceptable() -> Self {
        Self::detail(StatusCode::NOT_ACCEPTABLE, "Could not satisfy the request Accept header.")
    }

    pub(super) fn unauthenticated(detail: &str, challenge: &'static str) -> Self {
        Self::detail(StatusCode::UNAUTHORIZED, detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    pub(super) fn forbidden() -> Self {
        let detail = "You do not have permission to perform this action.";
        Self::detail(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }

    /// The refusal of a unit of work one of whose rows is gone.
    pub(super) fn gone(error: &StoreError) -> Self {
        Self::detail(StatusCode::NOT_FOUND, sentence(&error.to_string()))
    }

    /// The refusal of a write that was meant for another version of an object.
    pub(super) fn version_differs() -> Self {
        let detail = "The object was changed meanwhile, read it again.";
        Self::detail(StatusCode::PRECONDITION_FAILED, detail)
    }

    pub(super) fn invalid_page() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Invalid page.")
    }

    pub(super) fn method(method: &Method) -> Self {
        let detail = format!("Method \"{method}\" not allowed.");
        Self::detail(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub(super) fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        let detail = format!("Request was throttled. Expected available in {seconds} seconds.");
        Self::detail(StatusCode::TOO_MANY_REQUESTS, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// A login that failed, where the caller did not say otherwise.
    pub(super) fn login(error: AuthError, refused: impl FnOnce() -> Self) -> Self {
        match error {
            AuthError::Refused => refused(),
            AuthError::Limited { retry_after } => Self::throttled(retry_after),
            AuthError::Store(error) => error.into(),
        }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = match &self.body {
            Some(body) => json(self.status, body),
            None => self.status.into_response(),
        };
        if let Some(header) = self.header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Self::bad_request(errors.into_value())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(errors) => errors.into(),
            StoreError::InvalidItems(items) => {
                Self::bad_request(items.into_iter().map(FieldErrors::into_value).collect())
            }
            StoreError::NotFound { .. } => Self::not_found(),
            StoreError::PreconditionFailed { .. } | StoreError::InUse { .. } => {
                Self::detail(StatusCode::CONFLICT, sentence(&error.to_string()))
            }
            StoreError::Forbidden { .. } => Self::forbidden(),
            StoreError::Unavailable { .. }
            | StoreError::Closed
            | StoreError::Locked { .. }
            | StoreError::Unusable { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "store unavailable");
                let detail = "The database does not answer. Nothing was saved, try again.";
                Self::detail(StatusCode::SERVICE_UNAVAILABLE, detail)
                    .with_header(header::RETRY_AFTER, HeaderValue::from(1))
            }
        }
    }
}

/// A message of ours as the sentences that clients of the service are used to.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    (status, [JSON], body.to_string()).into_response()
}

/// An answer whose JSON text exists already.
pub(super) fn text(status: StatusCode, text: String) -> Response {
    (status, [JSON], text).into_response()
}

/// An answer with an object, whose text exists already, and its version.
pub(super) fn object(status: StatusCode, object: &Stored) -> Response {
    let mut response = text(status, object.json.to_string());
    if let Some(version) = version::of(object) {
        response.headers_mut().insert(header::ETAG, version::tag(version));
    }
    response
}

/// For whom an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody who may see all of an object.
    Staff,
    /// Somebody from whom a game may keep something.
    Player,
}

impl Reader {
    pub(super) fn of(user: &User) -> Self {
        if user.is_staff || user.is_superuser { Self::Staff } else { Self::Player }
    }
}

/// An answer with several objects.
pub(super) fn objects(status: StatusCode, objects: &[Arc<Stored>], reader: Reader) -> Response {
    let length: usize = objects.iter().map(|object| object.json.len() + 1).sum();
    let mut text = String::with_capacity(length + 2);
    text.push('[');
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match reader {
            Reader::Staff => text.push_str(&object.json),
            Reader::Player => text.push_str(&object.for_players()),
        }
    }
    text.push(']');
    (status, [JSON], text).into_response()
}

/// An answer without a body.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The answer to `OPTIONS`: what pages of another origin may send.
pub(super) fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE, GET, OPTIONS, PATCH, POST, PUT"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "accept, accept-encoding, authorization, content-type, dnt, origin, user-agent, \
             x-csrftoken, x-requested-with",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::OK, headers, Body::empty()).into_response()
}

/// Adds what every answer carries: the methods of the place, and leave to read it from any page.
pub(super) fn with_common_headers(mut response: Response, allow: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
