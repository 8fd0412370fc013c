//! The tables: made in an empty schema, brought forward in an older one.

use super::address::Address;
use super::connection::PgConnection;
use crate::error::StoreError;
use crate::sql::connection::{Connection, Fault};

/// The version of the tables that this program reads and writes.
const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// What brings each older version to the next one.
const STEPS: [&str; 0] = [];

/// Prepares the schema that the connection uses, and tells the key of its locks. Of several
/// processes that start at once, one does it and the others wait.
pub(super) fn run(connection: &PgConnection, address: &Address) -> Result<i64, StoreError> {
    let done = attempt(connection);
    done?.map_err(|reason| StoreError::Unusable { database: address.name(), reason })
}

fn attempt(connection: &PgConnection) -> Result<Result<i64, String>, Fault> {
    let reading: &dyn Connection = connection;
    let place = "SELECT current_schema(), hashtextextended('games-api ' || current_schema(), 0)";
    let place = reading
        .first(place, &[], |row| Ok(row.opt_text(0)?.map(str::to_owned).zip(row.opt_int(1)?)))?;
    let Some((schema, key)) = place.flatten() else {
        return Ok(Err("it has no schema on the search path, create one".to_owned()));
    };
    connection.batch(&format!("BEGIN; SELECT pg_advisory_xact_lock({key})"))?;
    let ours = "SELECT 1 FROM pg_tables WHERE schemaname = ?1 AND tablename = 'games_api_schema'";
    let strangers = "SELECT 1 FROM pg_tables WHERE schemaname = ?1 \
                     AND tablename IN ('game', 'run', 'user', 'journal')";
    let name = [schema.as_str().into()];
    if !reading.exists(ours, &name)? {
        if reading.exists(strangers, &name)? {
            return Ok(Err(format!("its schema `{schema}` has tables of another program")));
        }
        connection.batch(SCHEMA)?;
        connection.batch(&format!("INSERT INTO games_api_schema VALUES ({VERSION}); COMMIT"))?;
        tracing::info!(database.schema = schema, "created the tables");
        return Ok(Ok(key));
    }
    let version = reading.first("SELECT version FROM games_api_schema", &[], |row| row.int(0))?;
    let version = version.unwrap_or_default();
    if !(1..=VERSION).contains(&version) {
        return Ok(Err(format!(
            "its tables have version {version}, this program knows version {VERSION}"
        )));
    }
    let missing = usize::try_from(version - 1).unwrap_or_default();
    for step in &STEPS[missing..] {
        connection.batch(step)?;
    }
    connection.batch(&format!("UPDATE games_api_schema SET version = {VERSION}; COMMIT"))?;
    Ok(Ok(key))
}
