//! One row of the original, and what becomes of it here.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sim_games_types::{Fields, Resource, Timestamp};

use crate::model::{Cell, Presence, Table, apply_rules, check};
use crate::sql::restore::Restored;

/// A row of the original.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) key: i64,
    /// Both times in microseconds.
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Its fields as JSON, by the names that ours have.
    pub(super) fields: String,
}

impl Original {
    /// The row as ours would be, or why it breaks a rule by itself.
    pub(super) fn checked(self, resource: Resource) -> Result<Restored, String> {
        let table = Table::of(resource);
        let mut fields: Fields = serde_json::from_str(&self.fields)
            .map_err(|error| format!("its data cannot be kept: {error}"))?;
        if resource == Resource::Game && fields.get("slug").and_then(Json::as_str) == Some("") {
            // One that is made of the name would be a new address for what has had none.
            return Err("slug: This field may not be blank.".to_owned());
        }
        let more = match resource {
            Resource::User => of_user(&mut fields),
            _ => Vec::new(),
        };
        let checked = check(table, &fields, Presence::New, &BTreeMap::new());
        let mut errors = checked.errors;
        let mut cells: Vec<Cell> =
            checked.cells.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect();
        apply_rules(table, &mut cells, &mut errors);
        if !errors.is_empty() {
            return Err(errors.sentence());
        }
        let Self { key, created, updated, .. } = self;
        Ok(Restored { pk: key, created, updated, run: None, cells, more })
    }
}

/// What of a user no request can write; and no password where it was Django's mark of an account
/// that nobody can log in to.
fn of_user(fields: &mut Fields) -> Vec<Cell> {
    let unusable = |it: &Json| it.as_str().is_none_or(|it| it.is_empty() || it.starts_with('!'));
    if fields.get("password").is_some_and(unusable) {
        fields.remove("password");
    }
    let faculty = fields.get("faculty").and_then(Json::as_bool).unwrap_or_default();
    let last_login = fields.get("last_login").and_then(Json::as_str);
    let last_login = last_login.and_then(|text| text.parse::<Timestamp>().ok());
    let last_login = last_login.map_or(Cell::Null, |time| Cell::Int(time.micros()));
    vec![Cell::Bool(faculty), last_login]
}
