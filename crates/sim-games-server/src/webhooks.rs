//! Delivers the journal's events to the webhook subscribers, at least once and in order for each.
//!
//! One task follows the changes and tells the subscribers' tasks how far the journal goes; each of
//! them reads on from its own position. So a slow subscriber keeps nobody waiting and nothing in
//! memory but one page of events.

mod dispatcher;
mod sender;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::StoreError;
use crate::sql::Store;
use crate::store::HookRow;
use dispatcher::Dispatcher;
use sender::Sender;
#[cfg(feature = "cli")]
pub(crate) use sender::install_tls_provider;

/// How webhooks are delivered.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// How long connecting to a subscriber may take.
    pub connect_timeout: Duration,
    /// How long one delivery may take, from connecting to the answer.
    pub timeout: Duration,
    /// How long to wait after a first failure; every further one doubles it.
    pub first_pause: Duration,
    /// The longest wait between two attempts.
    pub longest_pause: Duration,
    /// How often a subscriber's position is stored at most; what came after is sent again after a
    /// crash.
    pub note_every: Duration,
}

impl WebhookOptions {
    /// The usual limits.
    pub const STANDARD: Self = Self {
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_secs(10),
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(60),
        note_every: Duration::from_secs(1),
    };
}

/// A subscription and how its deliveries fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookState {
    /// The subscription's key.
    pub pk: i64,
    /// The event, or the pattern, that it is for.
    pub event: String,
    /// The host that the events go to. Of the address nothing more is told: it may hold a password.
    pub host: String,
    /// Whether an event has ever arrived.
    pub connected: bool,
    /// Whether the last attempt failed.
    pub erroring: bool,
    /// How many changes of the journal it has not been told of yet, those included that it did not
    /// subscribe to.
    pub behind: u64,
}

impl WebhookState {
    pub(crate) fn new(row: HookRow, head: u64) -> Self {
        let HookRow { pk, event, url, delivered, connected, erroring, .. } = row;
        let url = url::Url::parse(&url).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
        Self { pk, event, host, connected, erroring, behind: head.saturating_sub(delivered) }
    }
}

/// The deliveries of an open API: none before `start` and after `close`.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    running: std::sync::Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Running(Running),
    Closed,
}

/// The task that owns all others; it ends when the guard is dropped.
#[derive(Debug)]
struct Running {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Webhooks {
    /// Begins to deliver, unless that was done before.
    pub(crate) async fn start(
        &self,
        store: Arc<Store>,
        options: WebhookOptions,
    ) -> Result<(), StoreError> {
        let sender = Sender::new(&options).map_err(StoreError::unavailable)?;
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::open(store, options, sender, stop.clone()).await?;
        let mut state = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            let task = tokio::spawn(dispatcher.run());
            *state = State::Running(Running { stop: stop.drop_guard(), task });
        }
        Ok(())
    }

    /// Ends all deliveries after storing how far they got.
    pub(crate) async fn close(&self) {
        let state = std::mem::replace(
            &mut *self.running.lock().unwrap_or_else(PoisonError::into_inner),
            State::Closed,
        );
        if let State::Running(Running { stop, task }) = state {
            drop(stop);
            if let Err(error) = task.await {
                tracing::error!(error = %error, "the delivery of webhooks ended by a panic");
            }
        }
    }
}

/// Whether a subscription asks for an event: by its name, by a prefix such as `div.run.*`, or all.
pub(crate) fn is_wanted(subscription: &str, event: &str) -> bool {
    match subscription.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix.ends_with('.') && event.starts_with(prefix),
        None => subscription == event,
    }
}
