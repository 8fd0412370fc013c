//! Lines of JSON.

use std::io::Write;

use serde_json::json;
use sim_games_types::{Resource, RunPk, Timestamp};

use super::outlet::fault;
use crate::json::with_field;
use crate::model::Table;
use crate::sql::connection::{Connection, Fault, Value};
use crate::sql::dump;

/// What an export holds, parents first, and which rows of it: SQL with the run as `?`.
const OBJECTS: [(Resource, &str); 10] = [
    (Resource::Game, "t.id = (SELECT game FROM run WHERE id = ?)"),
    (Resource::Phase, "t.game = (SELECT game FROM run WHERE id = ?)"),
    (Resource::Role, "t.game = (SELECT game FROM run WHERE id = ?)"),
    (Resource::Run, "t.id = ?"),
    (Resource::World, "t.run = ?"),
    (Resource::RunUser, "t.run = ?"),
    (Resource::Scenario, "t.run = ?"),
    (Resource::Period, "t.run = ?"),
    (Resource::Decision, "t.run = ?"),
    (Resource::Result, "t.run = ?"),
];

/// Writes all objects: `{"resource":"run","object":{…}}`, the object as REST represents it.
pub(super) fn write_objects(
    connection: &dyn Connection,
    run: RunPk,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let mut line = Vec::new();
    for (resource, condition) in OBJECTS {
        let table = Table::of(resource);
        let start = format!("{{\"resource\":\"{resource}\",\"object\":");
        dump::each_row(connection, table, (condition, &[Value::Int(run.0)]), &mut |row| {
            line.clear();
            line.extend_from_slice(start.as_bytes());
            dump::write_object(table, row, &mut line)?;
            line.extend_from_slice(b"}\n");
            out.write_all(&line).map_err(fault)
        })?;
    }
    Ok(())
}

/// Writes all that the journal tells of the run, as the change feed tells it.
pub(super) fn write_changes(
    connection: &dyn Connection,
    run: RunPk,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    dump::each_change(connection, run.0, &mut |row| {
        let fields = json!({
            "seq": row.count(0)?,
            "at": Timestamp::from_micros(row.int(1)?),
            "resource": row.text(2)?,
            "pk": row.int(3)?,
            "action": row.text(4)?,
            "actor": row.opt_int(5)?,
            "cause": row.opt_text(6)?,
            "ref": row.text(7)?,
        });
        let line = with_field(&fields, "data", row.text(8)?);
        out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(fault)
    })
}
