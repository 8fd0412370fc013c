//! A copy of a database file that is in use: as it stands at one moment, checked, and only then under
//! its name.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::open;
use crate::error::StoreError;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// The number of the last change in it.
    pub seq: u64,
}

/// Copies a database file, also while another process writes it, into a file that does not exist yet.
///
/// The copy is what was durable at one moment. It can be opened as any database of this program. Only
/// its owner may read it: it holds the hashes of passwords.
///
/// # Errors
/// When there is no such database, when the copy exists already or cannot be written, or when what was
/// written is not sound. Nothing is left then.
pub fn back_up(database: &Path, to: &Path) -> Result<BackedUp, StoreError> {
    if to.exists() {
        return Err(open::unusable(to, "it exists already, choose another file".to_owned()));
    }
    if !database.exists() {
        return Err(open::unusable(database, "there is no such file".to_owned()));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let done = copy(database, &partial).and_then(|done| {
        fs::rename(&partial, to).map_err(|error| open::unusable(to, error.to_string()))?;
        synced(to.parent()).map_err(|error| open::unusable(to, error.to_string()))?;
        Ok(done)
    });
    if done.is_err() {
        // It may never have been made.
        drop(fs::remove_file(&partial));
    }
    done
}

fn copy(database: &Path, partial: &Path) -> Result<BackedUp, StoreError> {
    let unwritten = |error: &dyn ToString| open::unusable(partial, error.to_string());
    // SQLite fills an empty file, which keeps its mode.
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(partial)
        .map_err(|error| unwritten(&error))?;
    let source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| open::unusable(database, error.to_string()))?;
    open::is_ours(&source).map_err(|reason| open::unusable(database, reason))?;
    let name = partial.to_str().ok_or_else(|| unwritten(&"its name is no text"))?;
    source.execute("VACUUM INTO ?1", [name]).map_err(|error| unwritten(&error))?;
    let seq = checked(partial).map_err(|reason| open::unusable(partial, reason))?;
    let file = File::open(partial).map_err(|error| unwritten(&error))?;
    file.sync_all().map_err(|error| unwritten(&error))?;
    let bytes = file.metadata().map_err(|error| unwritten(&error))?.len();
    Ok(BackedUp { bytes, seq })
}

/// The number of the last change in a copy that is sound.
fn checked(copy: &Path) -> Result<u64, String> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| error.to_string())?;
    let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let verdict = ask("PRAGMA integrity_check").map_err(|error| error.to_string())?;
    if verdict != "ok" {
        return Err(format!("the copy is not sound: {verdict}"));
    }
    open::is_ours(&connection)?;
    let last = "SELECT coalesce(max(seq), 0) FROM journal";
    let seq = connection.query_row(last, [], |row| row.get::<_, i64>(0));
    seq.map(i64::unsigned_abs).map_err(|error| error.to_string())
}

/// Makes a directory's new names durable.
fn synced(dir: Option<&Path>) -> std::io::Result<()> {
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}
