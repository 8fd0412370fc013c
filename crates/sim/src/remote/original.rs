//! The engine's store port on the original Games API, which has neither units of work nor a
//! journal.
//!
//! One ordered stream is made here ([`Ledger`]) of the answers to own requests, of webhooks, and of
//! comparisons with what the API has stored: now and then, and whenever something may have been
//! missed. A unit of work becomes several requests that can be repeated without harm; what a crash
//! or an outage leaves half done is completed ([`Intents`]) before the run is read or written again.

mod commit;
mod hooks;
mod intents;
mod ledger;
mod sync;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sim_engine::{CallId, ChangeFeed, GameSnapshot, GamesStore, RunSnapshot, Runs, StoreError};
use sim_games_client::Client;
use sim_games_types::{Change, Committed, GamePk, Run, RunPk, UnitOfWork, UserPk, Webhook};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::hooks::Hooks;
use self::intents::Intents;
use self::ledger::Ledger;
use super::accounts::RemoteAccounts;
use super::{Remote, rest};

/// How many webhooks may wait; more are refused, and repeated or made up for by a comparison.
const DELIVERIES: usize = 4096;

/// How many first answers are remembered.
const ANSWERS: usize = 10_000;

/// Who called what with which key.
type AnswerKey = (UserPk, String, String);

/// The original Games API, as far as one game is concerned.
pub(super) struct Original {
    client: Client,
    slug: String,
    accounts: Arc<RemoteAccounts>,
    resync_every: Duration,
    ledger: Mutex<Ledger>,
    /// How far the ledger has come.
    head: watch::Sender<u64>,
    which: Mutex<Runs>,
    hooks: Hooks,
    intents: Intents,
    /// One at a time for each run: commits, and the completion of earlier ones.
    lanes: Mutex<HashMap<Option<RunPk>, Arc<tokio::sync::Mutex<()>>>>,
    answers: Mutex<Answers>,
    deliveries: mpsc::Sender<Webhook>,
    /// While somebody looks at what the API has stored, webhooks wait.
    looking: tokio::sync::Mutex<()>,
    doubt: Notify,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// First answers by their keys; the oldest goes when there are too many.
#[derive(Default)]
struct Answers {
    answers: HashMap<AnswerKey, String>,
    order: VecDeque<AnswerKey>,
}

impl Original {
    /// Reads what an earlier process left half done, and starts to listen.
    pub(super) fn start(remote: &Remote, slug: &str) -> io::Result<Arc<Self>> {
        let (deliveries, waiting) = mpsc::channel(DELIVERIES);
        let original = Arc::new(Self {
            client: remote.client.clone(),
            slug: slug.to_owned(),
            accounts: remote.accounts.clone(),
            resync_every: remote.config.resync_every,
            ledger: Mutex::new(Ledger::new(slug.to_owned())),
            head: watch::Sender::new(0),
            which: Mutex::new(Runs::Active),
            hooks: Hooks::new(remote.config.callback_url.clone()),
            intents: Intents::open(remote.config.pending_dir.join(slug))?,
            lanes: Mutex::default(),
            answers: Mutex::default(),
            deliveries,
            looking: tokio::sync::Mutex::default(),
            doubt: Notify::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        original.tasks.spawn(sync::take_deliveries(original.clone(), waiting));
        original.tasks.spawn(sync::keep_in_step(original.clone()));
        Ok(original)
    }

    /// Stops listening and ends the subscriptions, so that the API does not send to nobody.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.hooks.end(&self.client).await;
    }

    /// Queues a webhook; false when too many are waiting.
    pub(super) fn deliver(&self, webhook: Webhook) -> bool {
        let taken = self.deliveries.try_send(webhook).is_ok();
        if !taken {
            self.doubt();
        }
        taken
    }

    /// Something may have been missed: everything is compared soon.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the ledger and tells the feeds of what it added.
    fn tell<T>(&self, tell: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledger = self.ledger();
        let told = tell(&mut ledger);
        let seq = ledger.seq();
        drop(ledger);
        self.head.send_if_modified(|head| std::mem::replace(head, seq) != seq);
        told
    }

    fn lane(&self, run: Option<RunPk>) -> Arc<tokio::sync::Mutex<()>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(run).or_default().clone()
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn remember(&mut self, key: AnswerKey, answer: String) {
        if self.answers.insert(key.clone(), answer).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

/// The port on an adapter that its tasks share.
pub(super) struct OriginalStore(pub(super) Arc<Original>);

#[async_trait]
impl GamesStore for OriginalStore {
    async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError> {
        self.0.load_game(slug).await
    }

    async fn load_runs(&self, _game: GamePk, which: Runs) -> Result<RunSnapshot, StoreError> {
        self.0.load_runs(which).await
    }

    async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError> {
        self.0.load_run(run).await
    }

    async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError> {
        rest::led_runs(&self.0.client, game, user).await
    }

    async fn commit(
        &self,
        unit: UnitOfWork,
        _call: Option<CallId>,
    ) -> Result<Committed, StoreError> {
        self.0.commit(unit).await
    }

    async fn first_answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        let key = (user, scope.to_owned(), key.to_owned());
        Ok(self.0.answers().answers.get(&key).cloned())
    }

    fn changes(&self, after: u64) -> Box<dyn ChangeFeed> {
        let head = self.0.head.subscribe();
        Box::new(OriginalFeed { original: self.0.clone(), head, after })
    }
}

/// The ledger as it grows.
struct OriginalFeed {
    original: Arc<Original>,
    head: watch::Receiver<u64>,
    after: u64,
}

#[async_trait]
impl ChangeFeed for OriginalFeed {
    async fn next(&mut self) -> Option<Arc<[Change]>> {
        loop {
            self.head.borrow_and_update();
            // One who is so far behind that changes are not kept any more starts anew.
            let changes = self.original.ledger().after(self.after)?;
            if let Some(last) = changes.last() {
                self.after = last.seq;
                changes.iter().for_each(|change| self.original.accounts.heed(change));
                return Some(changes.into());
            }
            tokio::select! {
                news = self.head.changed() => news.ok()?,
                () = self.original.stop.cancelled() => return None,
            }
        }
    }
}
