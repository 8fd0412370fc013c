//! The stream of changes: first from the journal, then as the writer hands them over.

use std::sync::Arc;
use std::time::Duration;

use sim_games_types::Change;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::error::StoreError;
use crate::sql::Store;

/// Changes that are read from the journal at once.
const PAGE: u32 = 512;

/// How long to wait before the journal is read again after the database did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// All changes after a sequence number, in commit order and without a gap.
///
/// A reader that falls too far behind the live changes reads on from the journal.
#[derive(Debug)]
pub struct ChangeFeed {
    store: Arc<Store>,
    live: Option<Receiver<Arc<[Change]>>>,
    after: u64,
    behind: bool,
}

impl ChangeFeed {
    /// Listens before the journal is first read, so that nothing falls between the two.
    pub(crate) fn new(store: Arc<Store>, after: u64) -> Self {
        Self { live: store.live(), store, after, behind: true }
    }

    /// The next changes; none once the store is closed. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<[Change]>> {
        loop {
            if self.behind {
                match self.store.journal(self.after, PAGE).await {
                    Ok(changes) if changes.is_empty() => self.behind = false,
                    Ok(changes) => return Some(self.advance(changes.into())),
                    Err(StoreError::Closed) => return None,
                    Err(error) => {
                        tracing::warn!(error = %error, "could not read the journal, trying again");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                continue;
            }
            match self.live.as_mut()?.recv().await {
                Ok(changes) => {
                    if let Some(new) = self.unseen(changes) {
                        return Some(self.advance(new));
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The number of the last change that was returned.
    #[must_use]
    pub const fn after(&self) -> u64 {
        self.after
    }

    /// What of a live batch was not read from the journal already.
    fn unseen(&self, changes: Arc<[Change]>) -> Option<Arc<[Change]>> {
        match changes.partition_point(|change| change.seq <= self.after) {
            0 => Some(changes),
            seen if seen == changes.len() => None,
            seen => Some(changes[seen..].into()),
        }
    }

    fn advance(&mut self, changes: Arc<[Change]>) -> Arc<[Change]> {
        if let Some(last) = changes.last() {
            self.after = last.seq;
        }
        changes
    }
}
