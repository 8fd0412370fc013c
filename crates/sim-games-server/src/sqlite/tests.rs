//! Tests of what only this database does: files, locks, schema. The rest is in `crate::tests`.

use tempfile::TempDir;

use super::*;

fn open_in(dir: &TempDir) -> Result<Sqlite, StoreError> {
    Sqlite::open(&dir.path().join("deep/games.db"), 2, 16, Box::new(|_| {}))
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
    let error = Sqlite::open(&path, 1, 16, Box::new(|_| {})).unwrap_err();
    assert!(error.to_string().ends_with("it is not a database"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE stamps (id INTEGER)").unwrap();
    drop(other);
    let error = Sqlite::open(&path, 1, 16, Box::new(|_| {})).unwrap_err();
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
    let connection = open::writer(&path).unwrap();
    connection
        .execute_batch(
            "DROP INDEX journal_game; ALTER TABLE hook DROP COLUMN secret;
             ALTER TABLE hook DROP COLUMN delivered; PRAGMA user_version = 1;
             INSERT INTO user VALUES (1, 0, 0, '', '', NULL, 'a@b.c', 1, 1, 1, '', 'null', NULL);
             INSERT INTO hook VALUES (1, 0, 0, 'div.*', 'http://a.b/', 1, 0, 0, NULL, NULL, NULL);
             INSERT INTO journal VALUES (7, 0, NULL, NULL, 'user', 1, 'created', NULL, NULL, '', '{}');",
        )
        .unwrap();
    drop(connection);
    for _ in 0..2 {
        let connection = open::writer(&path).unwrap();
        let hooks = hooks::all(&connection).unwrap();
        assert_eq!((hooks.len(), hooks[0].delivered, &hooks[0].secret), (1, 7, &None));
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'journal_game'";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}

#[test]
fn a_path_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Sqlite::open(&file.join("games.db"), 1, 16, Box::new(|_| {})).unwrap_err();
    assert!(error.to_string().contains("its directory cannot be made"), "{error}");
}

#[test]
fn every_table_has_the_columns_that_its_description_names() {
    let dir = TempDir::new().unwrap();
    let connection = open::writer(&dir.path().join("games.db")).unwrap();
    for resource in Resource::ALL {
        let statements = statements::of(resource);
        for sql in [
            &statements.select,
            &statements.by_pk,
            &statements.current,
            &statements.insert,
            &statements.update,
            &statements.delete,
        ] {
            connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        for filter in crate::model::Table::of(resource).filters {
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

/// A writer on the test's own thread, and the changes that it announces.
fn writer_in(dir: &TempDir) -> (Writer, broadcast::Receiver<Arc<[Change]>>) {
    let path = dir.path().join("games.db");
    let (live, announced) = broadcast::channel(16);
    let connection = open::writer(&path).unwrap();
    let (checkpointer, _thread) = Checkpointer::start(&path).unwrap();
    let lock = open::lock(&path).unwrap();
    let observer = Box::new(|_: &[Change]| {});
    let is_relaxed = false;
    let writer =
        Writer { connection, _lock: lock, head: 0, live, observer, checkpointer, is_relaxed };
    (writer, announced)
}

/// Commits units as one group.
fn commit(writer: &mut Writer, works: Vec<Work>) -> Vec<Result<Outcome, StoreError>> {
    let (jobs, mut answers): (Vec<_>, Vec<_>) = works
        .into_iter()
        .map(|work| {
            let (answer, outcome) = oneshot::channel();
            (Job { work, answer }, outcome)
        })
        .unzip();
    writer.commit(jobs);
    answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect()
}

fn unavailable(outcome: &Result<Outcome, StoreError>) -> bool {
    outcome.as_ref().is_err_and(StoreError::is_transient)
}

#[test]
fn a_commit_that_fails_stores_nothing_of_its_group_and_announces_nothing() {
    let dir = TempDir::new().unwrap();
    let (mut writer, mut announced) = writer_in(&dir);
    writer.connection.commit_hook(Some(|| true)).unwrap();
    let refused = commit(&mut writer, vec![game("a", ""), game("b", "")]);
    assert!(refused.iter().all(unavailable), "{refused:?}");
    assert!(announced.try_recv().is_err());
    writer.connection.commit_hook(None::<fn() -> bool>).unwrap();
    let stored = commit(&mut writer, vec![game("a", "")]);
    assert_eq!(stored[0].as_ref().unwrap().committed.seq, 1);
    assert_eq!(announced.try_recv().unwrap().len(), 1);
}

#[test]
fn a_full_disk_refuses_the_whole_group_and_is_survived() {
    let dir = TempDir::new().unwrap();
    let (mut writer, mut announced) = writer_in(&dir);
    let pages: i64 =
        writer.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let allow = |writer: &Writer, pages: i64| {
        writer.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))
    };
    allow(&writer, pages + 2).unwrap();
    let large = "x".repeat(200_000);
    let refused = commit(&mut writer, vec![game("a", ""), game("b", &large), game("c", "")]);
    assert!(refused.iter().any(unavailable), "{refused:?}");
    let stored = refused.iter().filter(|it| it.is_ok()).count();
    allow(&writer, 1_000_000).unwrap();
    let again = commit(&mut writer, vec![game("d", &large)]);
    assert!(again[0].is_ok(), "{again:?}");
    let games: i64 =
        writer.connection.query_row("SELECT count(*) FROM game", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(games).unwrap(), stored + 1);
    let mut told = 0;
    while let Ok(changes) = announced.try_recv() {
        told += changes.len();
    }
    assert_eq!(told, stored + 1);
}

#[test]
fn a_unit_is_durable_also_after_a_note_that_was_not() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("games.db");
    let (checkpointer, _thread) = Checkpointer::start(&path).unwrap();
    let mut writer = Writer {
        connection: open::writer(&path).unwrap(),
        _lock: open::lock(&path).unwrap(),
        head: 0,
        live: broadcast::channel(16).0,
        observer: Box::new(|_| {}),
        checkpointer,
        is_relaxed: false,
    };
    let synchronous = |writer: &Writer| {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        writer.connection.pragma_query_value(None, "synchronous", read).unwrap()
    };
    let progress =
        HookProgress { pk: 1, delivered: 3, connected: true, erroring: false, failure: None };
    let (answer, mut noted) = oneshot::channel();
    writer.note(vec![HookNote { progress, answer }]);
    noted.try_recv().unwrap().unwrap();
    assert_eq!(synchronous(&writer), 1);
    let (answer, mut stored) = oneshot::channel();
    writer.commit(vec![Job { work: game("a", ""), answer }]);
    stored.try_recv().unwrap().unwrap();
    assert_eq!(synchronous(&writer), 2);
}
