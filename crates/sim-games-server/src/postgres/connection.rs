//! Statements on a connection of PostgreSQL's, driven on the thread that asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::future::join;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row as PgRow, Statement};

use super::address::{Address, Driver};
use crate::sql::Dialect;
use crate::sql::connection::{Connection, EachRow, Fault, FaultKind, Row, Value};

/// How long a statement may take; a server that is silent for longer is given up.
const STATEMENT: Duration = Duration::from_mins(1);

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;

/// A connection and the runtime that drives it while somebody waits for it.
#[derive(Debug)]
pub(crate) struct PgConnection {
    /// There until the connection is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    /// Statements without an answer that leave together with the next one that has one.
    ahead: RefCell<String>,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let kind = match error.code() {
            Some(code) if is_crossed(code) => FaultKind::Crossed,
            Some(code) if is_gone(code) => FaultKind::Gone,
            Some(code) if code.code().starts_with("23") => FaultKind::Constraint,
            Some(_) => FaultKind::Other,
            None if error.is_closed() || is_io(&error) => FaultKind::Gone,
            None => FaultKind::Other,
        };
        // Without its cause the error says no more than `db error`.
        match error.as_db_error() {
            Some(cause) => {
                let (said, code) = (cause.message(), cause.code());
                Self::new(kind, format!("{said} ({}){}", code.code(), remedy(code)))
            }
            None => Self::new(kind, with_causes(&error)),
        }
    }
}

/// What whoever runs the program can do about what the server says.
fn remedy(code: &SqlState) -> &'static str {
    match code.code() {
        "28000" | "28P01" => ": check the user and the password in the database's address",
        "3D000" => ": create it, or correct the name at the end of the database's address",
        "42501" => ": let the user create and write tables there",
        "53100" => ": make room on the server's disk",
        "53300" => ": raise `max_connections` of the server, or end others",
        _ => "",
    }
}

/// An error with its causes in one line: of a handshake that failed it alone does not tell why.
fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some say their cause themselves.
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

fn is_crossed(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
}

/// The server stops, starts, or has become one that only reads.
fn is_gone(code: &SqlState) -> bool {
    let text = code.code();
    text.starts_with("08")
        || text.starts_with("57P")
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// A certificate that nobody vouches for is an error of input and output, too, but does not pass.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    let is_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
    (is_io && !text.contains("TLS")) || text.starts_with("timeout")
}

impl PgConnection {
    pub(crate) fn open(address: &Address) -> Result<Self, Fault> {
        let other = |error| Fault::new(FaultKind::Other, error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(other)?;
        let client = runtime.block_on(async {
            let (client, driver) = address.connect().await?;
            tokio::spawn(drive(driver));
            Ok::<_, Fault>(client)
        })?;
        let (statements, ahead) = (RefCell::default(), RefCell::default());
        Ok(Self { runtime: Some(runtime), client, statements, ahead })
    }

    /// Statements that need no answer of their own: they are sent with the next one that does, and
    /// fail with it.
    pub(super) fn ahead(&self, sql: &str) {
        let mut ahead = self.ahead.borrow_mut();
        ahead.push_str(sql);
        ahead.push(';');
    }

    /// Forgets what was to be sent.
    pub(super) fn clear(&self) {
        self.ahead.borrow_mut().clear();
    }

    /// Whether the server has hung up.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// A statement's rows.
    pub(super) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<PgRow>, Fault> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.run(self.client.query(&statement, &values))
    }

    /// A statement whose values are of any kind.
    pub(super) fn send(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
        let statement = self.statement(sql)?;
        self.run(self.client.execute(&statement, values))
    }

    /// Checks that a statement fits the tables.
    #[cfg(test)]
    pub(super) fn prepare(&self, sql: &str) -> Result<(), Fault> {
        self.statement(sql).map(|_| ())
    }

    fn statement(&self, sql: &str) -> Result<Statement, Fault> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.run(self.client.prepare(&numbered(sql)))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Drives the connection until the answer is there.
    fn run<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let ahead = self.ahead.take();
        let both = async {
            if ahead.is_empty() {
                return work.await;
            }
            // Both are sent before the first answer is there; the server keeps their order.
            let (first, second) = join(self.client.batch_execute(&ahead), work).await;
            first.and(second)
        };
        let runtime = self.runtime.as_ref().expect("the runtime is there until the drop");
        match runtime.block_on(async { tokio::time::timeout(STATEMENT, both).await }) {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Fault::new(FaultKind::Gone, "the database server is silent")),
        }
    }
}

impl Drop for PgConnection {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where others must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits on a thread that may block.
pub(super) fn pause(time: Duration) {
    if let Ok(runtime) = Builder::new_current_thread().enable_time().build() {
        runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

/// Drives until the first error: the connection must then be dropped, so that whoever waits for an
/// answer learns that none will come.
async fn drive(mut driver: Driver) {
    while let Some(message) = driver.next().await {
        if let Err(error) = message {
            tracing::debug!(error = %error, "a connection to the database has ended");
            return;
        }
    }
}

/// Writes the places `?` and `?2` as `$1` and `$2`. No text of ours has a question mark.
fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 8);
    let mut parts = sql.split('?');
    numbered.push_str(parts.next().unwrap_or_default());
    let mut last = 0;
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let place = part[..digits].parse().unwrap_or(last + 1);
        last = last.max(place);
        write!(numbered, "${place}").expect("a text takes whatever is written");
        numbered.push_str(&part[digits..]);
    }
    numbered
}

impl Connection for PgConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn each(&self, sql: &str, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), Fault> {
        for row in self.query(sql, values)? {
            if each(&row)? == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.send(sql, &values)
    }

    fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.run(self.client.batch_execute(sql))
    }
}

impl Row for PgRow {
    fn value(&self, column: usize) -> Result<Value<'_>, Fault> {
        self.try_get::<_, Value<'_>>(column).map_err(|error| Fault::unreadable(column, error))
    }
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::BOOL => Self::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            _ => Self::Text(<&str>::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BOOL | Type::INT8 | Type::INT4 | Type::INT2 | Type::UNKNOWN)
            || <&str as FromSql<'_>>::accepts(kind)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Bool(flag), _) => flag.to_sql(kind, out),
            (Self::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Self::Int(number), _) => number.to_sql(kind, out),
            (Self::Text(text), _) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BOOL | Type::INT8 | Type::INT4) || <&str as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn places_are_numbered_as_sqlite_counts_them() {
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
        assert_eq!(numbered("a = ?2 OR b = ?2 LIMIT ?"), "a = $2 OR b = $2 LIMIT $3");
        assert_eq!(numbered("(?10)"), "($10)");
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
    }
}
