//! The Games API as its callers in the same process see it.

mod accounts;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sim_games_types::{
    Committed, Fields, GamePk, Object, Operation, Resource, Run, RunPk, UnitOfWork, UserPk,
};

use crate::credentials::{Credentials, Limits, Renewals};
use crate::error::StoreError;
use crate::feed::ChangeFeed;
use crate::postgres::Postgres;
use crate::rest::{self, Barrier};
use crate::sql::connection::Backend;
use crate::sql::{Seen, Store};
use crate::sqlite::Sqlite;
use crate::store::{GameSnapshot, Outcome, RunSnapshot, Work};
use crate::webhooks::{WebhookOptions, WebhookState, Webhooks};

/// The account that a new database has, by address and password.
const STAFF: (&str, &str) = ("simpl@simpl.world", "simpl");

/// Where the data is.
#[derive(Clone)]
pub enum Database {
    /// A file; it and its directory are created when they do not exist.
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server, by its address: `postgres://user:password@host/name`.
    Postgres(String),
}

impl Database {
    /// Reads an address of a PostgreSQL server, or the path of a file.
    ///
    /// # Errors
    /// When it is an address of something else, or nothing.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let unusable = |reason: String| StoreError::Unusable {
            // The address itself may hold a password.
            database: "the database's address".to_owned(),
            reason,
        };
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.to_owned())),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some((scheme, _)) if !scheme.contains('/') => Err(unusable(format!(
                "it begins with `{scheme}://`: begin with `postgres://`, or give the path of a file"
            ))),
            None if text.is_empty() => Err(unusable(
                "it is empty: give the path of a file, or `postgres://user:password@host/name`"
                    .to_owned(),
            )),
            _ => Ok(Self::Sqlite(text.into())),
        }
    }
}

impl fmt::Debug for Database {
    /// Shows no address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.debug_tuple("Postgres").finish_non_exhaustive(),
        }
    }
}

/// How the Games API is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database.
    pub database: Database,
    /// How long a database server that does not answer is waited for at the start.
    pub patience: Duration,
    /// Connections that read at the same time.
    pub readers: usize,
    /// Commits that a reader of the change feed may be behind before it reads from the journal.
    pub live_buffer: usize,
    /// Failed logins of one account within `login_window` after which more are refused.
    pub login_failures: u32,
    /// The same for all logins from one address, where servers tell it: a class may share one.
    pub address_failures: u32,
    /// How long failed logins count.
    pub login_window: Duration,
    /// How long a verified password is remembered.
    pub credential_memory: Duration,
    /// How long the first answer to a call that carried a key is kept, at least.
    pub answers_kept: Duration,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// The most objects on one page of a list.
    pub page_size: u64,
    /// The most parameters in the query of one request.
    pub query_parameters: usize,
    /// The most objects in one bulk request.
    pub bulk_items: usize,
    /// How webhooks are delivered.
    pub webhooks: WebhookOptions,
}

impl Options {
    /// The usual limits for a database in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::of(Database::Sqlite(path.into()))
    }

    /// The usual limits for this database.
    #[must_use]
    pub fn of(database: Database) -> Self {
        Self {
            database,
            patience: Duration::from_secs(20),
            readers: 4,
            live_buffer: 1024,
            login_failures: 10,
            address_failures: 300,
            login_window: Duration::from_secs(60),
            credential_memory: Duration::from_secs(300),
            answers_kept: Duration::from_secs(30 * 24 * 60 * 60),
            body_limit: 1024 * 1024,
            page_size: 5000,
            query_parameters: 100,
            bulk_items: 10_000,
            webhooks: WebhookOptions::STANDARD,
        }
    }
}

/// An open Games API; clones share it.
#[derive(Clone, Debug)]
pub struct GamesApi {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<Store>,
    credentials: Arc<Credentials>,
    renewals: Renewals,
    options: Options,
    webhooks: Webhooks,
}

impl GamesApi {
    /// Opens the database, creating it with its staff account when it does not exist.
    ///
    /// # Errors
    /// When another process has the database open, when the file cannot be written or is not a
    /// database of this program, or when the disk fails.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let credentials = Arc::new(Credentials::new(Limits {
            failures: options.login_failures,
            address_failures: options.address_failures,
            window: options.login_window,
            memory: options.credential_memory,
        }));
        let (memory, wanted) = (Arc::clone(&credentials), options.clone());
        let observer = Box::new(move |seen: Seen<'_>| match seen {
            Seen::Changes(changes) => memory.forget(changes),
            Seen::Unknown => memory.forget_all(),
        });
        let opening = tokio::task::spawn_blocking(move || {
            let backend: Arc<dyn Backend> = match &wanted.database {
                Database::Sqlite(path) => Arc::new(Sqlite::open(path)?),
                Database::Postgres(url) => Arc::new(Postgres::open(url, wanted.patience)?),
            };
            let Options { readers, live_buffer, answers_kept, .. } = wanted;
            Store::open(backend, readers, live_buffer, answers_kept, observer)
        });
        let store = Arc::new(opening.await.map_err(StoreError::unavailable)??);
        let api = Self::over(store, credentials, options);
        if api.is_new() {
            api.commit(staff_account()).await?;
        }
        Ok(api)
    }

    fn over(store: Arc<Store>, credentials: Arc<Credentials>, options: Options) -> Self {
        let webhooks = Webhooks::default();
        let renewals = Renewals::start(&store, Arc::clone(&credentials));
        Self { inner: Arc::new(Inner { store, credentials, renewals, options, webhooks }) }
    }

    /// Whether the database was empty when it was opened, and was given its staff account.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.inner.store.is_new()
    }

    /// Stores a unit of work: all of it or nothing. What was stored is durable on return.
    ///
    /// The field `password` of a user is given in the clear and stored as a hash.
    ///
    /// # Errors
    /// When the unit is refused, or when the database cannot store it now; see [`StoreError`].
    pub async fn commit(&self, unit: UnitOfWork) -> Result<Committed, StoreError> {
        Ok(self.write(unit.into()).await?.committed)
    }

    /// Stores a unit of work and tells the rows that it wrote.
    pub(crate) async fn write(&self, mut work: Work) -> Result<Outcome, StoreError> {
        self.inner.credentials.hash_passwords(&mut work.unit.operations).await?;
        self.inner.store.commit(work).await
    }

    /// Tells whether what is written is stored: after a failure it tries again, and the error says
    /// what to do.
    ///
    /// # Errors
    /// When the last attempt to write failed, and this one does.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.inner.store.check_writable().await
    }

    /// The number of the last change that was committed; 0 when there is none yet.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn last_seq(&self) -> Result<u64, StoreError> {
        self.inner.store.last_seq().await
    }

    /// A game with its phases and roles.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn load_game(&self, slug: &str) -> Result<Option<GameSnapshot>, StoreError> {
        self.inner.store.load_game(slug).await
    }

    /// The keys of a game's active runs, ascending.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn active_runs(&self, game: GamePk) -> Result<Vec<RunPk>, StoreError> {
        self.inner.store.active_runs(game).await
    }

    /// The runs of a game that a user leads, active or not, by their keys.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError> {
        let found = self.inner.store.led_runs(game, user).await?;
        Ok(found.iter().filter_map(|stored| Run::from_record(&stored.record)).cloned().collect())
    }

    /// A run, active or not, with all that belongs to it.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn load_run(&self, run: RunPk) -> Result<Option<RunSnapshot>, StoreError> {
        self.inner.store.load_run(run).await
    }

    /// The runs of a game, or only those that are active, with all that belongs to them.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn load_runs(
        &self,
        game: GamePk,
        only_active: bool,
    ) -> Result<RunSnapshot, StoreError> {
        self.inner.store.load_runs(game, only_active).await
    }

    /// All changes after a sequence number, those in the journal first.
    #[must_use]
    pub fn subscribe(&self, after: u64) -> ChangeFeed {
        ChangeFeed::new(Arc::clone(&self.inner.store), after)
    }

    /// The first answer of a call that carried this idempotency key, if it was made before.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        self.inner.store.answer(user, scope, key).await
    }

    /// The REST service under `/apis/` and `/rest-auth/`. Writes wait for the barrier before they
    /// are answered.
    pub fn router(&self, barrier: Option<Arc<dyn Barrier>>) -> axum::Router {
        rest::router(self.clone(), barrier)
    }

    /// Begins to deliver webhooks, each from where its subscriber stands; ends with [`Self::close`].
    ///
    /// Only the first call does anything. Without it subscriptions are stored and nothing is sent.
    ///
    /// # Errors
    /// When the database cannot be read now, or the HTTP client cannot be set up.
    pub async fn start_webhooks(&self) -> Result<(), StoreError> {
        let options = self.inner.options.webhooks.clone();
        self.inner.webhooks.start(Arc::clone(&self.inner.store), options).await
    }

    /// Ends the webhooks and the renewal of hashes, stores what was accepted, ends the change feeds,
    /// the writer and the readers.
    pub async fn close(&self) {
        self.inner.webhooks.close().await;
        self.inner.renewals.close().await;
        self.inner.store.close().await;
    }

    /// The webhook subscriptions and how their deliveries fare, in the order of their keys.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn webhooks(&self) -> Result<Vec<WebhookState>, StoreError> {
        let head = self.last_seq().await?;
        let rows = self.inner.store.hooks().await?;
        Ok(rows.into_iter().map(|row| WebhookState::new(row, head)).collect())
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }
}

/// The staff account. Another process may have made it meanwhile.
fn staff_account() -> UnitOfWork {
    let (email, password) = STAFF;
    let fields = |fields: &[(&str, Value)]| {
        Fields::from_iter(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
    };
    let create = Operation::GetOrCreate {
        resource: Resource::User,
        key: fields(&[("email", json!(email))]),
        defaults: fields(&[
            ("password", json!(password)),
            ("is_staff", json!(true)),
            ("is_superuser", json!(true)),
        ]),
        reference: None,
    };
    UnitOfWork {
        cause: Some("a new database".to_owned()),
        operations: vec![create],
        ..UnitOfWork::default()
    }
}
