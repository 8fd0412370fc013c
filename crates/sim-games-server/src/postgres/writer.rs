//! The connection of the writer, which takes turns with those of other processes.

use std::cell::Cell;
use std::time::{Duration, Instant};

use sim_games_types::{Change, GamePk, RunPk, Timestamp, UserPk};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::address::Address;
use super::connection::{PgConnection, pause};
use super::statements;
use crate::model::{Cell as FieldCell, Table};
use crate::sql::connection::{Connection, Durability, EachRow, Fault, FaultKind, Value, Writing};
use crate::sql::{Dialect, Entry, entry};

/// How long to ask what became of a commit whose answer was lost.
const DOUBT: Duration = Duration::from_secs(10);

/// The pause between two such questions.
const PAUSE: Duration = Duration::from_millis(100);

const RECORD: &str = "INSERT INTO journal \
     (seq, at, game, run, resource, pk, action, actor, cause, ref, payload) \
     SELECT * FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]), \
       CAST(?4 AS BIGINT[]), CAST(?5 AS TEXT[]), CAST(?6 AS BIGINT[]), CAST(?7 AS TEXT[]), \
       CAST(?8 AS BIGINT[]), CAST(?9 AS TEXT[]), CAST(?10 AS TEXT[]), CAST(?11 AS TEXT[]))";

/// The writer's connection.
#[derive(Debug)]
pub(super) struct PgWriter {
    connection: PgConnection,
    address: Address,
    key: i64,
    channel: String,
    /// The transaction's number with the server, by which its fate can be found out.
    transaction: Cell<i64>,
    /// The last number that the transaction has put into the journal.
    recorded: Cell<Option<u64>>,
}

impl PgWriter {
    pub(super) fn open(address: &Address, key: i64, channel: String) -> Result<Self, Fault> {
        let connection = PgConnection::open(address)?;
        let reading: &dyn Connection = &connection;
        let off = "SELECT 1 FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'";
        if reading.exists(off, &[])? {
            // What is answered as saved must outlive a loss of power, whatever the server's default.
            connection.batch("SET synchronous_commit TO on")?;
        }
        let (transaction, recorded) = (Cell::new(0), Cell::new(None));
        let address = address.clone();
        Ok(Self { connection, address, key, channel, transaction, recorded })
    }

    /// Finds out what became of a commit whose answer was lost with the connection.
    fn fate(&self) -> Result<(), Fault> {
        let deadline = Instant::now() + DOUBT;
        let status = |connection: &dyn Connection| {
            let sql = "SELECT txid_status(?1)";
            let number = self.transaction.get();
            connection.first(sql, &[number.into()], |row| Ok(row.opt_text(0)?.map(str::to_owned)))
        };
        loop {
            let found = PgConnection::open(&self.address).and_then(|fresh| status(&fresh));
            match found.map(Option::flatten).as_ref().map(Option::as_deref) {
                Ok(Some("committed")) => return Ok(()),
                Ok(Some("aborted")) => {
                    return Err(Fault::new(
                        FaultKind::Gone,
                        "the connection broke before the commit",
                    ));
                }
                _ if Instant::now() < deadline => pause(PAUSE),
                _ => {
                    let reason = "the connection broke, and it cannot be told whether the commit \
                                  was carried out";
                    tracing::error!(transaction.id = self.transaction.get(), "{reason}");
                    return Err(Fault::new(FaultKind::Other, reason));
                }
            }
        }
    }
}

impl Connection for PgWriter {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn each(&self, sql: &str, values: &[Value<'_>], row: &mut EachRow<'_>) -> Result<(), Fault> {
        self.connection.each(sql, values, row)
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault> {
        self.connection.execute(sql, values)
    }

    fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.connection.batch(sql)
    }
}

impl Writing for PgWriter {
    fn begin(&self, durability: Durability) -> Result<u64, Fault> {
        self.recorded.set(None);
        self.connection.ahead("BEGIN");
        if durability == Durability::Relaxed {
            self.connection.ahead("SET LOCAL synchronous_commit TO off");
        }
        // Held until the end of the transaction: what another writer has committed by then is
        // visible to the next statement, and nothing comes after it.
        self.connection.ahead(&format!("SELECT pg_advisory_xact_lock({})", self.key));
        let sql = "SELECT (SELECT coalesce(max(seq), 0) FROM journal), txid_current()";
        let reading: &dyn Connection = &self.connection;
        let found = reading.first(sql, &[], |row| Ok((row.count(0)?, row.int(1)?)))?;
        let (head, transaction) = found.unwrap_or_default();
        self.transaction.set(transaction);
        Ok(head)
    }

    fn begin_unit(&self) -> Result<(), Fault> {
        self.connection.ahead("SAVEPOINT unit");
        Ok(())
    }

    fn keep_unit(&self) -> Result<(), Fault> {
        self.connection.ahead("RELEASE unit");
        Ok(())
    }

    fn undo_unit(&self) -> Result<(), Fault> {
        self.connection.ahead("ROLLBACK TO unit");
        self.connection.ahead("RELEASE unit");
        Ok(())
    }

    fn insert(
        &self,
        table: &Table,
        cells: &[FieldCell],
        now: Timestamp,
    ) -> Result<Option<Entry>, Fault> {
        let mut values: Vec<Value<'_>> = cells.iter().map(Value::from).collect();
        values.push(now.micros().into());
        let rows = self.connection.query(statements::insert(table.resource), &values)?;
        rows.first().map(|row| entry(table.resource, row)).transpose()
    }

    fn update(
        &self,
        table: &Table,
        pk: i64,
        (changed, cells): (&[usize], &[FieldCell]),
        now: Timestamp,
    ) -> Result<Option<Entry>, Fault> {
        let mut values: Vec<Value<'_>> =
            changed.iter().map(|index| Value::from(&cells[*index])).collect();
        values.extend([Value::from(now.micros()), Value::from(pk)]);
        let sql = statements::update(table, changed);
        let guarded = statements::may_conflict(table, changed);
        if guarded {
            self.connection.ahead("SAVEPOINT change");
        }
        let rows = match self.connection.query(&sql, &values) {
            Ok(rows) => rows,
            Err(fault) if guarded && fault.kind == FaultKind::Constraint => {
                self.connection.ahead("ROLLBACK TO change");
                self.connection.ahead("RELEASE change");
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        if guarded {
            self.connection.ahead("RELEASE change");
        }
        let row = rows.first().ok_or_else(|| {
            Fault::new(FaultKind::Other, format!("{} `{pk}` has vanished", table.resource))
        })?;
        entry(table.resource, row).map(Some)
    }

    fn record(&self, changes: &[Change]) -> Result<(), Fault> {
        let Some(last) = changes.last() else { return Ok(()) };
        self.recorded.set(Some(last.seq));
        let columns = Columns::of(changes);
        self.connection.send(RECORD, &columns.values()).map(|_| ())
    }

    fn commit(&self) -> Result<(), Fault> {
        // A transaction that has failed would be rolled back by its COMMIT without a word; a
        // statement before it says so.
        let word = match self.recorded.get() {
            Some(head) => format!("SELECT pg_notify('{}', '{head}'); COMMIT", self.channel),
            None => "SELECT 1; COMMIT".to_owned(),
        };
        match self.connection.batch(&word) {
            Err(fault) if fault.kind == FaultKind::Gone => self.fate(),
            outcome => outcome,
        }
    }

    fn touch(&self) -> Result<(), Fault> {
        self.connection.batch("UPDATE games_api_schema SET version = version")
    }

    fn abandon(&self) {
        self.connection.clear();
        if !self.connection.is_closed()
            && let Err(fault) = self.connection.batch("ROLLBACK")
        {
            tracing::debug!(error = %fault, "could not roll back");
        }
    }
}

/// The columns of some rows of the journal.
struct Columns<'c> {
    seq: Vec<i64>,
    at: Vec<i64>,
    game: Vec<Option<i64>>,
    run: Vec<Option<i64>>,
    resource: Vec<&'static str>,
    pk: Vec<i64>,
    action: Vec<&'static str>,
    actor: Vec<Option<i64>>,
    cause: Vec<Option<&'c str>>,
    reference: Vec<String>,
    payload: Vec<&'c str>,
}

impl<'c> Columns<'c> {
    fn of(changes: &'c [Change]) -> Self {
        let column = || changes.iter();
        Self {
            seq: column().map(|it| i64::try_from(it.seq).unwrap_or(i64::MAX)).collect(),
            at: column().map(|it| it.at.micros()).collect(),
            game: column().map(|it| it.game.map(|GamePk(pk)| pk)).collect(),
            run: column().map(|it| it.run.map(|RunPk(pk)| pk)).collect(),
            resource: column().map(|it| it.object.record.resource().name()).collect(),
            pk: column().map(|it| it.object.record.pk()).collect(),
            action: column().map(|it| it.action.name()).collect(),
            actor: column().map(|it| it.actor.map(|UserPk(pk)| pk)).collect(),
            cause: column().map(|it| it.cause.as_deref()).collect(),
            reference: column().map(|_| Uuid::new_v4().to_string()).collect(),
            payload: column().map(|it| &*it.object.json).collect(),
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.seq,
            &self.at,
            &self.game,
            &self.run,
            &self.resource,
            &self.pk,
            &self.action,
            &self.actor,
            &self.cause,
            &self.reference,
            &self.payload,
        ]
    }
}
