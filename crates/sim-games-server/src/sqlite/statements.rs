//! The statements that read and write one row, made from the descriptions of the resources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sim_games_types::Resource;

use crate::model::Table;

/// The SQL of one resource.
#[derive(Debug)]
pub(super) struct Statements {
    /// Reads rows `t` with all that their representation needs; a condition is appended.
    pub(super) select: String,
    /// The same for the key `?1`.
    pub(super) by_pk: String,
    /// Reads `updated` and the fields of the key `?1`.
    pub(super) current: String,
    /// Stores a row: the fields in order, then the time.
    pub(super) insert: String,
    /// Changes a row and its run: the fields in order, then the time and the key.
    pub(super) update: String,
    /// Deletes the key `?1`.
    pub(super) delete: String,
}

static STATEMENTS: LazyLock<BTreeMap<Resource, Statements>> = LazyLock::new(|| {
    Resource::ALL.into_iter().map(|resource| (resource, build(Table::of(resource)))).collect()
});

/// The statements of a resource.
pub(super) fn of(resource: Resource) -> &'static Statements {
    &STATEMENTS[&resource]
}

/// Changes some fields of a row: their values in order, then the time and the key.
pub(super) fn update_of(table: &Table, fields: &[usize]) -> String {
    let mut sql = format!("UPDATE \"{}\" SET ", table.name());
    for index in fields {
        sql.push('"');
        sql.push_str(table.fields[*index].name);
        sql.push_str("\" = ?, ");
    }
    sql.push_str("updated = ? WHERE id = ?");
    sql
}

fn build(table: &Table) -> Statements {
    let name = table.name();
    let columns: Vec<String> = table.fields.iter().map(|it| format!("\"{}\"", it.name)).collect();
    let list = columns.join(", ");
    let count = columns.len();
    let places = |from: usize, to: usize| -> Vec<String> {
        (from..=to).map(|number| format!("?{number}")).collect()
    };
    let run = table.run_from.map(|sql| with_places(table, sql));
    let (run_column, run_value) = run
        .as_ref()
        .map_or((String::new(), String::new()), |sql| (", run".to_owned(), format!(", {sql}")));
    let mut changes: Vec<String> =
        columns.iter().zip(places(1, count)).map(|(it, place)| format!("{it} = {place}")).collect();
    changes.push(format!("updated = ?{}", count + 1));
    changes.extend(run.map(|sql| format!("run = {sql}")));
    let select = select(table);
    Statements {
        by_pk: format!("{select} WHERE t.id = ?1"),
        select,
        current: format!("SELECT updated, {list} FROM \"{name}\" WHERE id = ?1"),
        insert: format!(
            "INSERT INTO \"{name}\" ({list}, created, updated{run_column}) \
             VALUES ({}, ?{now}, ?{now}{run_value})",
            places(1, count).join(", "),
            now = count + 1,
        ),
        update: format!("UPDATE \"{name}\" SET {} WHERE id = ?{}", changes.join(", "), count + 2),
        delete: format!("DELETE FROM \"{name}\" WHERE id = ?1"),
    }
}

/// Replaces `:field` by the field's place.
fn with_places(table: &Table, sql: &str) -> String {
    table.fields.iter().enumerate().fold(sql.to_owned(), |sql, (index, field)| {
        sql.replace(&format!(":{})", field.name), &format!("?{})", index + 1))
    })
}

/// Columns: id, created, updated, game, run, whether the run is active, four texts of a member,
/// then the fields.
fn select(table: &Table) -> String {
    let name = table.name();
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
            " JOIN user u ON u.id = t.user LEFT JOIN role o ON o.id = t.role",
        )
    } else {
        ("NULL, NULL, NULL, NULL", "")
    };
    let fields: Vec<String> = table.fields.iter().map(|it| format!("t.\"{}\"", it.name)).collect();
    format!(
        "SELECT t.id, t.created, t.updated, {place}, {member}, {} FROM \"{name}\" t{join}{more}",
        fields.join(", ")
    )
}
