//! Whether the database takes what is written, as far as the last attempt told.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the last attempt to write failed.
#[derive(Debug, Default)]
pub(super) struct Condition(AtomicBool);

impl Condition {
    /// Notes that nothing could be written. It is said once, with what `search` finds, until something
    /// can be written again.
    pub(super) fn failed(&self, search: impl FnOnce() -> String) {
        if !self.0.swap(true, Ordering::Relaxed) {
            let cause = search();
            tracing::error!("nothing can be saved: {cause}; saving goes on as soon as it can");
        }
    }

    /// Notes that something was written.
    pub(super) fn succeeded(&self) {
        if self.0.swap(false, Ordering::Relaxed) {
            tracing::info!("saving goes on");
        }
    }

    /// Whether the last attempt failed.
    pub(super) fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
