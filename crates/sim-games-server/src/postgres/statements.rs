//! The statements that write one row and answer it as it is then.
//!
//! A statement that fails would end the transaction, so a new row is checked by the statement that
//! stores it: if a parent is missing or a value is taken, nothing is stored and nothing answered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sim_games_types::Resource;

use crate::model::{Field, Kind, Table};
use crate::sql::statements::{agreements_of_new, assignments, columns, run_of_new, select_from};

static INSERTS: LazyLock<BTreeMap<Resource, String>> = LazyLock::new(|| {
    Resource::ALL.into_iter().map(|resource| (resource, build(Table::of(resource)))).collect()
});

/// Stores a row: the fields in order, then the time.
pub(super) fn insert(resource: Resource) -> &'static str {
    &INSERTS[&resource]
}

/// Changes the fields at some positions: their values in order, then the time and the key.
pub(super) fn update(table: &Table, changed: &[usize]) -> String {
    format!(
        "WITH written AS (UPDATE \"{}\" SET {} WHERE id = ?{} RETURNING *) {}",
        table.name(),
        assignments(table, changed),
        changed.len() + 2,
        select_from(table, "written")
    )
}

/// Whether a change of these fields can break a constraint.
pub(super) fn may_conflict(table: &Table, changed: &[usize]) -> bool {
    changed.iter().any(|index| {
        let field = &table.fields[*index];
        matches!(field.kind, Kind::Key(_))
            || table.unique.iter().any(|unique| unique.fields.contains(&field.name))
    })
}

fn build(table: &Table) -> String {
    let places: Vec<String> = table
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| format!("CAST(?{} AS {})", index + 1, type_of(field)))
        .collect();
    let now = format!("CAST(?{} AS BIGINT)", places.len() + 1);
    let parents: Vec<String> = table
        .fields
        .iter()
        .zip(&places)
        .filter_map(|(field, place)| match field.kind {
            Kind::Key(parent) => Some(exists(field, parent, place)),
            _ => None,
        })
        .chain(agreements_of_new(table))
        .collect();
    let condition = if parents.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", parents.join(" AND "))
    };
    let (run_column, run_value) = run_of_new(table)
        .map_or((String::new(), String::new()), |sql| (", run".to_owned(), format!(", {sql}")));
    format!(
        "WITH written AS (INSERT INTO \"{}\" ({}, created, updated{run_column}) \
         SELECT {}, {now}, {now}{run_value}{condition} ON CONFLICT DO NOTHING RETURNING *) {}",
        table.name(),
        columns(table).join(", "),
        places.join(", "),
        select_from(table, "written")
    )
}

fn exists(field: &Field, parent: Resource, place: &str) -> String {
    let found = format!("EXISTS (SELECT 1 FROM \"{}\" WHERE id = {place})", parent.name());
    if field.null { format!("({place} IS NULL OR {found})") } else { found }
}

const fn type_of(field: &Field) -> &'static str {
    match field.kind {
        Kind::Bool => "BOOLEAN",
        Kind::Integer { .. } | Kind::Key(_) | Kind::Time => "BIGINT",
        Kind::Text { .. }
        | Kind::Slug { .. }
        | Kind::Email
        | Kind::Url
        | Kind::Password
        | Kind::Json
        | Kind::Matrix => "TEXT",
    }
}
