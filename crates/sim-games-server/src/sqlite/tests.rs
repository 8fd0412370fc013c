//! Tests of what only this database does: files, locks, schema. The rest is in `crate::tests`.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sim_games_types::{Idempotency, Resource};
use tempfile::TempDir;

use super::*;
use crate::model::Table;
use crate::sql::connection::{Durability, FaultKind};
use crate::sql::{Store, statements};
use crate::store::{Outcome, Work};

fn open_in(dir: &TempDir) -> Result<Store, StoreError> {
    let backend = Sqlite::open(&dir.path().join("deep/games.db"))?;
    Store::open(Arc::new(backend), 2, 16, Duration::MAX, Box::new(|_| {}))
}

#[tokio::test]
async fn a_second_opener_fails_at_once_and_a_later_one_does_not() {
    let dir = TempDir::new().unwrap();
    let first = open_in(&dir).unwrap();
    let error = open_in(&dir).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("is in use by another process"), "{error}");
    first.close().await;
    open_in(&dir).unwrap().close().await;
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    std::fs::write(&path, "this is a text, and long enough to be read as a header").unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(error.to_string().ends_with("it is not a database"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE stamps (id INTEGER)").unwrap();
    drop(other);
    let error = Sqlite::open(&path).unwrap_err();
    assert!(error.to_string().ends_with("it is a database of another program"), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    drop(open::writer(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = open::writer(&path).unwrap_err();
    assert!(error.to_string().contains("has version 99"), "{error}");
}

#[test]
fn a_database_of_version_1_is_brought_forward_and_its_subscribers_begin_at_its_end() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("tests/version_1.sql")).unwrap();
    drop(connection);
    for _ in 0..2 {
        let connection = open::writer(&path).unwrap();
        let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(read("SELECT delivered FROM hook WHERE secret IS NULL"), 7);
        assert_eq!(read("SELECT count(*) FROM sqlite_schema WHERE name = 'journal_game'"), 1);
        assert_eq!(read("SELECT id FROM user WHERE lower(email) = 'anna@b.c' AND NOT faculty"), 1);
        assert_eq!(read("SELECT count(*) FROM token"), 0);
    }
}

#[test]
fn a_database_that_was_brought_forward_has_the_tables_of_a_new_one() {
    let dir = TempDir::new().unwrap();
    let (old, new) = (dir.path().join("old.db"), dir.path().join("new.db"));
    let connection = rusqlite::Connection::open(&old).unwrap();
    connection.execute_batch(include_str!("tests/version_1.sql")).unwrap();
    drop(connection);
    let columns = |path: &Path| {
        let connection = open::writer(path).unwrap();
        let sql = "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c \
                   UNION SELECT name FROM sqlite_schema ORDER BY 1";
        let mut statement = connection.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        names.collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(columns(&old), columns(&new));
}

#[test]
fn a_path_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Sqlite::open(&file.join("games.db")).unwrap_err();
    assert!(error.to_string().contains("its directory cannot be made"), "{error}");
}

#[test]
fn every_table_has_the_columns_that_its_description_names() {
    let dir = TempDir::new().unwrap();
    let connection = open::writer(&dir.path().join("games.db")).unwrap();
    for resource in Resource::ALL {
        let statements = statements::of(resource);
        for sql in [&statements.select, &statements.by_pk, &statements.current, &statements.delete]
        {
            connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        for filter in Table::of(resource).filters {
            let sql = format!("{} WHERE {}", statements.select, filter.sql);
            connection.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let dir = TempDir::new().unwrap();
    let store = open_in(&dir).unwrap();
    store.close().await;
    let read = store.get(Resource::Game, 1).await.unwrap_err();
    let write = store.commit(sim_games_types::UnitOfWork::default().into()).await.unwrap_err();
    assert!(matches!((read, write), (StoreError::Closed, StoreError::Closed)));
    store.close().await;
}

/// A unit that stores a game with this much data.
fn game(name: &str, data: &str) -> Work {
    let body = serde_json::json!({"name": name, "data": data});
    let serde_json::Value::Object(fields) = body else { unreachable!("it is an object") };
    let operation =
        sim_games_types::Operation::Create { resource: Resource::Game, fields, reference: None };
    let unit = sim_games_types::UnitOfWork {
        operations: vec![operation],
        ..sim_games_types::UnitOfWork::default()
    };
    unit.into()
}

fn unavailable(outcome: &Result<Outcome, StoreError>) -> bool {
    outcome.as_ref().is_err_and(StoreError::is_transient)
}

/// A database whose commits fail on demand.
#[derive(Debug)]
struct Failing {
    sqlite: Sqlite,
    fails: Arc<AtomicBool>,
}

impl Backend for Failing {
    fn reader(&self) -> Result<Box<dyn Connection>, Fault> {
        self.sqlite.reader()
    }

    fn writer(&self) -> Result<Box<dyn Writing>, Fault> {
        let writer = SqliteWriter::open(&self.sqlite.path)?;
        let fails = Arc::clone(&self.fails);
        writer.connection.commit_hook(Some(move || fails.load(Ordering::SeqCst)))?;
        Ok(Box::new(writer))
    }
}

#[tokio::test]
async fn answers_to_calls_with_a_key_are_kept_for_their_time_only() {
    let call = |name: &str| {
        let mut work = game(name, "");
        work.unit.idempotency = Some(Idempotency {
            user: 1.into(),
            scope: "game".to_owned(),
            key: "k".to_owned(),
            answer: "1".to_owned(),
        });
        work
    };
    for (kept, replayed) in [(Duration::MAX, true), (Duration::ZERO, false)] {
        let dir = TempDir::new().unwrap();
        let sqlite = Sqlite::open(&dir.path().join("games.db")).unwrap();
        let store = Store::open(Arc::new(sqlite), 1, 16, kept, Box::new(|_| {})).unwrap();
        store.commit(call("a")).await.unwrap();
        let second = store.commit(call("b")).await.unwrap();
        assert_eq!(second.committed.replayed.is_some(), replayed, "kept for {kept:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_commit_that_fails_stores_nothing_of_its_group_and_announces_nothing() {
    let dir = TempDir::new().unwrap();
    let sqlite = Sqlite::open(&dir.path().join("games.db")).unwrap();
    let fails = Arc::new(AtomicBool::new(true));
    let backend = Failing { sqlite, fails: Arc::clone(&fails) };
    let store = Store::open(Arc::new(backend), 1, 16, Duration::MAX, Box::new(|_| {})).unwrap();
    let mut announced = store.live().unwrap();
    let (first, second) = tokio::join!(store.commit(game("a", "")), store.commit(game("b", "")));
    assert!(unavailable(&first) && unavailable(&second), "{first:?} {second:?}");
    assert!(announced.try_recv().is_err());
    assert!(store.check_writable().await.is_err());
    fails.store(false, Ordering::SeqCst);
    store.check_writable().await.unwrap();
    let stored = store.commit(game("a", "")).await.unwrap();
    assert_eq!(stored.committed.seq, 1);
    assert_eq!(announced.recv().await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_is_survived() {
    let dir = TempDir::new().unwrap();
    let store = open_in(&dir).unwrap();
    let mut announced = store.live().unwrap();
    let pages = async |sql: &'static str| {
        let ask = move |connection: &dyn Writing| {
            let mut pages = 0;
            connection.each(sql, &[], &mut |row| {
                pages = row.int(0)?;
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(pages)
        };
        store.chore(Durability::Relaxed, ask).await.unwrap()
    };
    let present = pages("PRAGMA page_count").await;
    assert_eq!(pages("PRAGMA max_page_count = 1").await, present, "not below what there is");
    let large = "x".repeat(200_000);
    let (first, second, third) = tokio::join!(
        store.commit(game("a", "")),
        store.commit(game("b", &large)),
        store.commit(game("c", ""))
    );
    assert!(unavailable(&second), "{second:?}");
    pages("PRAGMA max_page_count = 1000000").await;
    store.commit(game("d", &large)).await.unwrap();
    let stored = [first, third].iter().filter(|it| it.is_ok()).count() + 1;
    let query = crate::store::Query {
        table: Table::of(Resource::Game),
        conditions: Vec::new(),
        order: Vec::new(),
        offset: 0,
        limit: 10,
    };
    assert_eq!(store.list(query).await.unwrap().len(), stored);
    let mut told = 0;
    while told < stored {
        told += announced.recv().await.unwrap().len();
    }
    assert!(announced.try_recv().is_err());
    store.close().await;
}

#[test]
fn a_unit_is_durable_also_after_a_note_that_was_not() {
    let dir = TempDir::new().unwrap();
    let writer = SqliteWriter::open(&dir.path().join("games.db")).unwrap();
    for (durability, level) in
        [(Durability::Durable, 2), (Durability::Relaxed, 1), (Durability::Durable, 2)]
    {
        writer.begin(durability).unwrap();
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let found = writer.connection.pragma_query_value(None, "synchronous", read).unwrap();
        assert_eq!(found, level);
        writer.commit().unwrap();
    }
}

#[test]
fn a_broken_constraint_is_told_from_other_faults() {
    let dir = TempDir::new().unwrap();
    let writer = SqliteWriter::open(&dir.path().join("games.db")).unwrap();
    let sql = "INSERT INTO phase (created, updated, name, slug, game) VALUES (0, 0, '', '', 7)";
    let broken = Connection::execute(&writer, sql, &[]).unwrap_err();
    assert_eq!(broken.kind, FaultKind::Constraint);
    let wrong = Connection::execute(&writer, "DELETE FROM nothing", &[]).unwrap_err();
    assert_eq!(wrong.kind, FaultKind::Other);
}

#[test]
fn a_decision_is_looked_up_by_period_and_role_and_not_through_all_of_the_role() {
    let dir = TempDir::new().unwrap();
    let connection = open::writer(&dir.path().join("games.db")).unwrap();
    let select = &statements::of(Resource::Decision).select;
    let sql = format!(
        "EXPLAIN QUERY PLAN {select} WHERE t.name = 'd' AND t.period = 1 AND t.role = 2 \
         ORDER BY t.id LIMIT 2"
    );
    let plan: String = connection.query_row(&sql, [], |row| row.get(3)).unwrap();
    assert!(plan.contains("decision_role (role=? AND period=?)"), "{plan}");
}

#[tokio::test]
async fn a_database_in_use_is_copied_into_one_that_can_be_opened() {
    use std::os::unix::fs::PermissionsExt;

    let dir = TempDir::new().unwrap();
    let store = open_in(&dir).unwrap();
    let path = dir.path().join("deep/games.db");
    let copy = dir.path().join("copy.db");
    let done = back_up(&path, &copy).unwrap();
    assert_eq!(done.seq, store.last_seq().await.unwrap());
    assert_eq!(done.bytes, std::fs::metadata(&copy).unwrap().len());
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let taken = back_up(&path, &copy).unwrap_err();
    assert!(taken.to_string().ends_with("it exists already, choose another file"), "{taken}");
    store.close().await;
    Sqlite::open(&copy).unwrap();
}

#[test]
fn what_is_no_database_of_ours_is_not_copied_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let (path, copy) = (dir.path().join("other.db"), dir.path().join("copy.db"));
    let missing = back_up(&path, &copy).unwrap_err();
    assert!(missing.to_string().ends_with("there is no such file"), "{missing}");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (id)").unwrap();
    let foreign = back_up(&path, &copy).unwrap_err();
    assert!(foreign.to_string().ends_with("it is not a database of this program"), "{foreign}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
