//! The statements that read and write one row, made from the descriptions of the resources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sim_games_types::Resource;

use crate::model::{Kind, Table};

/// The position of the first field in the rows that the statements select.
pub(crate) const FIELDS: usize = 10;

/// The SQL of one resource, the same for every database.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Reads rows `t` with all that their representation needs; a condition is appended.
    pub(crate) select: String,
    /// The same for the key `?1`.
    pub(crate) by_pk: String,
    /// Reads `updated` and the fields of the key `?1`.
    pub(crate) current: String,
    /// Deletes the key `?1`.
    pub(crate) delete: String,
}

static STATEMENTS: LazyLock<BTreeMap<Resource, Statements>> = LazyLock::new(|| {
    Resource::ALL.into_iter().map(|resource| (resource, build(Table::of(resource)))).collect()
});

/// The statements of a resource.
pub(crate) fn of(resource: Resource) -> &'static Statements {
    &STATEMENTS[&resource]
}

/// The columns of a resource's fields, quoted.
pub(crate) fn columns(table: &Table) -> Vec<String> {
    table.fields.iter().map(|it| format!("\"{}\"", it.name)).collect()
}

/// How a new row finds its run: SQL in which the fields are the values `?1`, `?2` and so on.
pub(crate) fn run_of_new(table: &Table) -> Option<String> {
    table.run_from.map(|sql| with_places(table, sql))
}

/// What must hold of the keys of a new row, in which the fields are the values `?1`, `?2` and so on.
pub(crate) fn agreements_of_new(table: &Table) -> Vec<String> {
    let agreements = table.agreements.iter().map(|agreement| {
        let place = table.position(agreement.field).map_or(0, |position| position + 1);
        let holds = with_places(table, agreement.sql);
        format!("(CAST(?{place} AS BIGINT) IS NULL OR {holds})")
    });
    agreements.collect()
}

/// SQL whose `:field` became places in their order, and the fields that they stand for.
pub(crate) fn with_named_places(table: &Table, sql: &str) -> (String, Vec<&'static str>) {
    let mut found: Vec<(usize, &'static str)> = table
        .fields
        .iter()
        .filter_map(|field| Some((sql.find(&format!(":{})", field.name))?, field.name)))
        .collect();
    found.sort_unstable();
    let sql = found
        .iter()
        .fold(sql.to_owned(), |sql, (_, name)| sql.replacen(&format!(":{name})"), "?)", 1));
    (sql, found.into_iter().map(|(_, name)| name).collect())
}

/// SQL whose `:field` became the place of the field among all of the row's.
fn with_places(table: &Table, sql: &str) -> String {
    table.fields.iter().enumerate().fold(sql.to_owned(), |sql, (index, field)| {
        sql.replace(&format!(":{})", field.name), &format!("?{})", index + 1))
    })
}

/// The assignments that change the fields at some positions: their values in order, then the time.
/// When the row may get another parent all fields must be given, and it gets the parent's run.
pub(crate) fn assignments(table: &Table, changed: &[usize]) -> String {
    let mut sql = String::new();
    for (place, index) in changed.iter().enumerate() {
        sql.push_str(&format!("\"{}\" = ?{}, ", table.fields[*index].name, place + 1));
    }
    sql.push_str(&format!("updated = ?{}", changed.len() + 1));
    if changed.len() == table.fields.len()
        && let Some(run) = run_of_new(table)
    {
        sql.push_str(&format!(", run = {run}"));
    }
    sql
}

/// The positions that a change must write: what differs, or everything when the row moves.
///
/// A column that is not named costs no work on its indexes.
pub(crate) fn positions<T: PartialEq>(table: &Table, before: &[T], after: &[T]) -> Vec<usize> {
    let changed: Vec<usize> =
        (0..after.len()).filter(|index| before[*index] != after[*index]).collect();
    let moves = |index: &usize| matches!(table.fields[*index].kind, Kind::Key(_));
    if table.run_from.is_some() && changed.iter().any(moves) {
        return (0..after.len()).collect();
    }
    changed
}

fn build(table: &Table) -> Statements {
    let name = table.name();
    let select = select_from(table, &format!("\"{name}\""));
    Statements {
        by_pk: format!("{select} WHERE t.id = ?1"),
        select,
        current: format!(
            "SELECT updated, {} FROM \"{name}\" WHERE id = ?1",
            columns(table).join(", ")
        ),
        delete: format!("DELETE FROM \"{name}\" WHERE id = ?1"),
    }
}

/// Reads rows `t` of a table, or of what a statement has just written.
///
/// Columns: id, created, updated, game, run, whether the run is active, four texts of a member,
/// then the fields.
pub(crate) fn select_from(table: &Table, source: &str) -> String {
    let (place, join) = match table.resource {
        Resource::Game => ("t.id, NULL, NULL", ""),
        Resource::Phase | Resource::Role => ("t.game, NULL, NULL", ""),
        Resource::Run => ("t.game, t.id, t.active", ""),
        Resource::User | Resource::Hook => ("NULL, NULL, NULL", ""),
        Resource::World
        | Resource::RunUser
        | Resource::Scenario
        | Resource::Period
        | Resource::Decision
        | Resource::Result => ("r.game, r.id, r.active", " JOIN run r ON r.id = t.run"),
    };
    let (member, more) = if table.resource == Resource::RunUser {
        (
            "u.email, u.first_name, u.last_name, o.name",
            " JOIN \"user\" u ON u.id = t.\"user\" LEFT JOIN role o ON o.id = t.role",
        )
    } else {
        ("NULL, NULL, NULL, NULL", "")
    };
    let fields: Vec<String> = table.fields.iter().map(|it| format!("t.\"{}\"", it.name)).collect();
    format!(
        "SELECT t.id, t.created, t.updated, {place}, {member}, {} FROM {source} t{join}{more}",
        fields.join(", ")
    )
}
