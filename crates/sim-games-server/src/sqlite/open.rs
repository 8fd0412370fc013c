//! Opening the database file: lock, pragmas, schema.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::obstacle::{self, told};
use crate::error::StoreError;

/// Tells our databases from those of other programs.
const APPLICATION: i32 = 0x5349_4d47;

/// The version of the schema that this program reads and writes.
const VERSION: i32 = 3;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 256;

/// No mutex within SQLite: a connection is used by one thread at a time.
const OPEN: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Pages in the write-ahead log at which the writer works it off itself: 64 MiB.
const LOG_PAGES: u32 = 16_384;

const SCHEMA: &str = include_str!("schema.sql");

/// What brings each older version to the next one.
const STEPS: [&str; 2] = [
    // Version 1 delivered no webhooks: its subscribers begin with what happens from now on.
    "ALTER TABLE hook ADD COLUMN secret TEXT;
     ALTER TABLE hook ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;
     UPDATE hook SET delivered = (SELECT coalesce(max(seq), 0) FROM journal);
     CREATE INDEX journal_game ON journal (pk, seq) WHERE resource = 'game';",
    // Version 2 had no tokens, and told addresses apart by a collation of its own.
    include_str!("from_version_2.sql"),
];

/// Takes the lock that keeps a second process out; it ends with the file's handle.
///
/// A file of its own, because closing any handle of the database file would drop SQLite's locks.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| {
            unusable(path, format!("its directory cannot be made: {}", told(&error)))
        })?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(|error| {
            unusable(path, format!("its lock file cannot be made: {}", told(&error)))
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => {
            Err(unusable(path, format!("it cannot be locked: {error}")))
        }
    }
}

/// Opens the connection of the writer, and creates the schema in an empty file.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OPEN | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(|error| unusable(path, format!("it cannot be opened: {}", cause(&error, path))))?;
    prepare(&connection, path).map_err(|error| match error {
        Failure::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            unusable(path, "it is not a database".to_owned())
        }
        Failure::Sql(error) => unusable(path, cause(&error, path)),
        Failure::Unusable(reason) => unusable(path, reason),
    })?;
    Ok(connection)
}

/// Writes what is there already.
pub(super) fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", VERSION)
}

/// Why the database failed; of the system it says too little.
fn cause(error: &rusqlite::Error, path: &Path) -> String {
    let system = [
        ErrorCode::CannotOpen,
        ErrorCode::DiskFull,
        ErrorCode::PermissionDenied,
        ErrorCode::ReadOnly,
        ErrorCode::SystemIoFailure,
    ];
    match error.sqlite_error_code() {
        Some(code) if system.contains(&code) => {
            obstacle::search(path).err().unwrap_or_else(|| error.to_string())
        }
        _ => error.to_string(),
    }
}

/// Opens a connection that can only read.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OPEN)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// Opens the connection that works off the write-ahead log beside the writer.
pub(super) fn checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OPEN)
}

enum Failure {
    Sql(rusqlite::Error),
    Unusable(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn prepare(connection: &Connection, path: &Path) -> Result<(), Failure> {
    if connection.is_readonly("main")? {
        return Err(Failure::Unusable("it cannot be written, check its permissions".to_owned()));
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = {LOG_PAGES};
         PRAGMA cache_size = -32768;",
    ))?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if tables == 0 => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION};
                 PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
            tracing::info!(database.path = %path.display(), "created the database");
            Ok(())
        }
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, older @ 1..VERSION) => {
            let missing = usize::try_from(older - 1).unwrap_or_default();
            let steps = STEPS[missing..].concat();
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
            tracing::info!(database.path = %path.display(), "brought the schema to version {VERSION}");
            Ok(())
        }
        (APPLICATION, version) => Err(Failure::Unusable(format!(
            "its schema has version {version}, this program knows version {VERSION}"
        ))),
        _ => Err(Failure::Unusable("it is a database of another program".to_owned())),
    }
}

/// Refuses what is no database of this program, or of another version.
pub(super) fn is_ours(connection: &Connection) -> Result<(), String> {
    let pragma = |name| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        value.map_err(|error| error.to_string())
    };
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, version) => {
            Err(format!("its schema has version {version}, this program knows version {VERSION}"))
        }
        _ => Err("it is not a database of this program".to_owned()),
    }
}

pub(super) fn unusable(path: &Path, reason: String) -> StoreError {
    StoreError::Unusable { database: path.display().to_string(), reason }
}
