//! One request as the stand-in reads it, and one answer.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use reqwest::Url;
use serde_json::{Map, Value, json};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    url: Url,
    parameters: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Content,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Json(Value),
    Page(&'static str),
}

impl Asked {
    pub(super) async fn read(request: Request<Body>) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
        let url = format!("http://{}{}", host.unwrap_or("localhost"), parts.uri);
        let url = Url::parse(&url).ok()?;
        let parameters = url.query_pairs().into_owned().collect();
        let body = to_bytes(body, usize::MAX).await.ok()?.to_vec();
        Some(Self { method: parts.method, url, parameters, headers: parts.headers, body })
    }

    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The last value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has_parameters(&self) -> bool {
        self.url.query().is_some_and(|query| !query.is_empty())
    }

    /// The address of another page of this list; the first page is named by no number.
    pub(super) fn url_of_page(&self, number: usize) -> Url {
        let mut url = self.url.clone();
        let others: Vec<_> = self.parameters.iter().filter(|(name, _)| name != "page").collect();
        let mut query: Vec<(String, String)> = others.into_iter().cloned().collect();
        if number > 1 {
            query.push(("page".to_owned(), number.to_string()));
        }
        query.sort();
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The body as an object or array, or the answer to one that is neither.
    pub(super) fn json(&self) -> Result<Value, Answer> {
        let kind = self.header("content-type").unwrap_or("application/json");
        let plain = kind.split(';').next().unwrap_or_default().trim();
        match plain {
            _ if self.body.is_empty() => Ok(json!({})),
            "application/json" => serde_json::from_slice(&self.body).map_err(|error| {
                Answer::json(400, json!({"detail": format!("JSON parse error - {error}")}))
            }),
            "application/x-www-form-urlencoded" => Ok(self.form()),
            _ => {
                let text = format!("Unsupported media type \"{kind}\" in request.");
                Err(Answer::json(415, json!({ "detail": text })))
            }
        }
    }

    /// A form, in which a box that is not ticked is not sent.
    fn form(&self) -> Value {
        let mut url = self.url.clone();
        url.set_query(Some(&String::from_utf8_lossy(&self.body)));
        let pairs = url.query_pairs();
        let mut fields: Map<String, Value> =
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
        fields.entry("active").or_insert(false.into());
        fields.into()
    }
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Content::Nothing }
    }

    /// Where the original fails, or knows no such address, people get a page.
    pub(super) fn page(status: u16) -> Self {
        let body = Content::Page("<!doctype html>\n<h1>Ooops!!!</h1>");
        Self { status, headers: Vec::new(), body }
    }

    pub(super) fn not_found() -> Self {
        Self::json(404, json!({"detail": "Not found."}))
    }

    pub(super) fn not_allowed(method: &Method) -> Self {
        Self::json(405, json!({"detail": format!("Method \"{method}\" not allowed.")}))
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let (kind, body) = match self.body {
            Content::Nothing => (None, String::new()),
            Content::Json(value) => (Some("application/json"), value.to_string()),
            Content::Page(text) => (Some("text/html"), text.to_owned()),
        };
        let mut response =
            Response::builder().status(StatusCode::from_u16(self.status).unwrap_or_default());
        if let Some(kind) = kind {
            response = response.header("content-type", kind);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(body)).expect("every header was written here")
    }
}
