//! Reading very much: page by page, each row handed on as it stands.

use std::io::Write;
use std::ops::ControlFlow;

use sim_games_types::{Resource, Timestamp};

use super::connection::{Connection, Fault, FaultKind, Row, Value};
use super::statements::{self, FIELDS};
use crate::model::{Kind, Table};

/// Rows that are read at once, so that memory stays flat however many there are.
const PAGE: i64 = 2000;

/// Hands over all rows that fulfil a condition, by key. The condition's values come first.
pub(crate) fn each_row(
    connection: &dyn Connection,
    table: &Table,
    (condition, values): (&str, &[Value<'_>]),
    row: &mut dyn FnMut(&dyn Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let sql = format!(
        "{} WHERE {condition} AND t.id > ? ORDER BY t.id LIMIT ?",
        statements::of(table.resource).select
    );
    each_page(connection, &sql, values, row)
}

/// Hands over all changes of a run, in order: number, time, resource, key, action, actor, cause,
/// reference, object.
pub(crate) fn each_change(
    connection: &dyn Connection,
    run: i64,
    row: &mut dyn FnMut(&dyn Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let sql = "SELECT seq, at, resource, pk, action, actor, cause, ref, payload FROM journal \
               WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?";
    each_page(connection, sql, &[run.into()], row)
}

/// Repeats a statement that ends with a key to begin after and a number of rows, and whose first
/// column is that key.
fn each_page(
    connection: &dyn Connection,
    sql: &str,
    values: &[Value<'_>],
    hand_over: &mut dyn FnMut(&dyn Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut last = 0;
    loop {
        let mut page = values.to_vec();
        page.extend([Value::Int(last), Value::Int(PAGE)]);
        let mut rows = 0;
        connection.each(sql, &page, &mut |row| {
            rows += 1;
            last = row.int(0)?;
            hand_over(row)?;
            Ok(ControlFlow::Continue(()))
        })?;
        if rows < PAGE {
            return Ok(());
        }
    }
}

/// Writes the REST representation of an object from its row, without making the object: JSON that
/// is stored as text stays as it is.
pub(crate) fn write_object(table: &Table, row: &dyn Row, out: &mut Vec<u8>) -> Result<(), Fault> {
    put(out, format_args!("{{\"id\":{}", row.int(0)?));
    let below_run = !matches!(
        table.resource,
        Resource::Game | Resource::Phase | Resource::Role | Resource::Run
    );
    if below_run {
        put(out, format_args!(",\"run_active\":{}", row.flag(5)?));
    }
    for (name, column) in [("created", 1), ("updated", 2)] {
        put(out, format_args!(",\"{name}\":\"{}\"", Timestamp::from_micros(row.int(column)?)));
    }
    if table.resource == Resource::RunUser {
        let texts = [("email", 6), ("first_name", 7), ("last_name", 8), ("role_name", 9)];
        for (name, column) in texts {
            // A member without a role has no name of one either.
            if let Some(text) = row.opt_text(column)? {
                put(out, format_args!(",\"{name}\":"));
                quote(out, text)?;
            }
        }
    }
    for (index, field) in table.fields.iter().enumerate() {
        put(out, format_args!(",\"{}\":", field.name));
        match (field.kind, row.value(FIELDS + index)?) {
            (_, Value::Null) => out.extend_from_slice(b"null"),
            (Kind::Bool, Value::Int(number)) => put(out, format_args!("{}", number != 0)),
            (_, Value::Bool(flag)) => put(out, format_args!("{flag}")),
            (_, Value::Int(number)) => put(out, format_args!("{number}")),
            (Kind::Json | Kind::Matrix, Value::Text(json)) => {
                out.extend_from_slice(json.as_bytes());
            }
            (_, Value::Text(text)) => quote(out, text)?,
        }
    }
    out.push(b'}');
    Ok(())
}

/// Writes into memory, which cannot fail.
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes whatever is written");
}

fn quote(out: &mut Vec<u8>, text: &str) -> Result<(), Fault> {
    serde_json::to_writer(out, text).map_err(|error| Fault::new(FaultKind::Other, error))
}
