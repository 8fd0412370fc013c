//! Finds out why the database refused a row, and says it in the words of the interface.

use rusqlite::{Connection, ErrorCode, OptionalExtension, params_from_iter};

use super::unit::Failure;
use crate::error::FieldErrors;
use crate::model::{Cell, Kind, Table};

/// The newest row whose fields have these values; null equals null.
pub(super) fn matching(
    connection: &Connection,
    table: &Table,
    fields: &[&str],
    values: &[Cell],
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(&matching_sql(table, fields))?
        .query_row(params_from_iter(values), |row| row.get(0))
        .optional()
}

/// A key that may be null is compared as the natural indexes hold it. Compared as it is, it would
/// lead SQLite to the key's own index, which also gives the order by id, and from there through
/// every row with that key.
fn matching_sql(table: &Table, fields: &[&str]) -> String {
    let condition = |name: &&str| {
        let field = table.position(name).map(|position| &table.fields[position]);
        match field {
            Some(field) if field.null && matches!(field.kind, Kind::Key(_)) => {
                format!("ifnull(\"{name}\", 0) = ifnull(?, 0)")
            }
            _ => format!("\"{name}\" IS ?"),
        }
    };
    let conditions: Vec<String> = fields.iter().map(condition).collect();
    format!(
        "SELECT id FROM \"{}\" WHERE {} ORDER BY id DESC LIMIT 1",
        table.name(),
        conditions.join(" AND ")
    )
}

/// What a failed statement means: a refusal when the row breaks a constraint.
pub(super) fn refusal(
    connection: &Connection,
    table: &Table,
    cells: &[Cell],
    pk: Option<i64>,
    error: rusqlite::Error,
) -> Failure {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return error.into();
    }
    let mut errors = FieldErrors::default();
    match explain(connection, table, cells, pk, &mut errors) {
        Err(error) => error.into(),
        Ok(()) if errors.is_empty() => error.into(),
        Ok(()) => errors.into(),
    }
}

/// Adds what only the database knows: missing parents and values that are taken.
pub(super) fn explain(
    connection: &Connection,
    table: &Table,
    cells: &[Cell],
    pk: Option<i64>,
    errors: &mut FieldErrors,
) -> rusqlite::Result<()> {
    for (field, cell) in table.fields.iter().zip(cells) {
        let (Kind::Key(parent), Some(key)) = (field.kind, cell.int()) else { continue };
        let sql = format!("SELECT 1 FROM \"{}\" WHERE id = ?1", parent.name());
        if !connection.prepare_cached(&sql)?.exists([key])? {
            errors.push(field.name, format!("Invalid pk \"{key}\" - object does not exist."));
        }
    }
    for unique in table.unique {
        let taken = || -> rusqlite::Result<bool> {
            let positions = unique.fields.iter().filter_map(|name| table.position(name));
            let values: Vec<Cell> = positions.map(|position| cells[position].clone()).collect();
            let other = matching(connection, table, unique.fields, &values)?;
            Ok(other.is_some() && other != pk)
        };
        match unique.message {
            Some(message) if !errors.has(unique.fields[0]) && taken()? => {
                errors.push(unique.fields[0], message);
            }
            None if errors.is_empty() && taken()? => {
                let fields = unique.fields.join(", ");
                let message = format!("The fields {fields} must make a unique set.");
                errors.push(FieldErrors::OBJECT, message);
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sim_games_types::Resource;

    use super::*;

    #[test]
    fn a_natural_key_is_found_through_its_own_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        for table in Resource::ALL.map(Table::of) {
            let sql = matching_sql(table, table.natural_key);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nothing = vec![rusqlite::types::Null; table.natural_key.len()];
            let plan: Vec<String> = statement
                .query_map(params_from_iter(nothing), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let index = format!("{}_natural (", table.name());
            let columns = plan[0].matches('?').count();
            assert!(plan[0].contains(&index), "{sql}: {plan:?}");
            assert_eq!(columns, table.natural_key.len(), "{sql}: {plan:?}");
        }
    }
}
