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
                Ok(changes) => match following(self.after, &changes) {
                    Following::Seen => {}
                    Following::From(0) => return Some(self.advance(changes)),
                    Following::From(position) => {
                        return Some(self.advance(changes[position..].into()));
                    }
                    Following::Gap => self.behind = true,
                },
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

    fn advance(&mut self, changes: Arc<[Change]>) -> Arc<[Change]> {
        if let Some(last) = changes.last() {
            self.after = last.seq;
        }
        changes
    }
}

/// How a live batch goes on from the last change that was returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Following {
    /// All of it was read from the journal already.
    Seen,
    /// It goes on at this position of the batch.
    From(usize),
    /// Something between them was never told, as when a database that others write as well went
    /// away: the journal has it.
    Gap,
}

fn following(after: u64, changes: &[Change]) -> Following {
    match changes.first() {
        Some(first) if first.seq > after + 1 => Following::Gap,
        _ => match changes.partition_point(|change| change.seq <= after) {
            seen if seen == changes.len() => Following::Seen,
            seen => Following::From(seen),
        },
    }
}

#[cfg(test)]
mod tests {
    use sim_games_types::{Action, Record, Resource, Stored, Timestamp};

    use super::*;

    fn change(seq: u64) -> Change {
        let json = r#"{"id":1,"event":"*","url":"http://a.b/","user":1,"connected":false,
            "erroring":false,"last_error":null,"last_error_status":null,"last_error_content":null,
            "created":"2026-01-01T00:00:00.000000Z","modified":"2026-01-01T00:00:00.000000Z"}"#;
        let record = Record::from_json(Resource::Hook, json).unwrap();
        let object = Arc::new(Stored { record, json: json.into() });
        let (at, action) = (Timestamp::from_micros(0), Action::Changed);
        Change { seq, at, game: None, run: None, action, object, actor: None, cause: None }
    }

    #[test]
    fn a_live_batch_goes_on_where_the_journal_ended_or_leads_back_to_it() {
        let batch: Vec<Change> = (5..8).map(change).collect();
        assert_eq!(following(4, &batch), Following::From(0));
        assert_eq!(following(5, &batch), Following::From(1));
        assert_eq!(following(7, &batch), Following::Seen);
        assert_eq!(following(3, &batch), Following::Gap);
        assert_eq!(following(3, &[]), Following::Seen);
    }
}
