//! A Games API in another process, reached over HTTP: one of ours, or the original.
//!
//! Which of the two it is shows when it first answers: ours has a journal that can be followed,
//! the original has none.

mod accounts;
mod original;
mod ours;
mod rest;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sim_engine::{CallId, ChangeFeed, GameSnapshot, GamesStore, RunSnapshot, Runs, StoreError};
use sim_games_client::{Client, Error};
use sim_games_types::{Change, Committed, GamePk, Run, RunPk, UnitOfWork, UserPk, Webhook};
use tokio::sync::OnceCell;

use self::accounts::RemoteAccounts;
use self::original::{Original, OriginalStore};
use self::ours::OurStore;

/// The pauses between attempts to reach the API: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a remote Games API is, and how the two find each other.
#[derive(Clone, Debug)]
pub struct RemoteGames {
    /// Its address, for example `http://localhost:8100/apis`.
    pub url: String,
    /// The e-mail address of a staff account.
    pub user: String,
    /// That account's password.
    pub password: Secret,
    /// Where it sends webhooks; needed only if it has no journal that can be followed. A service
    /// puts the port on which it listens in place of `{port}`.
    pub callback_url: Option<String>,
    /// The secret with which webhooks are signed, if they are.
    pub callback_secret: Option<Secret>,
    /// Addresses from which unsigned webhooks are taken, besides those of the API's own host.
    pub callback_from: Vec<IpAddr>,
    /// A directory for what is to be saved by several requests; it is created when needed.
    pub pending_dir: PathBuf,
    /// How often everything is compared with an API that has no journal.
    pub resync_every: Duration,
}

/// What all games of a service share of a remote Games API.
pub(crate) struct Remote {
    pub(crate) client: Client,
    pub(crate) config: RemoteGames,
    pub(crate) accounts: Arc<RemoteAccounts>,
}

impl Remote {
    /// Nothing is sent yet.
    pub(crate) fn new(config: RemoteGames) -> Result<Self, Error> {
        let client = Client::builder(config.url.as_str())
            .basic(config.user.as_str(), config.password.reveal())
            .build()?;
        let accounts = Arc::new(RemoteAccounts::new(client.clone()));
        Ok(Self { client, config, accounts })
    }
}

/// The engine's store port on a remote Games API.
pub(crate) struct RemoteStore {
    remote: Arc<Remote>,
    slug: String,
    kind: OnceCell<Kind>,
}

/// Which of the two kinds of Games API it is.
enum Kind {
    Ours(OurStore),
    Original(OriginalStore),
}

impl RemoteStore {
    pub(crate) fn new(remote: Arc<Remote>, slug: String) -> Self {
        Self { remote, slug, kind: OnceCell::new() }
    }

    /// Ends what runs beside the engine.
    pub(crate) async fn close(&self) {
        if let Some(original) = self.original() {
            original.close().await;
        }
    }

    /// Hands a webhook over; false when too many are waiting.
    pub(crate) fn deliver(&self, webhook: Webhook) -> bool {
        self.original().is_none_or(|original| original.deliver(webhook))
    }

    fn original(&self) -> Option<&Original> {
        match self.kind.get()? {
            Kind::Original(store) => Some(&store.0),
            Kind::Ours(_) => None,
        }
    }

    /// The adapter for the kind of API that answers.
    async fn store(&self) -> Result<&dyn GamesStore, StoreError> {
        let kind = self.kind.get_or_try_init(|| self.detect()).await?;
        Ok(match kind {
            Kind::Ours(store) => store,
            Kind::Original(store) => store,
        })
    }

    async fn detect(&self) -> Result<Kind, StoreError> {
        let Remote { client, accounts, .. } = &*self.remote;
        let url = client.base_url();
        match client.last_seq(0).await {
            Ok(_) => {
                tracing::info!("the Games API at {url} has a journal: following it");
                let store = OurStore::new(client.clone(), self.slug.clone(), accounts.clone());
                Ok(Kind::Ours(store))
            }
            Err(Error::NotFound { .. } | Error::Refused { status: 404 | 405, .. }) => {
                tracing::info!("the Games API at {url} has no journal: listening to its webhooks");
                let original = Original::start(&self.remote, &self.slug).map_err(|error| {
                    let dir = self.remote.config.pending_dir.display();
                    StoreError::Unavailable(format!("cannot read the directory `{dir}`: {error}"))
                })?;
                Ok(Kind::Original(OriginalStore(original)))
            }
            Err(error) => Err(rest::port_error(&error)),
        }
    }
}

#[async_trait]
impl GamesStore for RemoteStore {
    async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError> {
        self.store().await?.load_game(slug).await
    }

    async fn load_runs(&self, game: GamePk, which: Runs) -> Result<RunSnapshot, StoreError> {
        self.store().await?.load_runs(game, which).await
    }

    async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError> {
        self.store().await?.load_run(run).await
    }

    async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError> {
        self.store().await?.led_runs(game, user).await
    }

    async fn commit(
        &self,
        unit: UnitOfWork,
        call: Option<CallId>,
    ) -> Result<Committed, StoreError> {
        self.store().await?.commit(unit, call).await
    }

    async fn first_answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        self.store().await?.first_answer(user, scope, key).await
    }

    fn changes(&self, after: u64) -> Box<dyn ChangeFeed> {
        match self.kind.get() {
            Some(Kind::Ours(store)) => store.changes(after),
            Some(Kind::Original(store)) => store.changes(after),
            // Nothing can be followed before something was loaded.
            None => Box::new(Ended),
        }
    }
}

/// A feed that has ended: whoever follows it starts anew.
struct Ended;

#[async_trait]
impl ChangeFeed for Ended {
    async fn next(&mut self) -> Option<Arc<[Change]>> {
        None
    }
}
