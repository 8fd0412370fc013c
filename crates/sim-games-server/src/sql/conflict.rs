//! Finds out why the database refused a row, and says it in the words of the interface.

use super::connection::{Connection, Fault, FaultKind, Value};
use super::statements;
use super::unit::Failure;
use crate::error::FieldErrors;
use crate::model::{Agreement, Cell, Field, Kind, Table};

/// The newest row whose fields have these values; null equals null.
pub(super) fn matching(
    connection: &dyn Connection,
    table: &Table,
    fields: &[&str],
    values: &[Cell],
) -> Result<Option<i64>, Fault> {
    let sql = matching_sql(connection, table, fields);
    let compared: Vec<Cell> = fields
        .iter()
        .zip(values)
        .map(|(name, value)| match (field(table, name).kind, value.text()) {
            (Kind::Email, Some(address)) => Cell::Text(address.to_ascii_lowercase().into()),
            _ => value.clone(),
        })
        .collect();
    let values: Vec<Value<'_>> = compared.iter().map(Value::from).collect();
    connection.first(&sql, &values, |row| row.int(0))
}

fn field(table: &Table, name: &str) -> &'static Field {
    &table.fields[table.position(name).expect("natural and unique keys consist of fields")]
}

/// Every field is compared as the natural indexes hold it. A key that may be null, compared as it
/// is, would lead SQLite to the key's own index, which also gives the order by id, and from there
/// through every row with that key; and a comparison in which null equals null uses no index of
/// PostgreSQL's.
pub(crate) fn matching_sql(connection: &dyn Connection, table: &Table, fields: &[&str]) -> String {
    let dialect = connection.dialect();
    let condition = |name: &&str| {
        let field = field(table, name);
        match field.kind {
            Kind::Key(_) if field.null => {
                let (own, given) = (dialect.null_key(&format!("\"{name}\"")), dialect.key_place());
                format!("{own} = {}", dialect.null_key(given))
            }
            Kind::Email => format!("lower(\"{name}\") = ?"),
            _ => format!("\"{name}\" = ?"),
        }
    };
    let conditions: Vec<String> = fields.iter().map(condition).collect();
    format!(
        "SELECT id FROM \"{}\" WHERE {} ORDER BY id DESC LIMIT 1",
        table.name(),
        conditions.join(" AND ")
    )
}

/// Why the database refused a row.
pub(super) fn refusal(
    connection: &dyn Connection,
    table: &Table,
    cells: &[Cell],
    pk: Option<i64>,
) -> Failure {
    let mut errors = FieldErrors::default();
    match explain(connection, table, cells, pk, &mut errors) {
        Err(fault) => fault.into(),
        Ok(()) if errors.is_empty() => {
            let reason = format!("a {} breaks a rule that only the database knows", table.resource);
            Fault::new(FaultKind::Other, reason).into()
        }
        Ok(()) => errors.into(),
    }
}

/// Adds what only the database knows: missing parents and values that are taken.
pub(super) fn explain(
    connection: &dyn Connection,
    table: &Table,
    cells: &[Cell],
    pk: Option<i64>,
    errors: &mut FieldErrors,
) -> Result<(), Fault> {
    check_keys(connection, table, cells, errors)?;
    for unique in table.unique {
        let taken = || -> Result<bool, Fault> {
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

/// Adds which keys are those of no row, or of one in another game or run.
pub(super) fn check_keys(
    connection: &dyn Connection,
    table: &Table,
    cells: &[Cell],
    errors: &mut FieldErrors,
) -> Result<(), Fault> {
    for (field, cell) in table.fields.iter().zip(cells) {
        let (Kind::Key(parent), Some(key)) = (field.kind, cell.int()) else { continue };
        let sql = format!("SELECT 1 FROM \"{}\" WHERE id = ?1", parent.name());
        if !connection.exists(&sql, &[key.into()])? {
            errors.push(field.name, format!("Invalid pk \"{key}\" - object does not exist."));
        }
    }
    let key = |name: &str| table.position(name).and_then(|position| cells[position].int());
    for Agreement { field, whole, sql } in table.agreements {
        let Some(own) = key(field).filter(|_| !errors.has(field)) else { continue };
        let (sql, names) = statements::with_named_places(table, sql);
        let values: Option<Vec<Value<'_>>> =
            names.into_iter().map(|name| key(name).map(Value::Int)).collect();
        // A parent that is missing is told as such.
        let Some(values) = values else { continue };
        if errors.is_empty() && !connection.exists(&format!("SELECT 1 WHERE {sql}"), &values)? {
            let message = format!("Invalid pk \"{own}\" - object belongs to another {whole}.");
            errors.push(field, message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;
    use sim_games_types::Resource;

    use super::*;

    #[test]
    fn a_natural_key_is_found_through_its_own_index() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../sqlite/schema.sql")).unwrap();
        for table in Resource::ALL.map(Table::of) {
            let sql = matching_sql(&connection, table, table.natural_key);
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
