//! One request: sending it, repeating it where that is safe, and reading the answer.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sim_games_types::Resource;
use url::Url;

use crate::error::problem_of_dates;
use crate::message::Message;
use crate::{Client, Error, RequestLine, Result};

/// The header that names what a request belongs to.
const REQUEST_ID: &str = "x-request-id";

/// A request that is ready to be sent, once or several times.
pub(crate) struct Request {
    method: Method,
    url: Url,
    body: Option<Bytes>,
    anonymous: bool,
    /// Credentials in place of the client's.
    authorization: Option<HeaderValue>,
    /// What it belongs to, for the server's log.
    name: Option<HeaderValue>,
    /// Whether sending it twice does the same as sending it once.
    repeatable: bool,
    /// How long the server was asked to wait before it answers.
    wait: Duration,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let repeatable = matches!(method, Method::GET | Method::PUT | Method::DELETE);
        Self {
            method,
            url,
            body: None,
            anonymous: false,
            authorization: None,
            name: None,
            repeatable,
            wait: Duration::ZERO,
        }
    }

    pub(crate) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn json<B>(self, body: &B, resource: Resource) -> Result<Self>
    where
        B: Serialize + ?Sized,
    {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Encode { resource, reason: error.to_string() })?;
        Ok(self.body(body))
    }

    pub(crate) fn body(mut self, json: Vec<u8>) -> Self {
        self.body = Some(json.into());
        self
    }

    /// Leaves the credentials out.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Sends other credentials than the client's.
    pub(crate) fn authorized(mut self, authorization: HeaderValue) -> Self {
        self.authorization = Some(authorization);
        self
    }

    /// Tells the server what it belongs to, for its log; what no header can hold is left out.
    pub(crate) fn named(mut self, name: Option<&str>) -> Self {
        self.name = name.and_then(|name| HeaderValue::from_str(name).ok());
        self
    }

    /// Lets it be sent again although its method does not promise that this is harmless.
    pub(crate) fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// Gives the server this much more time to answer.
    pub(crate) fn patient(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    fn line(&self) -> RequestLine {
        RequestLine::new(&self.method, &self.url)
    }
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) request: RequestLine,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|source| self.unexpected(source))
    }

    /// The error that the answer is not what the API promises.
    pub(crate) fn unexpected(&self, source: serde_json::Error) -> Error {
        Error::Decode { request: self.request.clone(), source }
    }
}

/// An attempt that failed, and whether another one makes sense.
struct Failure {
    error: Error,
    worth_repeating: bool,
    /// The pause that the server asked for.
    retry_after: Option<Duration>,
}

impl Client {
    /// Sends a request, and sends it again while that is safe and promising.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer> {
        let retry = self.0.retry;
        let backoff = ExponentialBuilder::default()
            .with_factor(2.0)
            .with_min_delay(retry.first_pause)
            .with_max_delay(retry.longest_pause)
            .with_max_times(retry.times)
            .with_jitter();
        let outcome = (|| self.attempt(&request))
            .retry(backoff)
            .when(|failure| failure.worth_repeating)
            .adjust(|failure, planned| {
                planned.and_then(|it| pause(it, failure.retry_after, retry.longest_pause))
            })
            .notify(|failure, pause| {
                tracing::debug!(
                    http.request = %request.line(),
                    error = %failure.error,
                    pause_ms = pause.as_millis(),
                    "repeating a request to the Games API"
                );
            })
            .await;
        outcome.map_err(|failure| failure.error)
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, Failure> {
        let mut builder = self.0.http.request(request.method.clone(), request.url.clone());
        let own = self.0.authorization.as_ref().filter(|_| !request.anonymous);
        if let Some(authorization) = request.authorization.as_ref().or(own) {
            builder = builder.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(name) = &request.name {
            builder = builder.header(REQUEST_ID, name.clone());
        }
        if !request.wait.is_zero() {
            builder = builder.timeout(self.0.timeout.saturating_add(request.wait));
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response =
            builder.send().await.map_err(|error| self.connection_failure(request, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body =
            response.bytes().await.map_err(|error| self.connection_failure(request, error))?;
        if status.is_success() {
            Ok(Answer { request: request.line(), status, headers, body })
        } else {
            Err(status_failure(request, status, &headers, &body))
        }
    }

    fn connection_failure(&self, request: &Request, error: reqwest::Error) -> Failure {
        let line = request.line();
        // The URL in reqwest's own text would show the query.
        let source = error.without_url();
        let (error, worth_repeating) = if source.is_connect() {
            let origin = request.url.origin().ascii_serialization();
            match problem_of_dates(&source) {
                Some(problem) => {
                    (Error::Certificate { request: line, origin, problem, source }, false)
                }
                None => (Error::Connect { request: line, origin, source }, true),
            }
        } else if source.is_timeout() {
            let limit = self.0.timeout.saturating_add(request.wait);
            (Error::Timeout { request: line, limit }, request.repeatable)
        } else {
            (Error::Transport { request: line, source }, request.repeatable)
        };
        Failure { error, worth_repeating, retry_after: None }
    }
}

fn status_failure(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Failure {
    let answer = Message::read(body);
    let is_conflict = answer.is_conflict();
    let is_json = answer.is_json;
    let (request_line, code, message) = (request.line(), status.as_u16(), answer.text);
    let error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Error::NotAllowed { request: request_line, status: code, message }
        }
        // Another server's 404 means that the base URL is wrong, not that a row is not there.
        StatusCode::NOT_FOUND if is_json => Error::NotFound { request: request_line, message },
        StatusCode::CONFLICT => Error::Conflict { request: request_line, status: code, message },
        StatusCode::BAD_REQUEST if is_conflict => {
            Error::Conflict { request: request_line, status: code, message }
        }
        _ if status.is_redirection() => {
            let target = headers.get(LOCATION).and_then(|it| it.to_str().ok()).unwrap_or("?");
            let target = target.split('?').next().unwrap_or(target);
            let message = format!("redirected to `{target}`; correct the base URL");
            Error::Refused { request: request_line, status: code, message }
        }
        _ => Error::Refused { request: request_line, status: code, message },
    };
    let is_passing = matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    Failure {
        error,
        worth_repeating: is_passing && request.repeatable,
        retry_after: retry_after(headers),
    }
}

/// How long to wait before the next attempt; none if the server asks for more than is allowed.
fn pause(planned: Duration, asked: Option<Duration>, longest: Duration) -> Option<Duration> {
    match asked {
        Some(asked) if asked > longest => None,
        Some(asked) => Some(planned.max(asked)),
        None => Some(planned),
    }
}

/// The pause that the server asks for in seconds; the form with a date is not used by any of ours.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_the_server_asks_for_is_kept_within_bounds() {
        let seconds = Duration::from_secs;
        assert_eq!(pause(seconds(2), None, seconds(5)), Some(seconds(2)));
        assert_eq!(pause(seconds(2), Some(seconds(1)), seconds(5)), Some(seconds(2)));
        assert_eq!(pause(seconds(2), Some(seconds(4)), seconds(5)), Some(seconds(4)));
        assert_eq!(pause(seconds(2), Some(seconds(6)), seconds(5)), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds() {
        let headers = |text: &str| HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers("3")), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(&headers("Fri, 31 Dec 1999 23:59:59 GMT")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
