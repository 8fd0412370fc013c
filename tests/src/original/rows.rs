//! The rows in memory, how they belong together, and what goes when one of them is deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::schema::{Kind, Type};

/// One row: the fields of its kind, and its id and times.
pub(super) type Row = Map<String, Value>;

/// What subscribers are told.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) event: String,
    pub(super) data: Value,
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    tables: BTreeMap<Kind, BTreeMap<u64, Row>>,
    last: BTreeMap<Kind, u64>,
}

impl Rows {
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.tables.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn get(&self, kind: Kind, pk: u64) -> Option<&Row> {
        self.tables.get(&kind)?.get(&pk)
    }

    /// The row that a key field points to.
    pub(super) fn target(&self, kind: Kind, row: &Row, field: &str) -> Option<(Kind, &Row)> {
        let found = kind.fields().iter().find(|it| it.name == field)?;
        let Type::Key(target) = found.holds else { return None };
        Some((target, self.get(target, row[field].as_u64()?)?))
    }

    pub(super) fn insert(&mut self, kind: Kind, fields: Row) -> u64 {
        let last = self.last.entry(kind).or_default();
        *last += 1;
        let pk = *last;
        let mut row = Row::from_iter([("id".to_owned(), pk.into())]);
        if kind != Kind::User {
            row.insert("created".to_owned(), now().into());
            row.insert("updated".to_owned(), now().into());
        }
        row.extend(fields);
        self.tables.entry(kind).or_default().insert(pk, row);
        pk
    }

    pub(super) fn update(&mut self, kind: Kind, pk: u64, fields: Row) {
        let Some(row) = self.tables.entry(kind).or_default().get_mut(&pk) else { return };
        row.extend(fields);
        if kind != Kind::User {
            row.insert("updated".to_owned(), now().into());
        }
    }

    /// The runs that a row belongs to: two for a scenario with two parents, none for an orphan.
    pub(super) fn runs_of(&self, kind: Kind, row: &Row) -> Vec<&Row> {
        let up: &[&str] = match kind {
            Kind::World | Kind::RunUser => &["run"],
            Kind::Scenario => &["world", "runuser"],
            Kind::Period => &["scenario"],
            Kind::Decision | Kind::Result => &["period"],
            Kind::Game | Kind::Phase | Kind::Role | Kind::Run | Kind::User => return Vec::new(),
        };
        let parents = up.iter().filter_map(|field| self.target(kind, row, field));
        parents
            .flat_map(|(kind, row)| match kind {
                Kind::Run => vec![row],
                _ => self.runs_of(kind, row),
            })
            .collect()
    }

    /// The game that a row belongs to.
    pub(super) fn game_of<'a>(&'a self, kind: Kind, row: &'a Row) -> Option<&'a Row> {
        match kind {
            Kind::Game => Some(row),
            Kind::User => None,
            Kind::Phase | Kind::Role | Kind::Run => Some(self.target(kind, row, "game")?.1),
            _ => Some(self.target(Kind::Run, self.runs_of(kind, row).first()?, "game")?.1),
        }
    }

    /// A row as clients see it.
    pub(super) fn shown(&self, kind: Kind, row: &Row) -> Value {
        let mut shown = row.clone();
        shown.remove("password");
        if kind.shows_run_active() {
            let run = self.runs_of(kind, row).first().map(|run| run["active"].clone());
            shown.insert("run_active".to_owned(), run.unwrap_or_default());
        }
        if kind == Kind::RunUser {
            if let Some((_, user)) = self.target(kind, row, "user") {
                for field in ["email", "first_name", "last_name"] {
                    shown.insert(field.to_owned(), user[field].clone());
                }
            }
            if let Some((_, role)) = self.target(kind, row, "role") {
                shown.insert("role_name".to_owned(), role["name"].clone());
            }
        }
        shown.into()
    }

    /// What subscribers are told when a row was created or changed; nothing about one without a
    /// game, which the original fails to name.
    pub(super) fn change(&self, kind: Kind, pk: u64, action: &str) -> Option<Change> {
        let row = self.get(kind, pk)?;
        let event = self.event(kind, row, action)?;
        Some(Change { event, data: self.told(kind, row) })
    }

    /// Deletes a row and what hangs on it, in the order of the original: kind by kind, and of the
    /// kinds those first that nothing but nullable fields ties to a later one.
    pub(super) fn delete(&mut self, kind: Kind, pks: &[u64]) -> Vec<Change> {
        let mut found = Collected::default();
        for pk in pks {
            found.add(self, kind, *pk);
        }
        // All are named while the game is still there.
        let named = found.in_order().into_iter().map(|kind| {
            let rows = found.pks(kind).filter_map(|pk| self.get(kind, pk));
            let rows = rows.map(|row| (row.clone(), self.event(kind, row, "deleted")));
            (kind, rows.collect::<Vec<_>>())
        });
        let mut changes = Vec::new();
        for (kind, rows) in named.collect::<Vec<_>>() {
            for (row, _) in &rows {
                let pk = row["id"].as_u64().unwrap_or_default();
                self.tables.entry(kind).or_default().remove(&pk);
            }
            for (row, event) in rows {
                let data = self.told(kind, &row);
                changes.extend(event.map(|event| Change { event, data }));
            }
        }
        changes
    }

    fn event(&self, kind: Kind, row: &Row, action: &str) -> Option<String> {
        let name = kind.name();
        if kind == Kind::User {
            return Some(format!("user.{action}"));
        }
        let slug = self.game_of(kind, row)?["slug"].as_str()?;
        Some(format!("{slug}.{name}.{action}"))
    }

    fn told(&self, kind: Kind, row: &Row) -> Value {
        match kind {
            Kind::User => json!({
                "id": row["id"],
                "email": row["email"],
                "first_name": row["first_name"],
                "last_name": row["last_name"],
            }),
            _ => self.shown(kind, row),
        }
    }
}

/// What a deletion takes along.
#[derive(Debug, Default)]
struct Collected {
    /// The kinds in the order in which they were met, with the rows of each.
    found: Vec<(Kind, BTreeSet<u64>)>,
    /// Which kinds have to go before a kind.
    first: BTreeMap<Kind, BTreeSet<Kind>>,
}

impl Collected {
    fn add(&mut self, rows: &Rows, kind: Kind, pk: u64) {
        let position = self.found.iter().position(|(it, _)| *it == kind).unwrap_or_else(|| {
            self.found.push((kind, BTreeSet::new()));
            self.found.len() - 1
        });
        if !self.found[position].1.insert(pk) {
            return;
        }
        for (dependent, is_nullable) in kind.dependents() {
            let is_tied = |row: &&Row| row[kind.name()].as_u64() == Some(pk);
            let tied: Vec<u64> =
                rows.all(*dependent).filter(is_tied).filter_map(|row| row["id"].as_u64()).collect();
            for pk in &tied {
                self.add(rows, *dependent, *pk);
            }
            if !is_nullable && !tied.is_empty() {
                self.first.entry(kind).or_default().insert(*dependent);
            }
        }
    }

    /// The rows of a kind, the newest first.
    fn pks(&self, kind: Kind) -> impl Iterator<Item = u64> {
        let found = self.found.iter().filter(move |(it, _)| *it == kind);
        found.flat_map(|(_, pks)| pks.iter().rev().copied())
    }

    fn in_order(&self) -> Vec<Kind> {
        let mut ordered: Vec<Kind> = Vec::new();
        while ordered.len() < self.found.len() {
            for (kind, _) in &self.found {
                let waits_for = self.first.get(kind).into_iter().flatten();
                if !ordered.contains(kind) && waits_for.into_iter().all(|it| ordered.contains(it)) {
                    ordered.push(*kind);
                }
            }
        }
        ordered
    }
}

/// The present as the original writes it.
pub(super) fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}
