//! The Games API as its REST clients see it.

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Map, Value, json};
use sim::STAFF;
use sim::types::{Operation, Resource, Target, UnitOfWork};
use tower::ServiceExt;

/// Statuses with which a change is refused because of what others changed before.
const EXPECTED: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::CONFLICT];

/// A client that has logged in.
#[derive(Clone)]
pub(crate) struct Rest {
    router: Router,
    authorization: String,
}

impl Rest {
    pub(crate) async fn log_in(router: Router) -> Result<Self> {
        let mut rest = Self { router, authorization: String::new() };
        let (username, password) = STAFF;
        let login = json!({"username": username, "password": password});
        let (status, answer) = rest.send("POST", "/rest-auth/login/", &login).await?;
        ensure!(status.is_success(), "the login was answered {status}: {answer}");
        let answer: Value = serde_json::from_str(&answer)?;
        let key = answer["key"].as_str().context("the login's answer holds no token")?;
        rest.authorization = format!("Token {key}");
        Ok(rest)
    }

    /// Makes changes as a client does: one by a request of its kind, several by a unit of work.
    pub(crate) async fn change(&self, unit: UnitOfWork) -> Result<()> {
        let (method, path, body) = match &unit.operations[..] {
            [Operation::Create { resource, fields, reference: _ }] => {
                ("POST", format!("{}/", resource.collection()), body(fields))
            }
            [Operation::Change { resource, pk: Target::Pk(pk), fields }] => {
                ("PATCH", object(*resource, *pk), body(fields))
            }
            [Operation::Delete { resource, pk: Target::Pk(pk) }] => {
                ("DELETE", object(*resource, *pk), Value::Null)
            }
            [
                Operation::Rewind {
                    scenario,
                    last_period_order,
                    delete_last_period_decisions,
                    delete_last_period_results,
                },
            ] => {
                let options = json!({
                    "last_period_order": last_period_order,
                    "delete_last_period_decisions": delete_last_period_decisions,
                    "delete_last_period_results": delete_last_period_results,
                });
                ("POST", format!("scenarios/{scenario}/rewind/"), options)
            }
            _ => ("POST", "units/".to_owned(), serde_json::to_value(&unit)?),
        };
        let (status, answer) = self.send(method, &format!("/apis/{path}"), &body).await?;
        let expected = status.is_success() || EXPECTED.contains(&status);
        ensure!(expected, "{method} {path} was answered {status}: {answer}");
        Ok(())
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(StatusCode, String)> {
        let mut request = Request::builder().method(method).uri(path).header("host", "games");
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        };
        let response = self.router.clone().oneshot(request?).await?;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn object(resource: Resource, pk: i64) -> String {
    format!("{}/{pk}/", resource.collection())
}

fn body(fields: &Map<String, Value>) -> Value {
    Value::Object(fields.clone())
}
