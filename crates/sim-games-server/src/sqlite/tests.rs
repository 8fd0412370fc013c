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
