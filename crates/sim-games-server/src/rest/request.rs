//! A request taken apart: method, path, parameters, body.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use sim_games_types::Fields;
use url::form_urlencoded;

use super::answer::Refusal;
use crate::error::FieldErrors;
use crate::model::{NO_NUL, type_name};

/// The longest path and query, in bytes.
pub(crate) const ADDRESS_LIMIT: usize = 16 * 1024;

/// The largest headers, names and values together, in bytes.
pub(crate) const HEADER_LIMIT: usize = 32 * 1024;

/// How long a body may take to arrive; a client that stalls does not hold a connection for ever.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// How long the rest of a refused request's body may take to arrive.
const LEFTOVER_TIME: Duration = Duration::from_secs(1);

/// The header by which a client names what its request belongs to, for the log only.
const REQUEST_ID: &str = "x-request-id";

/// The longest such name, in bytes.
const LONGEST_NAME: usize = 64;

/// What a client says that its request belongs to: `<session>/<request>` for a call of a browser. What
/// could look like something else in the log is left out.
pub(super) fn name(headers: &HeaderMap) -> Option<&str> {
    let name = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    (1..=LONGEST_NAME).contains(&name.len()).then_some(name).filter(|it| it.chars().all(is_plain))
}

/// A request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// The query's parameters, in their order.
    pub(super) parameters: Vec<(String, String)>,
    /// Where it comes from, where the server tells it.
    pub(super) client: Option<IpAddr>,
}

/// The body of a request, which is read only once the caller is known.
#[derive(Debug)]
pub(super) struct Payload {
    /// There until it is read.
    body: Arc<Mutex<Option<Body>>>,
    media_type: String,
    /// The length that was announced.
    length: Option<u64>,
    limit: usize,
}

/// Takes a request apart; a body above the limit will be refused.
pub(super) fn take_apart(request: Request, limit: usize) -> (Call, Payload) {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let client =
        parts.extensions.get().map(|ConnectInfo(from): &ConnectInfo<SocketAddr>| from.ip());
    let Parts { method, uri, headers, .. } = parts;
    let call = Call { method, uri, headers, parameters, client };
    let media_type = call.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let length = call.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let body = Arc::new(Mutex::new(Some(body)));
    (call, Payload { body, media_type, length, limit })
}

/// What of a body a refusal has left unread.
pub(super) struct Leftover {
    body: Arc<Mutex<Option<Body>>>,
    is_wanted: bool,
    limit: usize,
}

impl Leftover {
    /// Takes the rest of a body off the connection, within bounds: otherwise the connection would
    /// have to be closed, under the next request of a client that keeps it.
    pub(super) async fn discard(self) {
        let left = take(&self.body).filter(|_| self.is_wanted);
        if let Some(body) = left {
            let reading = bytes(body, None, self.limit);
            // Whatever it comes to, the request has its answer already.
            drop(tokio::time::timeout(LEFTOVER_TIME, reading).await);
        }
    }
}

fn take(body: &Mutex<Option<Body>>) -> Option<Body> {
    body.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Call {
    /// Refuses requests that are too large, and queries that are no text.
    ///
    /// A query that is no UTF-8 would be read with replacements, and a deletion must not be
    /// filtered by what the client did not write. Not every database takes NUL characters.
    pub(super) fn within_limits(&self, parameters: usize) -> Result<(), Refusal> {
        let query = self.uri.query().unwrap_or_default();
        if self.uri.path().len() + query.len() > ADDRESS_LIMIT {
            return Err(Refusal::address(ADDRESS_LIMIT));
        }
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        if headers.sum::<usize>() > HEADER_LIMIT {
            return Err(Refusal::headers(HEADER_LIMIT));
        }
        if percent_decode_str(query).decode_utf8().is_err() {
            return Err(Refusal::query("The query is not valid UTF-8."));
        }
        if self.parameters.len() > parameters {
            return Err(Refusal::too_many_parameters(parameters));
        }
        let has_nul =
            |(name, value): &&(String, String)| name.contains('\0') || value.contains('\0');
        match self.parameters.iter().find(has_nul) {
            Some((name, _)) => Err(FieldErrors::one(&name.replace('\0', ""), NO_NUL).into()),
            None => Ok(()),
        }
    }

    /// A header's value, when it is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The last value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().rev().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The query without passwords: stock clients put them there.
    pub(super) fn redacted_query(&self) -> String {
        let shown = self.parameters.iter().map(|(name, value)| {
            let secret = name.to_ascii_lowercase().contains("password");
            (name.as_str(), if secret { "***" } else { value.as_str() })
        });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(shown).finish()
    }

    /// The answer to a path that lacks its final slash; unsafe methods are to be repeated as such.
    pub(super) fn redirect_to_slash(&self) -> Option<Response> {
        let path = self.uri.path();
        if path.ends_with('/') {
            return None;
        }
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let status = match self.method {
            Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::PERMANENT_REDIRECT,
        };
        Some((status, [(header::LOCATION, format!("{path}/{query}"))]).into_response())
    }

    /// Scheme and host by which the client reached the service.
    pub(super) fn origin(&self) -> String {
        let authority = self.uri.authority().map(axum::http::uri::Authority::as_str);
        let host = self.header(header::HOST).or(authority).unwrap_or("localhost");
        format!("http://{host}")
    }

    /// Refuses clients that take no JSON. Browsers, which ask for HTML, get JSON as well.
    pub(super) fn accepts_json(&self) -> Result<(), Refusal> {
        let Some(accept) = self.header(header::ACCEPT) else { return Ok(()) };
        let range = |part: &str| {
            let range = part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            ["*/*", "application/*", "application/json", "text/html", ""].contains(&range.as_str())
        };
        if accept.split(',').any(range) { Ok(()) } else { Err(Refusal::not_acceptable()) }
    }

    /// Whether the client asks for a stream of events.
    pub(super) fn accepts_events(&self) -> bool {
        let accept = self.header(header::ACCEPT).unwrap_or_default();
        accept.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case("text/event-stream"))
    }

    /// Refuses other methods than these; `HEAD` goes with `GET`.
    pub(super) fn only(&self, methods: &[Method]) -> Result<(), Refusal> {
        let head = self.method == Method::HEAD && methods.contains(&Method::GET);
        if head || methods.contains(&self.method) {
            Ok(())
        } else {
            Err(Refusal::method(&self.method))
        }
    }

    /// Who is to blame for a change, for people who read the audit log.
    pub(super) fn cause(&self) -> String {
        format!("{} {}", self.method, self.uri.path())
    }
}

impl Payload {
    /// What will be left of the body, should nobody read it. A client that waits to be asked for
    /// it, or announces too much, is not asked.
    pub(super) fn leftover(&self, call: &Call) -> Leftover {
        let is_wanted = call.header(header::EXPECT).is_none()
            && self.length.is_none_or(|length| length <= self.limit as u64);
        Leftover { body: Arc::clone(&self.body), is_wanted, limit: self.limit }
    }

    /// The body as JSON; no body is an empty object.
    pub(super) async fn json(self) -> Result<Value, Refusal> {
        let Self { body, media_type, length, limit } = self;
        let body = take(&body).unwrap_or_default();
        let arriving = tokio::time::timeout(BODY_TIME, bytes(body, length, limit));
        let bytes = arriving.await.map_err(|_| Refusal::too_slow(BODY_TIME))??;
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_json = essence.eq_ignore_ascii_case("application/json");
        if bytes.is_empty() && (is_json || essence.is_empty()) {
            return Ok(Value::Object(Map::new()));
        }
        if !is_json {
            return Err(Refusal::media_type(&media_type));
        }
        serde_json::from_slice(&bytes).map_err(Refusal::malformed)
    }

    /// The body as an object.
    pub(super) async fn fields(self) -> Result<Fields, Refusal> {
        as_fields(self.json().await?).map_err(Refusal::from)
    }
}

/// Reads a body; one that is announced too large is not even asked for.
async fn bytes(body: Body, length: Option<u64>, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut read = Vec::new();
    if length.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::broken_off())?;
        if read.len() + chunk.len() > limit {
            return Err(Refusal::too_large(limit));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

/// A number of a parameter or header, or what is wrong with it.
pub(super) fn bounded(
    name: &str,
    text: &str,
    range: RangeInclusive<u64>,
    errors: &mut FieldErrors,
) -> Option<u64> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    if number.is_none() {
        let (from, to) = range.into_inner();
        errors.push(name, format!("A number from {from} to {to} is required."));
    }
    number
}

/// The fields of a JSON object.
pub(super) fn as_fields(value: Value) -> Result<Fields, FieldErrors> {
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Err(FieldErrors::one(FieldErrors::OBJECT, "No data provided")),
        other => {
            let kind = type_name(&other);
            let message = format!("Invalid data. Expected a dictionary, but got {kind}.");
            Err(FieldErrors::one(FieldErrors::OBJECT, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_look_like_something_else_in_the_log_is_left_out() {
        let named = |text: &str| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(REQUEST_ID),
                text.parse().expect("the header's value is text"),
            )]);
            name(&headers).map(str::to_owned)
        };
        for plain in ["4503599627370496/42", "7/invocation-3", "0b8f.a_1:2"] {
            assert_eq!(named(plain).as_deref(), Some(plain));
        }
        for other in ["", "a b", "a=1", "ü", "\"", &"a".repeat(LONGEST_NAME + 1)] {
            assert_eq!(named(other), None, "{other}");
        }
        assert_eq!(name(&HeaderMap::new()), None);
    }
}
