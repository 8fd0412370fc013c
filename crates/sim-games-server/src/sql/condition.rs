//! Whether the database takes what is written, as far as the last attempt told.

use std::sync::{Mutex, PoisonError};

use super::connection::Fault;

/// What became of the last attempt to write: nothing, or why it failed.
#[derive(Debug, Default)]
pub(super) struct Condition(Mutex<Option<String>>);

impl Condition {
    /// Notes that nothing could be written. It is said once, until something can be written again.
    pub(super) fn failed(&self, cause: &Fault) {
        let cause = cause.to_string();
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(cause.clone());
        if before.is_none() {
            tracing::error!("nothing can be saved: {cause}; saving goes on as soon as it can");
        }
    }

    /// Notes that something was written.
    pub(super) fn succeeded(&self) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if before.is_some() {
            tracing::info!("saving goes on");
        }
    }

    /// Why the last attempt failed, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
