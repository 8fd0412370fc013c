//! Storing rows that have their keys and times already, since another database gave them.
//!
//! Parents come first. A row is stored as it is: what a unit of work checks, the caller has checked.

use std::collections::{BTreeSet, HashMap, HashSet};

use sim_games_types::{Action, Change, Resource, Timestamp};

use super::connection::{Connection, Fault, Value, Writing};
use super::dialect::Dialect;
pub(crate) use super::read::head;
use super::row::entry;
use super::{conflict, statements};
use crate::credentials::Digest;
use crate::model::{Cell, Table};

/// Rows that one statement stores.
const ROWS: usize = 100;

/// Keys that one statement looks for.
const KEYS: usize = 500;

/// Rows that are told to the journal at once.
const PAGE: i64 = 2000;

/// What of a user only the database knows.
const OF_USERS: [&str; 2] = ["faculty", "last_login"];

/// A row with what it had before.
#[derive(Clone, Debug)]
pub(crate) struct Restored {
    pub(crate) pk: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// The run that it belongs to, where rows repeat their parent's.
    pub(crate) run: Option<i64>,
    /// Its fields in the order of their description.
    pub(crate) cells: Vec<Cell>,
    /// Of a user: whether it is of the faculty, and when it has logged in.
    pub(crate) more: Vec<Cell>,
}

/// Whether there is nothing but the account that a new database has, and never was anything else.
pub(crate) fn is_untouched(connection: &dyn Connection) -> Result<bool, Fault> {
    if connection.exists("SELECT 1 FROM \"user\" LIMIT 1 OFFSET 1", &[])? {
        return Ok(false);
    }
    let mut others = vec![
        "SELECT 1 FROM answer LIMIT 1".to_owned(),
        "SELECT 1 FROM journal WHERE resource <> 'user' LIMIT 1".to_owned(),
    ];
    let resources = Resource::ALL.into_iter().filter(|resource| *resource != Resource::User);
    others.extend(resources.map(|it| format!("SELECT 1 FROM \"{}\" LIMIT 1", it.name())));
    for sql in others {
        if connection.exists(&sql, &[])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which of these rows there are, and the run of each, if it is of a run.
pub(crate) fn runs_of(
    connection: &dyn Connection,
    resource: Resource,
    keys: &[i64],
) -> Result<HashMap<i64, Option<i64>>, Fault> {
    let run = match resource {
        Resource::Run => "id",
        Resource::World | Resource::RunUser | Resource::Scenario | Resource::Period => "run",
        _ => "NULL",
    };
    let mut runs = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(KEYS) {
        let places = vec!["?"; keys.len()].join(", ");
        let sql = format!(
            "SELECT id, CAST({run} AS BIGINT) FROM \"{}\" WHERE id IN ({places})",
            resource.name()
        );
        let values: Vec<Value<'_>> = keys.iter().map(|key| Value::Int(*key)).collect();
        runs.extend(connection.rows(&sql, &values, |row| Ok((row.int(0)?, row.opt_int(1)?)))?);
    }
    Ok(runs)
}

/// Stores rows, and tells the keys of those that were stored: the others are alike to one that
/// was there before, or that came earlier among them.
pub(crate) fn insert(
    connection: &dyn Connection,
    table: &Table,
    rows: &[Restored],
) -> Result<HashSet<i64>, Fault> {
    let mut stored = HashSet::with_capacity(rows.len());
    let full = rows.chunks_exact(ROWS);
    // Rows by the hundred or one by one, so that few statements are prepared.
    let single = full.remainder().chunks(1);
    for rows in full.chain(single) {
        let values: Vec<Value<'_>> = rows.iter().flat_map(|row| values(table, row)).collect();
        stored.extend(connection.keys(&insert_sql(table, rows.len()), &values)?);
    }
    Ok(stored)
}

fn insert_sql(table: &Table, rows: usize) -> String {
    let mut columns: Vec<&str> = vec!["id", "created", "updated"];
    columns.extend(table.run_from.map(|_| "run"));
    let fields = statements::columns(table);
    columns.extend(fields.iter().map(String::as_str));
    if table.resource == Resource::User {
        columns.extend(OF_USERS);
    }
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    format!(
        "INSERT INTO \"{}\" ({}) VALUES {} ON CONFLICT DO NOTHING RETURNING id",
        table.name(),
        columns.join(", "),
        vec![row.as_str(); rows].join(", ")
    )
}

fn values<'r>(table: &Table, row: &'r Restored) -> impl Iterator<Item = Value<'r>> {
    let run = table.run_from.map(|_| Value::from(row.run));
    [Value::Int(row.pk), Value::Int(row.created), Value::Int(row.updated)]
        .into_iter()
        .chain(run)
        .chain(row.cells.iter().chain(&row.more).map(Value::from))
}

/// The rows that share with this one what no two may share: when they were last stored, and keys.
pub(crate) fn alike(
    connection: &dyn Connection,
    table: &Table,
    cells: &[Cell],
) -> Result<BTreeSet<(i64, i64)>, Fault> {
    let mut found = BTreeSet::new();
    for unique in table.unique {
        let values: Vec<Cell> = unique
            .fields
            .iter()
            .filter_map(|name| table.position(name))
            .map(|position| cells[position].clone())
            .collect();
        if let Some(pk) = conflict::matching(connection, table, unique.fields, &values)? {
            let sql = format!("SELECT updated FROM \"{}\" WHERE id = ?", table.name());
            let updated = connection.first(&sql, &[pk.into()], |row| row.int(0))?;
            found.insert((updated.unwrap_or_default(), pk));
        }
    }
    Ok(found)
}

/// Removes a row on which nothing hangs, as if it had never been there.
pub(crate) fn remove(
    connection: &dyn Connection,
    resource: Resource,
    pk: i64,
) -> Result<(), Fault> {
    connection.execute(&statements::of(resource).delete, &[pk.into()]).map(|_| ())
}

/// Removes all users, on whom nothing but tokens hangs.
pub(crate) fn remove_users(connection: &dyn Connection) -> Result<(), Fault> {
    connection.execute("DELETE FROM \"user\"", &[]).map(|_| ())
}

/// Stores a login by token.
pub(crate) fn insert_token(
    connection: &dyn Connection,
    digest: &Digest,
    user: i64,
    created: i64,
) -> Result<(), Fault> {
    let sql = "INSERT INTO token (digest, \"user\", created) VALUES (?, ?, ?)";
    connection.execute(sql, &[digest.as_str().into(), user.into(), created.into()]).map(|_| ())
}

/// Tells the journal of all rows of a resource, by key; answers the journal's last number.
pub(crate) fn record(
    connection: &dyn Writing,
    resource: Resource,
    action: Action,
    (mut seq, at, cause): (u64, Timestamp, &str),
) -> Result<u64, Fault> {
    let sql = format!("{} WHERE t.id > ?1 ORDER BY t.id LIMIT ?2", statements::of(resource).select);
    let reading: &dyn Connection = connection;
    let mut last = i64::MIN;
    loop {
        let rows = reading.rows(&sql, &[last.into(), PAGE.into()], |row| entry(resource, row))?;
        let Some(end) = rows.last() else { return Ok(seq) };
        last = end.object.record.pk();
        let changes = rows.into_iter().map(|row| {
            seq += 1;
            Change {
                seq,
                at,
                game: row.game,
                run: row.run,
                action,
                object: row.object,
                actor: None,
                cause: Some(cause.into()),
            }
        });
        connection.record(&changes.collect::<Vec<_>>())?;
    }
}

/// Lets all subscribers begin after a number of the journal.
pub(crate) fn begin_hooks_after(connection: &dyn Connection, seq: u64) -> Result<(), Fault> {
    connection.execute("UPDATE hook SET delivered = ?", &[seq.into()]).map(|_| ())
}

/// Sees to it that new rows get keys above this one.
pub(crate) fn give_keys_after(
    connection: &dyn Connection,
    resource: Resource,
    highest: i64,
) -> Result<(), Fault> {
    let name = resource.name();
    match connection.dialect() {
        Dialect::Sqlite => {
            // There is a line for each table that ever had a row.
            let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = ?2";
            if connection.execute(sql, &[highest.into(), name.into()])? == 0 {
                let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?2, ?1)";
                connection.execute(sql, &[highest.into(), name.into()])?;
            }
            Ok(())
        }
        Dialect::Postgres => {
            let sql = format!(
                "SELECT setval(s, greatest(?1, coalesce(pg_sequence_last_value(s), 1))) \
                 FROM CAST(pg_get_serial_sequence('\"{name}\"', 'id') AS regclass) s"
            );
            connection.exists(&sql, &[highest.into()]).map(|_| ())
        }
    }
}
