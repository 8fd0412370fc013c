//! The connections that read, lent to one blocking task at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::error::StoreError;

/// A small pool of reading connections; callers beyond its size wait.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, size: usize) -> Self {
        Self {
            path: path.to_owned(),
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Reads, off the asynchronous threads.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let connection = match readers.take() {
                Some(connection) => connection,
                None => open::reader(&readers.path)?,
            };
            let answer = read(&connection)?;
            // After an error the connection is dropped instead, and a fresh one made next time.
            readers.give_back(connection);
            drop(permit);
            Ok(answer)
        });
        match task.await {
            Ok(answer) => answer.map_err(|error: rusqlite::Error| StoreError::unavailable(error)),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
