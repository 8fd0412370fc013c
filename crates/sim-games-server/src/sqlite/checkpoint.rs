//! The thread that moves what the write-ahead log holds into the database file.
//!
//! SQLite would let the writer do it every so often, and everybody who waits for the writer would
//! wait for tens of milliseconds. Another connection can do it while the writer goes on. It never
//! catches up with a writer that does not pause, so the writer still does the rest itself when the
//! log has grown large, which is little by then.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::open;
use crate::sql::connection::{Fault, FaultKind};

/// How many changes are written before the log is worked off.
const CHANGES: usize = 1000;

/// Wakes the thread from the writer's side; dropping it ends the thread and waits for that.
#[derive(Debug)]
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    pending: usize,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(path: &Path) -> Result<Self, Fault> {
        let (wake, woken) = sync_channel(1);
        let path = path.to_owned();
        let work = move || {
            let connection = match open::checkpointer(&path) {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::warn!(error = %error, "the writer works off its log itself");
                    return;
                }
            };
            while woken.recv().is_ok() {
                let passed = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                if let Err(error) = passed {
                    tracing::warn!(error = %error, "could not work off the write-ahead log");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("games-checkpoint".to_owned())
            .spawn(work)
            .map_err(|error| Fault::new(FaultKind::Other, error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), pending: 0 })
    }

    /// Notes that changes were committed.
    pub(super) fn note(&mut self, changes: usize) {
        self.pending += changes;
        // A thread that has not started on the last word yet will see these changes, too.
        let wake = || self.wake.as_ref().is_some_and(|wake| wake.try_send(()).is_ok());
        if self.pending >= CHANGES && wake() {
            self.pending = 0;
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that works off the log ended by a panic");
        }
    }
}
