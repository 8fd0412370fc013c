//! Subscriptions to events, kept and answered as the original does.

use std::collections::BTreeMap;

use axum::http::Method;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::rows::{Row, now};

/// All subscriptions, by id.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    all: BTreeMap<u64, Row>,
    last: u64,
}

impl Hooks {
    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        user: u64,
        key: Option<&str>,
    ) -> Result<Answer, Answer> {
        let Some(key) = key else {
            return match asked.method {
                Method::GET => {
                    let own = self.all.values().filter(|hook| hook["user"] == user);
                    Ok(Answer::json(200, own.cloned().map(Value::from).collect::<Vec<_>>().into()))
                }
                Method::POST => self.create(&asked.json()?, user),
                _ => Err(Answer::not_allowed(&asked.method)),
            };
        };
        let pk: u64 = key.parse().map_err(|_| Answer::not_found())?;
        let hook = self.all.get_mut(&pk).filter(|hook| hook["user"] == user);
        let hook = hook.ok_or_else(Answer::not_found)?;
        match asked.method {
            Method::GET => {}
            Method::PUT => change(hook, checked(&asked.json()?, true)?),
            Method::PATCH => change(hook, checked(&asked.json()?, false)?),
            Method::DELETE => {
                self.all.remove(&pk);
                return Ok(Answer::empty(204));
            }
            _ => return Err(Answer::not_allowed(&asked.method)),
        }
        Ok(Answer::json(200, hook.clone().into()))
    }

    /// The same subscription again makes no second one, and shows less of the first.
    fn create(&mut self, body: &Value, user: u64) -> Result<Answer, Answer> {
        let fields = checked(body, true)?;
        let is_same = |hook: &Row| {
            hook["user"] == user && hook["event"] == fields["event"] && hook["url"] == fields["url"]
        };
        if self.all.values().any(is_same) {
            return Ok(Answer::json(201, fields.into()));
        }
        self.last += 1;
        let hook = json!({
            "id": self.last, "event": fields["event"], "url": fields["url"], "user": user,
            "connected": false, "erroring": false, "last_error": null, "last_error_status": null,
            "last_error_content": null, "created": now(), "modified": now(),
        });
        let Value::Object(row) = hook.clone() else { unreachable!("an object is written here") };
        self.all.insert(self.last, row);
        Ok(Answer::json(201, hook))
    }

    /// Who is told of an event: ids and addresses.
    pub(super) fn subscribers(&self, event: &str) -> Vec<(u64, String)> {
        let wanted = format!("{}.*", event.split('.').next().unwrap_or_default());
        let subscribed = self.all.iter().filter(|(_, hook)| hook["event"] == wanted);
        let found =
            subscribed.filter_map(|(pk, hook)| Some((*pk, hook["url"].as_str()?.to_owned())));
        found.collect()
    }

    /// Notes what became of a delivery; a failure is never forgotten.
    pub(super) fn delivered(&mut self, pk: u64, error: Option<String>) {
        let Some(hook) = self.all.get_mut(&pk) else { return };
        match error {
            None => drop(hook.insert("connected".to_owned(), true.into())),
            Some(text) => {
                hook.insert("erroring".to_owned(), true.into());
                hook.insert("last_error".to_owned(), now().into());
                hook.insert("last_error_content".to_owned(), text.into());
            }
        }
    }
}

fn change(hook: &mut Row, fields: Row) {
    hook.extend(fields);
    hook.insert("modified".to_owned(), now().into());
}

fn checked(body: &Value, is_whole: bool) -> Result<Row, Answer> {
    let mut fields = Row::new();
    let mut errors = Map::new();
    for name in ["event", "url"] {
        match body.get(name).and_then(Value::as_str) {
            Some(url) if name == "url" && !is_url(url) => {
                errors.insert(name.to_owned(), json!(["Enter a valid URL."]));
            }
            Some(text) => drop(fields.insert(name.to_owned(), text.into())),
            None if is_whole => {
                drop(errors.insert(name.to_owned(), json!(["This field is required."])));
            }
            None => {}
        }
    }
    if errors.is_empty() { Ok(fields) } else { Err(Answer::json(400, errors.into())) }
}

/// The host must be `localhost`, an address or a name with a dot.
fn is_url(text: &str) -> bool {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let host = url.as_ref().and_then(Url::host_str);
    host.is_some_and(|host| host == "localhost" || host.contains(['.', ':']))
}
