//! What the original answers to each request, with its quirks and its defects.

use axum::http::Method;
use serde_json::{Value, json};

use super::accounts::{self, Accounts};
use super::check::{Way, check};
use super::exchange::{Answer, Asked};
use super::hooks::Hooks;
use super::lists;
use super::rows::{Change, Row, Rows};
use super::schema::Kind;

/// Everything the original keeps.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) rows: Rows,
    pub(super) accounts: Accounts,
    pub(super) hooks: Hooks,
    /// What subscribers have not been told yet.
    pub(super) changes: Vec<Change>,
}

impl Api {
    pub(super) fn new() -> Self {
        let mut rows = Rows::default();
        accounts::add_staff(&mut rows);
        Self { rows, accounts: Accounts::default(), hooks: Hooks::default(), changes: Vec::new() }
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        let path = asked.path();
        let known = ["/apis", "/rest-auth"].iter().any(|it| path.starts_with(it));
        if known && !path.ends_with('/') {
            return Answer::empty(301).with("location", format!("{path}/"));
        }
        let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let answer = match segments[..] {
            ["apis"] => Ok(index(asked)),
            ["apis", "authcheck"] => accounts::authcheck(&self.rows, asked),
            ["rest-auth", "login"] => self.accounts.login(&self.rows, asked),
            ["apis", "hooks"] => self.with_hooks(asked, None),
            ["apis", "hooks", key] => self.with_hooks(asked, Some(key)),
            ["apis", "bulk", collection, ref rest @ ..] => self.bulk(asked, collection, rest),
            ["apis", collection] => self.collection(asked, collection),
            ["apis", collection, key] => self.detail(asked, collection, key),
            ["apis", "scenarios", key, "rewind"] => self.rewind(asked, key),
            _ => Err(Answer::page(404)),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn with_hooks(&mut self, asked: &Asked, key: Option<&str>) -> Result<Answer, Answer> {
        let user = self.accounts.caller(&self.rows, asked, "Token")?;
        if user["is_staff"] != true {
            let text = "You do not have permission to perform this action.";
            return Err(Answer::json(403, json!({ "detail": text })));
        }
        let user = user["id"].as_u64().unwrap_or_default();
        self.hooks.answer(asked, user, key)
    }

    /// Lets in whoever has credentials, whatever he asks for.
    fn known(&self, asked: &Asked, collection: &str) -> Result<Kind, Answer> {
        let kind = Kind::of_collection(collection).ok_or_else(|| Answer::page(404))?;
        let scheme = if kind == Kind::User { "Basic realm=\"api\"" } else { "Token" };
        self.accounts.caller(&self.rows, asked, scheme)?;
        Ok(kind)
    }

    fn collection(&mut self, asked: &Asked, collection: &str) -> Result<Answer, Answer> {
        let kind = self.known(asked, collection)?;
        match asked.method {
            Method::GET | Method::HEAD => self.list(asked, kind),
            Method::POST => self.create(kind, Way::Create, &asked.json()?),
            Method::OPTIONS => Ok(description(kind)),
            _ => Err(Answer::not_allowed(&asked.method)),
        }
    }

    fn detail(&mut self, asked: &Asked, collection: &str, key: &str) -> Result<Answer, Answer> {
        let kind = self.known(asked, collection)?;
        match asked.method {
            // The original fails at every one of them.
            Method::PATCH => Err(Answer::page(500)),
            Method::OPTIONS => Ok(description(kind)),
            Method::GET | Method::HEAD => {
                let row = self.rows.get(kind, self.pk(kind, key)?);
                let row = row.ok_or_else(Answer::not_found)?;
                Ok(Answer::json(200, self.rows.shown(kind, row)))
            }
            Method::PUT => self.change(asked, kind, key, Way::Replace),
            Method::DELETE => {
                let pk = self.pk(kind, key)?;
                self.delete(kind, &[pk]);
                Ok(Answer::empty(204))
            }
            _ => Err(Answer::not_allowed(&asked.method)),
        }
    }

    /// The id of an existing row; games are named by their slugs.
    fn pk(&self, kind: Kind, key: &str) -> Result<u64, Answer> {
        let found = match kind {
            Kind::Game => {
                let game = self.rows.all(kind).find(|game| game["slug"] == *key);
                game.and_then(|game| game["id"].as_u64())
            }
            _ => key.parse().ok().filter(|pk| self.rows.get(kind, *pk).is_some()),
        };
        found.ok_or_else(Answer::not_found)
    }

    fn list(&self, asked: &Asked, kind: Kind) -> Result<Answer, Answer> {
        let chosen = lists::chosen(&self.rows, kind, asked);
        let chosen = chosen.map_err(|errors| Answer::json(400, errors))?;
        let all = chosen.into_iter().map(|row| self.rows.shown(kind, row)).collect();
        Ok(lists::page(asked, all))
    }

    fn create(&mut self, kind: Kind, way: Way, body: &Value) -> Result<Answer, Answer> {
        let mut fields =
            check(&self.rows, kind, way, None, body).map_err(|errors| Answer::json(400, errors))?;
        if kind == Kind::User {
            fields = accounts::created_by_staff(body, fields).ok_or_else(|| Answer::page(500))?;
        }
        let shown = self.insert(kind, fields)?;
        Ok(Answer::json(201, shown))
    }

    /// Stores a row; with one that belongs to no game the original fails at its event.
    fn insert(&mut self, kind: Kind, fields: Row) -> Result<Value, Answer> {
        let pk = self.rows.insert(kind, fields);
        let Some(change) = self.rows.change(kind, pk, "created") else {
            self.rows.delete(kind, &[pk]);
            return Err(Answer::page(500));
        };
        self.changes.push(change);
        let row = self.rows.get(kind, pk).ok_or_else(|| Answer::page(500))?;
        Ok(self.rows.shown(kind, row))
    }

    fn change(&mut self, asked: &Asked, kind: Kind, key: &str, way: Way) -> Result<Answer, Answer> {
        let pk = self.pk(kind, key)?;
        let body = asked.json()?;
        let mut fields = check(&self.rows, kind, way, self.rows.get(kind, pk), &body)
            .map_err(|errors| Answer::json(400, errors))?;
        if let (Kind::User, Some(password)) = (kind, body.get("password")) {
            fields.insert("password".to_owned(), password.clone());
        }
        if is_ragged(&fields) {
            return Err(Answer::page(500));
        }
        self.rows.update(kind, pk, fields);
        self.changes.extend(self.rows.change(kind, pk, "changed"));
        let row = self.rows.get(kind, pk).ok_or_else(Answer::not_found)?;
        Ok(Answer::json(200, self.rows.shown(kind, row)))
    }

    fn delete(&mut self, kind: Kind, pks: &[u64]) {
        let changes = self.rows.delete(kind, pks);
        self.changes.extend(changes);
    }

    fn bulk(&mut self, asked: &Asked, collection: &str, key: &[&str]) -> Result<Answer, Answer> {
        let kind = Kind::of_collection(collection);
        if matches!(kind, None | Some(Kind::Game | Kind::User)) {
            return Err(Answer::page(404));
        }
        let kind = self.known(asked, collection)?;
        match (asked.method.as_str(), key) {
            ("GET", []) => self.list(asked, kind),
            ("POST", []) => match asked.json()? {
                Value::Array(items) => self.create_all(kind, &items),
                single => self.create(kind, Way::BulkCreate, &single),
            },
            ("DELETE", []) if !asked.has_parameters() => Err(Answer::empty(400)),
            ("DELETE", []) => {
                let chosen = lists::chosen(&self.rows, kind, asked);
                let chosen = chosen.map_err(|errors| Answer::json(400, errors))?;
                let pks: Vec<_> = chosen.iter().filter_map(|row| row["id"].as_u64()).collect();
                for pk in pks {
                    self.delete(kind, &[pk]);
                }
                Ok(Answer::empty(204))
            }
            ("GET", [_]) => self.detail(asked, collection, key[0]),
            ("PUT", [key]) => self.change(asked, kind, key, Way::Replace),
            ("PATCH", [key]) => self.change(asked, kind, key, Way::Modify),
            ("DELETE", [_]) => Err(Answer::page(500)),
            (_, [] | [_]) => Err(Answer::not_allowed(&asked.method)),
            _ => Err(Answer::page(404)),
        }
    }

    /// Checks all, then stores one after the other, up to the first that fails.
    fn create_all(&mut self, kind: Kind, items: &[Value]) -> Result<Answer, Answer> {
        let mut checked = Vec::new();
        let mut errors = Vec::new();
        for item in items {
            match check(&self.rows, kind, Way::BulkCreate, None, item) {
                Ok(fields) => {
                    checked.push(fields);
                    errors.push(json!({}));
                }
                Err(error) => errors.push(error),
            }
        }
        if checked.len() < items.len() {
            return Err(Answer::json(400, errors.into()));
        }
        let mut created = Vec::new();
        for (fields, item) in checked.into_iter().zip(items) {
            if check(&self.rows, kind, Way::BulkCreate, None, item).is_err() {
                return Err(Answer::page(500));
            }
            created.push(self.insert(kind, fields)?);
        }
        Ok(Answer::json(201, created.into()))
    }

    /// Deletes first, and looks for the period to go back to afterwards.
    fn rewind(&mut self, asked: &Asked, key: &str) -> Result<Answer, Answer> {
        self.known(asked, "scenarios")?;
        if asked.method != Method::POST {
            return Err(Answer::not_allowed(&asked.method));
        }
        let scenario = self.pk(Kind::Scenario, key)?;
        let body = asked.json()?;
        let last = body.get("last_period_order").map_or(Some(0), Value::as_i64);
        let last = last.ok_or_else(|| Answer::page(500))?;
        let periods = self.rows.all(Kind::Period).filter(|it| it["scenario"] == scenario);
        let periods: Vec<(u64, i64)> =
            periods.filter_map(|it| Some((it["id"].as_u64()?, it["order"].as_i64()?))).collect();
        let later: Vec<u64> =
            periods.iter().filter(|(_, order)| *order > last).map(|(pk, _)| *pk).collect();
        self.delete(Kind::Period, &later);
        let kept = periods.iter().find(|(_, order)| *order == last);
        let (kept, _) = kept.ok_or_else(|| Answer::page(500))?;
        for (kind, flag) in [
            (Kind::Decision, "delete_last_period_decisions"),
            (Kind::Result, "delete_last_period_results"),
        ] {
            if body.get(flag).is_none_or(|it| *it == true) {
                let rows = self.rows.all(kind).filter(|it| it["period"] == *kept);
                let pks: Vec<u64> = rows.filter_map(|it| it["id"].as_u64()).collect();
                self.delete(kind, &pks);
            }
        }
        Ok(Answer::empty(204))
    }
}

fn is_ragged(fields: &Row) -> bool {
    let lists = fields.get("external_ids").and_then(Value::as_array);
    let mut lengths = lists.into_iter().flatten().map(|list| list.as_array().map(Vec::len));
    let first = lengths.next();
    lengths.any(|length| Some(length) != first)
}

fn index(asked: &Asked) -> Answer {
    let core = Kind::ALL.into_iter().filter(|kind| *kind != Kind::User);
    let host = asked.header("host").unwrap_or("localhost");
    let entry = |kind: Kind| {
        let name = format!("{}s", kind.name());
        let url = format!("http://{host}/apis/{name}/");
        (name, Value::from(url))
    };
    Answer::json(200, Value::Object(core.map(entry).collect()))
}

fn description(kind: Kind) -> Answer {
    Answer::json(200, json!({"name": kind.name(), "renders": ["application/json"]}))
}
