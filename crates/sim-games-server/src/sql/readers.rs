//! The connections that read, lent to one blocking task at a time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::connection::{Backend, Connection, Fault, FaultKind};
use crate::error::StoreError;

/// A small pool of reading connections; callers beyond its size wait.
pub(super) struct Readers {
    backend: Arc<dyn Backend>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Box<dyn Connection>>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn new(backend: Arc<dyn Backend>, size: usize) -> Self {
        let permits = Arc::new(Semaphore::new(size));
        Self { backend, permits, idle: Mutex::new(Vec::new()) }
    }

    /// Reads, off the asynchronous threads.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl Fn(&dyn Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let answer = readers.read(&read);
            drop(permit);
            answer
        });
        match task.await {
            Ok(answer) => answer.map_err(StoreError::from),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }

    /// Reads on an idle connection; when that turns out to be broken, all idle ones may be, and a
    /// fresh one is made.
    fn read<T>(&self, read: &impl Fn(&dyn Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(connection) = self.take() {
            match read(&*connection) {
                Err(fault) if fault.kind == FaultKind::Gone => self.forget(),
                outcome => return self.returned(connection, outcome),
            }
        }
        let connection = self.backend.reader()?;
        let outcome = read(&*connection);
        self.returned(connection, outcome)
    }

    /// Gives a connection back. After a fault it is dropped instead, with its transaction.
    fn returned<T>(
        &self,
        connection: Box<dyn Connection>,
        outcome: Result<T, Fault>,
    ) -> Result<T, Fault> {
        if outcome.is_ok() && !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        outcome
    }

    /// Closes the idle connections, and the others when they come back.
    pub(super) fn close(&self) {
        self.permits.close();
        self.forget();
        self.backend.close();
    }

    fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take(&self) -> Option<Box<dyn Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
