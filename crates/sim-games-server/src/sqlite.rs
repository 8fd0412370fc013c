//! SQLite: one file, kept from other processes by a lock.

mod backup;
mod checkpoint;
mod connection;
mod obstacle;
mod open;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use backup::{BackedUp, back_up};

use crate::error::StoreError;
use crate::sql::connection::{Backend, Connection, Fault, FaultKind, Writing};
use writer::SqliteWriter;

/// A database file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    /// Keeps other processes out for as long as the store is open.
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    /// Takes a database file, creating it and its directory when they do not exist, and brings its
    /// schema forward.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = open::lock(path)?;
        open::writer(path)?;
        Ok(Self { path: path.to_owned(), lock: Mutex::new(Some(lock)) })
    }
}

impl Backend for Sqlite {
    fn reader(&self) -> Result<Box<dyn Connection>, Fault> {
        Ok(Box::new(open::reader(&self.path)?))
    }

    fn writer(&self) -> Result<Box<dyn Writing>, Fault> {
        Ok(Box::new(SqliteWriter::open(&self.path)?))
    }

    fn try_to_write(&self) -> Result<(), Fault> {
        obstacle::search(&self.path).map_err(|obstacle| Fault::new(FaultKind::Other, obstacle))
    }

    fn close(&self) {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
