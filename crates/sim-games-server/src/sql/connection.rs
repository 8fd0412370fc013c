//! What the store asks of a database: statements with values, rows, and transactions of a writer.
//!
//! All of it blocks, and is called from threads that may. SQLite answers by itself; PostgreSQL's
//! connection drives its socket on the calling thread.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;

use sim_games_types::{Change, Timestamp};
use tokio::task::JoinHandle;

use super::dialect::Dialect;
use super::listening::News;
use super::row::Entry;
use super::turn::Turn;
use crate::error::StoreError;
use crate::model::{Cell, Table};

/// A value of a statement's parameter or of a row's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(&'a str),
}

impl<'a> From<&'a Cell> for Value<'a> {
    fn from(cell: &'a Cell) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Bool(flag) => Self::Bool(*flag),
            Cell::Int(number) => Self::Int(*number),
            Cell::Text(text) => Self::Text(text),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }
}

impl From<u64> for Value<'_> {
    /// Sequence numbers and counts; none is beyond what a database can count.
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// Why a statement failed.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

/// What a failure means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The connection is gone; another one may do better.
    Gone,
    /// The database chose this transaction to make way for another one; it can be repeated.
    Crossed,
    /// A row breaks a constraint.
    Constraint,
    /// Anything else: a full disk, a damaged file, a statement that does not fit the schema.
    Other,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// Whether the transaction can be tried again.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self.kind, FaultKind::Gone | FaultKind::Crossed)
    }

    /// A column that does not hold what the schema says.
    pub(crate) fn unreadable(
        column: usize,
        reason: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let reason = reason.into();
        Self::new(FaultKind::Other, format!("column {column} cannot be read: {reason}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::unavailable(fault)
    }
}

/// A row of an answer.
pub(crate) trait Row {
    /// The value of a column, counted from 0.
    fn value(&self, column: usize) -> Result<Value<'_>, Fault>;
}

impl dyn Row + '_ {
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            Value::Bool(flag) => Ok(Some(flag.into())),
            Value::Text(_) => Err(Fault::unreadable(column, "it is a text, not a number")),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, Fault> {
        self.opt_int(column)?.ok_or_else(|| Fault::unreadable(column, "it is null"))
    }

    /// Counts and sequence numbers, which are never negative.
    pub(crate) fn count(&self, column: usize) -> Result<u64, Fault> {
        self.int(column).map(i64::unsigned_abs)
    }

    pub(crate) fn opt_flag(&self, column: usize) -> Result<Option<bool>, Fault> {
        Ok(self.opt_int(column)?.map(|number| number != 0))
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, Fault> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, Fault> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Bool(_) | Value::Int(_) => {
                Err(Fault::unreadable(column, "it is a number, not a text"))
            }
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, Fault> {
        self.opt_text(column)?.ok_or_else(|| Fault::unreadable(column, "it is null"))
    }
}

/// Takes the rows of an answer one by one, until it has enough.
pub(crate) type EachRow<'f> = dyn FnMut(&dyn Row) -> Result<ControlFlow<()>, Fault> + 'f;

/// A connection to a database. Statements name their values `?1`, `?2` or `?` in their order.
pub(crate) trait Connection: Send {
    /// How this database wants some things said.
    fn dialect(&self) -> Dialect;

    /// Carries out a statement and hands its rows over.
    fn each(&self, sql: &str, values: &[Value<'_>], row: &mut EachRow<'_>) -> Result<(), Fault>;

    /// Carries out a statement and tells how many rows it wrote.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault>;

    /// Carries out statements without values.
    fn batch(&self, sql: &str) -> Result<(), Fault>;
}

impl dyn Connection + '_ {
    /// All rows of an answer.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&dyn Row) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// The first row of an answer.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&dyn Row) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let mut found = None;
        self.each(sql, values, &mut |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Whether an answer has a row.
    pub(crate) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, Fault> {
        Ok(self.first(sql, values, |_| Ok(()))?.is_some())
    }

    /// The keys in the first column of an answer.
    pub(crate) fn keys(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<i64>, Fault> {
        self.rows(sql, values, |row| row.int(0))
    }

    /// Reads at one moment: nothing that is committed meanwhile is seen.
    pub(crate) fn at_once<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.batch(self.dialect().begin_reading())?;
        // After a failure the connection is thrown away, and the transaction with it.
        let found = read(self)?;
        self.batch("COMMIT")?;
        Ok(found)
    }
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// What was committed outlives the loss of the machine's power.
    Durable,
    /// It may be lost with the machine's power, in favor of those who wait for the disk.
    Relaxed,
}

/// The connection of the one thread that writes.
pub(crate) trait Writing: Connection {
    /// Begins a transaction that no other writer's overlaps, and tells the journal's last number.
    fn begin(&self, durability: Durability) -> Result<u64, Fault>;

    /// Begins a part of the transaction that can be undone by itself.
    fn begin_unit(&self) -> Result<(), Fault>;

    /// Keeps the part.
    fn keep_unit(&self) -> Result<(), Fault>;

    /// Undoes the part. When that fails, nothing is left of the transaction.
    fn undo_unit(&self) -> Result<(), Fault>;

    /// Stores a new row; none when it breaks a constraint, and then nothing has happened.
    fn insert(&self, table: &Table, cells: &[Cell], now: Timestamp)
    -> Result<Option<Entry>, Fault>;

    /// Changes the fields at these positions of a row, and its run when it moves; none when that
    /// breaks a constraint, and then nothing has happened.
    fn update(
        &self,
        table: &Table,
        pk: i64,
        changed: (&[usize], &[Cell]),
        now: Timestamp,
    ) -> Result<Option<Entry>, Fault>;

    /// Writes changes into the journal, under the numbers that they have.
    fn record(&self, changes: &[Change]) -> Result<(), Fault>;

    /// Commits. A failure means that nothing was stored.
    fn commit(&self) -> Result<(), Fault>;

    /// Writes something that changes nothing, to see whether it can be done.
    fn touch(&self) -> Result<(), Fault>;

    /// Leaves no transaction behind after a failure.
    fn abandon(&self);
}

/// A database of one kind: where it is and how it is opened.
pub(crate) trait Backend: Send + Sync + fmt::Debug + 'static {
    /// Opens a connection that only reads.
    fn reader(&self) -> Result<Box<dyn Connection>, Fault>;

    /// Opens the connection of the writer.
    fn writer(&self) -> Result<Box<dyn Writing>, Fault>;

    /// Tries whether there is room beside the database, where this program can. The failure says
    /// more than the database does, and what to do.
    fn try_to_write(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Leaves the database to others, once all connections are closed.
    fn close(&self) {}

    /// Asks for the turn to deliver webhooks. To be called within a runtime.
    fn turn(&self) -> Turn {
        Turn::forever()
    }

    /// Starts to listen for what other processes write, if any can.
    fn listen(&self, _news: News) -> Option<JoinHandle<()>> {
        None
    }
}
