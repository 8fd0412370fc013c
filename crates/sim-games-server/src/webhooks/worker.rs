//! Delivers to one subscriber, one event after the other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::WebhookOptions;
use super::sender::Sender;
use crate::counters;
use crate::error::StoreError;
use crate::sql::Store;
use crate::store::{Event, HookFailure, HookProgress, HookRow};

/// How long to rest when nothing in the journal was for this subscriber: busy times of others
/// then cost a hundred looks a second and not one per commit.
const REST: Duration = Duration::from_millis(10);

/// How long to wait before the journal is read again after the database did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// What is delivered, and where.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) event: String,
    pub(super) url: String,
    pub(super) secret: Option<String>,
}

impl Target {
    pub(super) fn new(row: &HookRow) -> Self {
        Self { event: row.event.clone(), url: row.url.clone(), secret: row.secret.clone() }
    }
}

impl fmt::Debug for Target {
    /// Shows neither the secret nor the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("event", &self.event).finish_non_exhaustive()
    }
}

/// The deliveries to one subscriber.
#[derive(Debug)]
pub(super) struct Worker {
    target: watch::Receiver<Target>,
    head: watch::Receiver<u64>,
    store: Arc<Store>,
    sender: Arc<Sender>,
    options: Arc<WebhookOptions>,
    progress: HookProgress,
    is_noted: bool,
    noted_at: Instant,
}

impl Worker {
    pub(super) fn new(
        row: HookRow,
        target: watch::Receiver<Target>,
        head: watch::Receiver<u64>,
        (store, sender, options): (Arc<Store>, Arc<Sender>, Arc<WebhookOptions>),
    ) -> Self {
        let HookRow { pk, delivered, connected, erroring, .. } = row;
        let progress = HookProgress { pk, delivered, connected, erroring, failure: None };
        let noted_at = Instant::now();
        Self { target, head, store, sender, options, progress, is_noted: true, noted_at }
    }

    /// Delivers until it is stopped, then stores how far it got.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.deliver_all() => {}
        }
        if !self.is_noted {
            self.note().await;
        }
    }

    /// Ends when the store is closed or nobody tells it anything any more.
    async fn deliver_all(&mut self) {
        loop {
            let target = self.target.borrow_and_update().clone();
            let head = *self.head.borrow_and_update();
            if self.progress.delivered >= head {
                if !self.wait().await {
                    return;
                }
                continue;
            }
            match self.store.events(self.progress.delivered, &target.event).await {
                Ok(page) => {
                    let is_empty = page.events.is_empty();
                    if self.deliver_page(page.events, &target).await {
                        self.advance(page.reached).await;
                    }
                    if is_empty && page.reached >= head {
                        sleep(REST).await;
                    }
                }
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "could not read the journal, trying again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for news, and stores the position meanwhile; false when there will be none.
    async fn wait(&mut self) -> bool {
        let due = self.noted_at + self.options.note_every;
        tokio::select! {
            news = self.head.changed() => news.is_ok(),
            news = self.target.changed() => news.is_ok(),
            () = sleep_until(due), if !self.is_noted => {
                self.note().await;
                true
            }
        }
    }

    /// Delivers some events; false when the subscription was changed before all were delivered.
    async fn deliver_page(&mut self, events: Vec<Event>, target: &Target) -> bool {
        for event in events {
            if !self.deliver(&event, target).await {
                return false;
            }
            self.advance(event.seq).await;
        }
        true
    }

    /// Sends an event until it arrives; false when the subscription was changed before it did.
    async fn deliver(&mut self, event: &Event, target: &Target) -> bool {
        let mut pause = self.options.first_pause;
        loop {
            if self.target.has_changed().unwrap_or(true) {
                return false;
            }
            let sent = tokio::select! {
                sent = self.sender.send(target, &event.body) => sent,
                // The subscription is read anew: a corrected address is tried at once.
                _ = self.target.changed() => return false,
            };
            counters::delivered(sent.is_ok());
            match sent {
                Ok(()) => {
                    self.succeeded().await;
                    return true;
                }
                Err(failure) => self.failed(failure).await,
            }
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.target.changed() => return false,
            }
            pause = (pause * 2).min(self.options.longest_pause);
        }
    }

    async fn succeeded(&mut self) {
        if self.progress.erroring || !self.progress.connected {
            self.progress.erroring = false;
            self.progress.connected = true;
            self.note().await;
        }
    }

    async fn failed(&mut self, failure: HookFailure) {
        if !self.progress.erroring {
            let status = failure.status;
            tracing::warn!(hook.pk = self.progress.pk, http.status = status, "a webhook failed");
        }
        self.progress.erroring = true;
        self.progress.failure = Some(failure);
        self.note().await;
    }

    async fn advance(&mut self, seq: u64) {
        if seq > self.progress.delivered {
            self.progress.delivered = seq;
            self.is_noted = false;
        }
        if !self.is_noted && self.noted_at.elapsed() >= self.options.note_every {
            self.note().await;
        }
    }

    /// Stores how far it got; when that fails, it is tried again with the next progress.
    async fn note(&mut self) {
        self.is_noted = false;
        self.noted_at = Instant::now();
        match self.store.note(self.progress.clone()).await {
            Ok(()) => {
                self.is_noted = true;
                self.progress.failure = None;
            }
            Err(error) => tracing::debug!(error = %error, "could not note what was delivered"),
        }
    }
}
