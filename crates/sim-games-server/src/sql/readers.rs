//! The connections that read, lent to one blocking task at a time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Backend, Connection, Fault, FaultKind};
use crate::error::StoreError;

/// Those who may read for long at the same time; others wait.
const ASIDE: usize = 2;

/// A small pool of reading connections; callers beyond its size wait.
pub(super) struct Readers {
    backend: Arc<dyn Backend>,
    permits: Arc<Semaphore>,
    /// For those who read for long, so that they keep nobody else waiting.
    aside: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    idle: Mutex<Vec<Box<dyn Connection>>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn new(backend: Arc<dyn Backend>, size: usize) -> Self {
        let (permits, aside) = (Arc::new(Semaphore::new(size)), Arc::new(Semaphore::new(ASIDE)));
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        Self { backend, permits, aside, tasks, stopping, idle: Mutex::default() }
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

    /// Reads for long, at one moment, on a connection that is closed afterwards. It is to end early
    /// when the token is cancelled.
    pub(super) async fn run_aside(
        &self,
        read: impl FnOnce(&dyn Connection, CancellationToken) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), StoreError> {
        let permit =
            Arc::clone(&self.aside).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let backend = Arc::clone(&self.backend);
        let opening = tokio::task::spawn_blocking(move || backend.reader());
        let connection = opening.await.map_err(StoreError::unavailable)??;
        let stopping = self.stopping.clone();
        self.tasks.spawn_blocking(move || {
            if let Err(fault) = connection.at_once(|connection| read(connection, stopping)) {
                tracing::debug!(error = %fault, "a long read ended early");
            }
            drop(permit);
        });
        Ok(())
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
    pub(super) async fn close(&self) {
        self.permits.close();
        self.aside.close();
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
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
