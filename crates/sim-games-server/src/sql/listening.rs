//! News of what other processes write into the same database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::WeakSender;

use super::writer::Message;

/// Where a database's listener tells its news. It is only a wake-up: what was written is read from
/// the journal.
#[derive(Clone)]
pub(crate) struct News {
    writer: WeakSender<Message>,
    /// The journal's last number that this process has told.
    told: Arc<AtomicU64>,
}

impl News {
    pub(super) const fn new(writer: WeakSender<Message>, told: Arc<AtomicU64>) -> Self {
        Self { writer, told }
    }

    /// The journal has come to a number; none when that is not known.
    ///
    /// Returns whether anybody is left who wants to know.
    pub(crate) async fn reached(&self, seq: Option<u64>) -> bool {
        let Some(writer) = self.writer.upgrade() else { return false };
        if seq.is_some_and(|seq| seq <= self.told.load(Ordering::SeqCst)) {
            return true;
        }
        writer.send(Message::Look).await.is_ok()
    }
}
