//! The connection of the writer, with the thread that works off its log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::Connection as Rusqlite;
use sim_games_types::{Change, GamePk, Resource, RunPk, Timestamp, UserPk};
use uuid::Uuid;

use super::checkpoint::Checkpointer;
use super::open;
use crate::model::{Cell as FieldCell, Table};
use crate::sql::connection::{Connection, Durability, EachRow, Fault, FaultKind, Value, Writing};
use crate::sql::{Dialect, Entry, by_pk, statements};

/// Stores a row: the fields in order, then the time.
static INSERTS: LazyLock<BTreeMap<Resource, String>> = LazyLock::new(|| {
    Resource::ALL.into_iter().map(|resource| (resource, insert(Table::of(resource)))).collect()
});

const RECORD: &str = "INSERT INTO journal \
     (seq, at, game, run, resource, pk, action, actor, cause, ref, payload) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The writer's connection.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    pub(super) connection: Rusqlite,
    checkpointer: RefCell<Checkpointer>,
    /// Changes of the transaction.
    written: Cell<usize>,
    /// Whether a commit does not wait for the disk at present.
    is_relaxed: Cell<bool>,
}

impl SqliteWriter {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let connection = open::writer(path).map_err(|error| Fault::new(FaultKind::Other, error))?;
        let checkpointer = Checkpointer::start(path)?;
        Ok(Self {
            connection,
            checkpointer: RefCell::new(checkpointer),
            written: Cell::new(0),
            is_relaxed: Cell::new(false),
        })
    }

    /// A statement that writes a row; none when that broke a constraint, or keys do not agree.
    fn attempt(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<()>, Fault> {
        match Connection::execute(&self.connection, sql, values) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(())),
            Err(fault) if fault.kind == FaultKind::Constraint => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn entry(&self, resource: Resource, pk: i64) -> Result<Option<Entry>, Fault> {
        let entry = by_pk(&self.connection, resource, pk)?;
        let missing = || Fault::new(FaultKind::Other, format!("{resource} `{pk}` has vanished"));
        entry.map(Some).ok_or_else(missing)
    }
}

impl Connection for SqliteWriter {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn each(&self, sql: &str, values: &[Value<'_>], row: &mut EachRow<'_>) -> Result<(), Fault> {
        self.connection.each(sql, values, row)
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault> {
        Connection::execute(&self.connection, sql, values)
    }

    fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.connection.batch(sql)
    }
}

impl Writing for SqliteWriter {
    fn begin(&self, durability: Durability) -> Result<u64, Fault> {
        let relaxed = durability == Durability::Relaxed;
        if self.is_relaxed.replace(relaxed) != relaxed {
            let level = if relaxed { "NORMAL" } else { "FULL" };
            // Nothing is stored as durable unless this succeeds.
            self.connection
                .execute_batch(&format!("PRAGMA synchronous = {level}"))
                .inspect_err(|_| self.is_relaxed.set(!relaxed))?;
        }
        self.written.set(0);
        self.batch("BEGIN IMMEDIATE")?;
        let reading: &dyn Connection = &self.connection;
        let sql = "SELECT coalesce(max(seq), 0) FROM journal";
        Ok(reading.first(sql, &[], |row| row.count(0))?.unwrap_or(0))
    }

    fn begin_unit(&self) -> Result<(), Fault> {
        self.batch("SAVEPOINT unit")
    }

    fn keep_unit(&self) -> Result<(), Fault> {
        self.batch("RELEASE unit")
    }

    fn undo_unit(&self) -> Result<(), Fault> {
        if self.connection.is_autocommit() {
            return Err(Fault::new(FaultKind::Other, "the transaction has ended"));
        }
        self.batch("ROLLBACK TO unit")?;
        self.batch("RELEASE unit")
    }

    fn insert(
        &self,
        table: &Table,
        cells: &[FieldCell],
        now: Timestamp,
    ) -> Result<Option<Entry>, Fault> {
        let mut values: Vec<Value<'_>> = cells.iter().map(Value::from).collect();
        values.push(now.micros().into());
        let Some(()) = self.attempt(&INSERTS[&table.resource], &values)? else { return Ok(None) };
        self.entry(table.resource, self.connection.last_insert_rowid())
    }

    fn update(
        &self,
        table: &Table,
        pk: i64,
        (changed, cells): (&[usize], &[FieldCell]),
        now: Timestamp,
    ) -> Result<Option<Entry>, Fault> {
        let assignments = statements::assignments(table, changed);
        let sql = format!(
            "UPDATE \"{}\" SET {assignments} WHERE id = ?{}",
            table.name(),
            changed.len() + 2
        );
        let mut values: Vec<Value<'_>> =
            changed.iter().map(|index| Value::from(&cells[*index])).collect();
        values.extend([Value::from(now.micros()), Value::from(pk)]);
        let Some(()) = self.attempt(&sql, &values)? else { return Ok(None) };
        self.entry(table.resource, pk)
    }

    fn record(&self, changes: &[Change]) -> Result<(), Fault> {
        for change in changes {
            let record = &change.object.record;
            let reference = Uuid::new_v4().to_string();
            self.execute(
                RECORD,
                &[
                    change.seq.into(),
                    change.at.micros().into(),
                    change.game.map(|GamePk(pk)| pk).into(),
                    change.run.map(|RunPk(pk)| pk).into(),
                    record.resource().name().into(),
                    record.pk().into(),
                    change.action.name().into(),
                    change.actor.map(|UserPk(pk)| pk).into(),
                    change.cause.as_deref().into(),
                    reference.as_str().into(),
                    (*change.object.json).into(),
                ],
            )?;
        }
        self.written.set(changes.len());
        Ok(())
    }

    fn commit(&self) -> Result<(), Fault> {
        self.batch("COMMIT")?;
        self.checkpointer.borrow_mut().note(self.written.get());
        Ok(())
    }

    fn touch(&self) -> Result<(), Fault> {
        Ok(open::touch(&self.connection)?)
    }

    fn abandon(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(error = %error, "could not roll back");
        }
    }
}

fn insert(table: &Table) -> String {
    let columns = statements::columns(table);
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let (run_column, run_value) = statements::run_of_new(table)
        .map_or((String::new(), String::new()), |sql| (", run".to_owned(), format!(", {sql}")));
    let agreements = statements::agreements_of_new(table);
    let condition = if agreements.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", agreements.join(" AND "))
    };
    format!(
        "INSERT INTO \"{}\" ({}, created, updated{run_column}) \
         SELECT {}, ?{now}, ?{now}{run_value}{condition}",
        table.name(),
        columns.join(", "),
        places.join(", "),
        now = columns.len() + 1,
    )
}
