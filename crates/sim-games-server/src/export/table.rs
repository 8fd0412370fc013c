//! The table for spreadsheets.

use std::borrow::Cow;
use std::io::Write;

use csv::WriterBuilder;
use serde_json::Value as Json;
use sim_games_types::{Resource, RunPk, Timestamp};

use super::outlet::fault;
use super::surroundings::Surroundings;
use crate::model::Table;
use crate::sql::connection::{Connection, Fault, Value};
use crate::sql::dump;
use crate::sql::statements::FIELDS;

/// The names of the columns.
pub(super) const COLUMNS: [&str; 13] = [
    "kind", "id", "run", "world", "scenario", "period", "role", "player", "name", "value", "data",
    "created", "updated",
];

/// Writes one row per decision and result, the decisions first, each by key.
pub(super) fn write(
    connection: &dyn Connection,
    run: RunPk,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let around = Surroundings::read(connection, run)?;
    let mut table = WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    table.write_record(COLUMNS).map_err(broken)?;
    let run_name = harmless(&around.run);
    for resource in [Resource::Decision, Resource::Result] {
        let values = [Value::Int(run.0)];
        dump::each_row(connection, Table::of(resource), ("t.run = ?", &values), &mut |row| {
            // The fields of a decision: name, period, role, data.
            let (name, data) = (row.text(FIELDS)?, row.text(FIELDS + 3)?);
            let place = around.place(row.int(FIELDS + 1)?, row.opt_int(FIELDS + 2)?);
            let id = row.int(0)?.to_string();
            let time =
                |column| Ok::<_, Fault>(Timestamp::from_micros(row.int(column)?).to_string());
            let cells = [
                Cow::Borrowed(resource.name()),
                id.into(),
                run_name.clone(),
                harmless(place.world),
                harmless(place.scenario),
                place.period.to_string().into(),
                harmless(place.role),
                harmless(place.player),
                harmless(name),
                only_value(data),
                harmless(data),
                time(1)?.into(),
                time(2)?.into(),
            ];
            table.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(broken)
        })?;
    }
    table.flush().map_err(fault)
}

fn broken(error: csv::Error) -> Fault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => fault(error),
        other => fault(std::io::Error::other(format!("{other:?}"))),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe in front.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{text}").into();
    }
    Cow::Borrowed(text)
}

/// The value of an object that has just one, for calculations; otherwise nothing.
fn only_value(data: &str) -> Cow<'_, str> {
    let Ok(Json::Object(fields)) = serde_json::from_str(data) else { return Cow::Borrowed("") };
    let mut values = fields.into_iter().map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(Json::Number(number)), None) => number.to_string().into(),
        (Some(Json::Bool(flag)), None) => flag.to_string().into(),
        (Some(Json::String(text)), None) => harmless(&text).into_owned().into(),
        _ => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_stands_alone() {
        for (data, value) in [
            (r#"{"operand": 2.5}"#, "2.5"),
            (r#"{"hit": true}"#, "true"),
            (r#"{"word": "=1+1"}"#, "'=1+1"),
            (r#"{"a": 1, "b": 2}"#, ""),
            (r#"{"list": [1]}"#, ""),
            ("{}", ""),
            ("17", ""),
        ] {
            assert_eq!(only_value(data), value, "{data}");
        }
    }
}
