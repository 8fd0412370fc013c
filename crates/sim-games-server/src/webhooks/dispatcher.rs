//! The task that follows the changes and keeps one worker per subscription.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sim_games_types::{Change, Resource};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::WebhookOptions;
use super::sender::Sender;
use super::worker::{Target, Worker};
use crate::error::StoreError;
use crate::feed::ChangeFeed;
use crate::sql::Store;
use crate::store::HookRow;

/// How long to wait before the subscriptions are read again after the database did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the changes; owns the workers.
#[derive(Debug)]
pub(super) struct Dispatcher {
    store: Arc<Store>,
    options: Arc<WebhookOptions>,
    sender: Arc<Sender>,
    stop: CancellationToken,
    feed: ChangeFeed,
    /// The journal's last number, as the workers learn it.
    head: watch::Sender<u64>,
    workers: BTreeMap<i64, Running>,
}

#[derive(Debug)]
struct Running {
    target: watch::Sender<Target>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn end(&mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(error = %error, "the deliveries to a subscriber ended by a panic");
        }
    }
}

impl Dispatcher {
    pub(super) async fn open(
        store: Arc<Store>,
        options: WebhookOptions,
        sender: Sender,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let seq = store.last_seq().await?;
        Ok(Self {
            feed: ChangeFeed::new(Arc::clone(&store), seq),
            head: watch::Sender::new(seq),
            options: Arc::new(options),
            sender: Arc::new(sender),
            workers: BTreeMap::new(),
            store,
            stop,
        })
    }

    /// Works until it is stopped or the store is closed, whenever it is this process's turn.
    pub(super) async fn run(mut self) {
        let (stop, mut turn) = (self.stop.clone(), self.store.turn());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = turn.begins() => {}
            }
            let lost = tokio::select! {
                () = stop.cancelled() => false,
                () = self.follow() => false,
                () = turn.ends() => true,
            };
            self.end_all().await;
            if !lost {
                return;
            }
            tracing::info!("another process may deliver webhooks now");
        }
    }

    async fn end_all(&mut self) {
        for running in self.workers.values() {
            running.stop.cancel();
        }
        for running in self.workers.values_mut() {
            running.end().await;
        }
        self.workers.clear();
    }

    async fn follow(&mut self) {
        self.reconcile().await;
        while let Some(changes) = self.feed.next().await {
            if changes.iter().any(is_subscription) {
                self.reconcile().await;
            }
            self.head.send_replace(self.feed.after());
        }
    }

    /// Makes the workers those of the subscriptions that there are now.
    async fn reconcile(&mut self) {
        let rows = loop {
            match self.store.hooks().await {
                Ok(rows) => break rows,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "could not read the subscriptions, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let is_kept = |pk: &i64| rows.iter().any(|row| row.pk == *pk);
        let gone: Vec<i64> = self.workers.keys().copied().filter(|pk| !is_kept(pk)).collect();
        for pk in gone {
            // It stays owned while it ends, in case this is interrupted.
            if let Some(running) = self.workers.get_mut(&pk) {
                running.end().await;
            }
            self.workers.remove(&pk);
        }
        for row in rows {
            self.keep(row);
        }
    }

    /// Starts a subscription's worker, or tells it where and what to deliver from now on.
    fn keep(&mut self, row: HookRow) {
        let target = Target::new(&row);
        if let Some(running) = self.workers.get(&row.pk) {
            running.target.send_if_modified(|known| {
                let is_new = *known != target;
                *known = target;
                is_new
            });
            return;
        }
        let (pk, sender) = (row.pk, watch::Sender::new(target));
        let stop = self.stop.child_token();
        let worker = Worker::new(
            row,
            sender.subscribe(),
            self.head.subscribe(),
            (Arc::clone(&self.store), Arc::clone(&self.sender), Arc::clone(&self.options)),
        );
        let task = tokio::spawn(worker.run(stop.clone()));
        self.workers.insert(pk, Running { target: sender, stop, task });
    }
}

fn is_subscription(change: &Change) -> bool {
    change.object.record.resource() == Resource::Hook
}
