//! Statements on a connection of SQLite's.

use std::ops::ControlFlow;

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection as Rusqlite, ErrorCode, Row as SqliteRow, ToSql, params_from_iter};

use crate::sql::Dialect;
use crate::sql::connection::{Connection, EachRow, Fault, FaultKind, Row, Value};

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => FaultKind::Constraint,
            _ => FaultKind::Other,
        };
        Self::new(kind, error)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Owned::Null),
            Self::Bool(flag) => ToSqlOutput::Owned(Owned::Integer((*flag).into())),
            Self::Int(number) => ToSqlOutput::Owned(Owned::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Row for SqliteRow<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>, Fault> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(text) => {
                Value::Text(std::str::from_utf8(text).map_err(|it| Fault::unreadable(column, it))?)
            }
            other @ (ValueRef::Real(_) | ValueRef::Blob(_)) => {
                return Err(Fault::unreadable(column, format!("it is {}", other.data_type())));
            }
        })
    }
}

impl Connection for Rusqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn each(&self, sql: &str, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), Fault> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if each(row)? == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let written = self.prepare_cached(sql)?.execute(params_from_iter(values))?;
        Ok(u64::try_from(written).unwrap_or(u64::MAX))
    }

    fn batch(&self, sql: &str) -> Result<(), Fault> {
        // Preparing costs more than what most of these do.
        self.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
