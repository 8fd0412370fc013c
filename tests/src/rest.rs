//! A client of the REST API that hides nothing: a request in, status and body out.

use std::sync::Once;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// The account that every fresh database has.
pub(crate) const STAFF: (&str, &str) = ("simpl@simpl.world", "simpl");

/// A client of HTTP that goes to the services under test and nowhere else.
pub(crate) fn http_client() -> Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Refused only when one is installed already, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    });
    reqwest::Client::builder().no_proxy().build().context("making the client")
}

/// A client with the credentials of one account.
#[derive(Debug, Clone)]
pub struct Rest {
    http: reqwest::Client,
    base: String,
    email: String,
    password: String,
}

/// Status and body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body, null when it is empty and a text when it is no JSON.
    pub body: Value,
}

impl Rest {
    /// A client with the staff account.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn staff(base: &str) -> Result<Self> {
        Self::new(base, STAFF.0, STAFF.1)
    }

    /// A client with anybody's account.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str, email: &str, password: &str) -> Result<Self> {
        let http = http_client()?;
        let owned = |text: &str| text.to_owned();
        Ok(Self { http, base: owned(base), email: owned(email), password: owned(password) })
    }

    /// Sends one request; `path` is relative to the API's base, such as `worlds/1/`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.base));
        let request = request.basic_auth(&self.email, Some(&self.password));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.with_context(|| format!("{method} {path}"))?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        Ok(Reply { status, body })
    }

    /// Reads one object, or whatever else lies at `path`.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.expect(Method::GET, path, None, StatusCode::OK).await
    }

    /// Creates an object, or an array of them at a bulk endpoint.
    ///
    /// # Errors
    /// When the answer is not 201.
    pub async fn create(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::POST, path, Some(body), StatusCode::CREATED).await
    }

    /// Changes some fields of an object.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::PATCH, path, Some(body), StatusCode::OK).await
    }

    /// Replaces an object.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::PUT, path, Some(body), StatusCode::OK).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When the answer is not 204.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.expect(Method::DELETE, path, None, StatusCode::NO_CONTENT).await.map(|_| ())
    }

    /// Reads all pages of a list, such as `decisions/?run=1`.
    ///
    /// # Errors
    /// When one of the answers is no list.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for page in 1.. {
            let separator = if path.contains('?') { '&' } else { '?' };
            let paged = format!("{path}{separator}page_size=1000&page={page}");
            let reply = self.send(Method::GET, &paged, None).await?;
            if page > 1 && reply.status == 404 {
                break;
            }
            ensure!(reply.status == 200, "{paged}: {} {}", reply.status, reply.body);
            let items = reply.body.as_array().with_context(|| format!("`{path}` is no list"))?;
            all.extend(items.iter().cloned());
            if items.len() < 1000 {
                break;
            }
        }
        Ok(all)
    }

    async fn expect(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        status: StatusCode,
    ) -> Result<Value> {
        let reply = self.send(method.clone(), path, body).await?;
        let shown = &reply.body;
        ensure!(reply.status == status.as_u16(), "{method} {path}: {} {shown}", reply.status);
        Ok(reply.body)
    }
}
