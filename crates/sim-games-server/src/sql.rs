//! The store on a database that speaks SQL: one writer thread, a few reading connections.
//!
//! The writer takes all waiting units of work into one transaction, each in a savepoint of its
//! own, so that many callers share one flush to the disk and a refused unit takes nobody along.
//! What is particular to a database is behind the traits in `connection`.

mod audit;
mod chore;
mod clock;
mod condition;
mod conflict;
pub(crate) mod connection;
mod delete;
mod dialect;
pub(crate) mod dump;
mod hooks;
mod listening;
mod read;
mod readers;
pub(crate) mod restore;
mod row;
pub(crate) mod statements;
mod tokens;
mod turn;
mod unit;
mod write;
mod writer;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sim_games_types::{Change, GamePk, Resource, RunPk, Stored, UserPk};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::credentials::Digest;
use crate::error::StoreError;
use crate::store::{
    Account, AuditQuery, Events, GameSnapshot, HookProgress, HookRow, JournalPage, JournalQuery,
    Outcome, Query, RunSnapshot, Work,
};
use chore::Task;
use condition::Condition;
use connection::{Backend, Connection, Durability, Fault, Writing};
use readers::Readers;
use writer::{Job, Message, Writer};

#[cfg(test)]
pub(crate) use conflict::matching_sql;
#[cfg(feature = "cli")]
pub(crate) use delete::LEAVES_FIRST;
pub(crate) use dialect::Dialect;
pub(crate) use listening::News;
pub(crate) use read::by_pk;
pub(crate) use row::{Entry, entry};
pub(crate) use turn::Turn;
pub(crate) use writer::{Observer, Seen};

/// Units of work that may wait for the writer; whoever comes later waits to be let in.
const QUEUE: usize = 1024;

/// An open database.
#[derive(Debug)]
pub(crate) struct Store {
    backend: Arc<dyn Backend>,
    inbox: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    live: broadcast::WeakSender<Arc<[Change]>>,
    is_new: bool,
    condition: Arc<Condition>,
    /// Hears of what other processes write, where there can be any.
    listener: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Store {
    /// Starts the writer on a database. Blocks; call it within a runtime, on a thread that may.
    pub(crate) fn open(
        backend: Arc<dyn Backend>,
        readers: usize,
        live_buffer: usize,
        answers_kept: Duration,
        observer: Observer,
    ) -> Result<Self, StoreError> {
        let connection = backend.writer()?;
        let head = read::head(&*connection)?;
        clock::check(&*connection)?;
        let (live, _) = broadcast::channel(live_buffer);
        let weak = live.downgrade();
        let (inbox, messages) = mpsc::channel(QUEUE);
        let told = Arc::new(AtomicU64::new(head));
        let news = News::new(inbox.downgrade(), Arc::clone(&told));
        let connection = Some(connection);
        let condition = Arc::<Condition>::default();
        let writer = Writer {
            backend: Arc::clone(&backend),
            connection,
            head,
            told,
            live,
            observer,
            condition: Arc::clone(&condition),
            answers_kept,
            swept: None,
        };
        let thread = std::thread::Builder::new()
            .name("games-writer".to_owned())
            .spawn(move || writer.run(messages))
            .map_err(StoreError::unavailable)?;
        Ok(Self {
            backend: Arc::clone(&backend),
            inbox,
            thread: Mutex::new(Some(thread)),
            listener: Mutex::new(backend.listen(news)),
            readers: Arc::new(Readers::new(backend, readers)),
            live: weak,
            is_new: head == 0,
            condition,
        })
    }

    /// Whether nothing had ever been stored when the database was opened.
    pub(crate) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Stores a unit of work; durable when it returns.
    pub(crate) async fn commit(&self, work: Work) -> Result<Outcome, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let message = Message::Work(Box::new(Job { work, answer }));
        self.inbox.send(message).await.map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the writer do something besides units of work.
    pub(crate) async fn chore<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnMut(&dyn Writing) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let message = Message::Chore(Box::new(Task::new(durability, work, answer)));
        self.inbox.send(message).await.map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Tells whether the database can be written, and tries it if the last attempt failed.
    pub(crate) async fn check_writable(&self) -> Result<(), StoreError> {
        if !self.condition.is_broken() {
            return Ok(());
        }
        let backend = Arc::clone(&self.backend);
        let room = tokio::task::spawn_blocking(move || backend.try_to_write());
        room.await.map_err(StoreError::unavailable)??;
        self.chore(Durability::Durable, |connection| connection.touch()).await?;
        self.condition.succeeded();
        Ok(())
    }

    /// The changes as they are committed from now on; none when the store is closed.
    pub(crate) fn live(&self) -> Option<broadcast::Receiver<Arc<[Change]>>> {
        self.live.upgrade().map(|live| live.subscribe())
    }

    /// Changes after a number, from the journal.
    pub(crate) async fn journal(&self, after: u64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.readers.run(move |connection| read::journal(connection, after, limit)).await
    }

    /// Changes with their references, from the journal.
    pub(crate) async fn journal_page(
        &self,
        query: JournalQuery,
    ) -> Result<JournalPage, StoreError> {
        self.readers.run(move |connection| read::journal_page(connection, &query)).await
    }

    /// The newest changes of a run, each with its number, as JSON for people.
    pub(crate) async fn audit(&self, query: AuditQuery) -> Result<Vec<(u64, String)>, StoreError> {
        self.readers.run(move |connection| audit::entries(connection, &query)).await
    }

    /// The number of the last change that was committed.
    pub(crate) async fn last_seq(&self) -> Result<u64, StoreError> {
        self.readers.run(read::head).await
    }

    /// A game with its phases and roles.
    pub(crate) async fn load_game(&self, slug: &str) -> Result<Option<GameSnapshot>, StoreError> {
        let slug = slug.to_owned();
        self.readers.run(move |connection| read::load_game(connection, &slug)).await
    }

    /// The keys of a game's active runs.
    pub(crate) async fn led_runs(
        &self,
        game: GamePk,
        user: UserPk,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.readers.run(move |connection| read::led_runs(connection, game, user)).await
    }

    pub(crate) async fn active_runs(&self, game: GamePk) -> Result<Vec<RunPk>, StoreError> {
        self.readers.run(move |connection| read::active_runs(connection, game)).await
    }

    /// A run with all that belongs to it.
    pub(crate) async fn load_run(&self, run: RunPk) -> Result<Option<RunSnapshot>, StoreError> {
        self.readers.run(move |connection| read::load_run(connection, run)).await
    }

    /// All active runs of a game with all that belongs to them.
    pub(crate) async fn load_runs(
        &self,
        game: GamePk,
        only_active: bool,
    ) -> Result<RunSnapshot, StoreError> {
        self.readers.run(move |connection| read::load_runs(connection, game, only_active)).await
    }

    /// The rows that a query asks for.
    pub(crate) async fn list(&self, query: Query) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.readers.run(move |connection| read::list(connection, &query)).await
    }

    /// How many rows fulfil a query's conditions.
    pub(crate) async fn count(&self, query: Query) -> Result<u64, StoreError> {
        self.readers.run(move |connection| read::count(connection, &query)).await
    }

    /// A row by its key.
    pub(crate) async fn get(
        &self,
        resource: Resource,
        pk: i64,
    ) -> Result<Option<Arc<Stored>>, StoreError> {
        self.readers.run(move |connection| read::get(connection, resource, pk)).await
    }

    /// The account with this e-mail address, or with this key.
    pub(crate) async fn account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let login = login.to_owned();
        self.readers.run(move |connection| read::account(connection, &login)).await
    }

    /// The active user of a token.
    pub(crate) async fn token_user(
        &self,
        digest: Digest,
    ) -> Result<Option<Arc<Stored>>, StoreError> {
        self.readers.run(move |connection| tokens::user(connection, &digest)).await
    }

    /// The digests of a user's tokens, the oldest first.
    #[cfg(test)]
    pub(crate) async fn tokens_of(&self, user: UserPk) -> Result<Vec<Digest>, StoreError> {
        let found = self.readers.run(move |connection| tokens::of(connection, user)).await?;
        Ok(found.into_iter().map(|(digest, _)| digest).collect())
    }

    /// Adds a token of a user whose password has this hash, and tells which ones it displaced; none
    /// when the user or the hash has changed meanwhile.
    pub(crate) async fn add_token(
        &self,
        user: UserPk,
        hash: String,
        digest: Digest,
    ) -> Result<Option<Vec<Digest>>, StoreError> {
        let add = move |connection: &dyn Writing| tokens::add(connection, user, &hash, &digest);
        self.chore(Durability::Durable, add).await
    }

    /// Ends a token.
    pub(crate) async fn remove_token(&self, digest: Digest) -> Result<(), StoreError> {
        let remove = move |connection: &dyn Writing| tokens::remove(connection, &digest);
        self.chore(Durability::Durable, remove).await
    }

    /// Replaces the hash of a password, if it is still the old one. That is no change of the user
    /// and not journaled: the password is the same, and nobody may see its hash.
    pub(crate) async fn replace_hash(
        &self,
        user: UserPk,
        old: String,
        new: String,
    ) -> Result<bool, StoreError> {
        let replace =
            move |connection: &dyn Writing| tokens::replace_hash(connection, user, &old, &new);
        self.chore(Durability::Durable, replace).await
    }

    /// The stored first answer of a call.
    pub(crate) async fn answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        self.readers.run(move |connection| read::answer(connection, user, &scope, &key)).await
    }

    /// Asks for the turn to deliver webhooks, which only one process on a database has.
    pub(crate) fn turn(&self) -> Turn {
        self.backend.turn()
    }

    /// All webhook subscriptions with their secrets and how far they got.
    pub(crate) async fn hooks(&self) -> Result<Vec<HookRow>, StoreError> {
        self.readers.run(hooks::all).await
    }

    /// The next events after a number of the journal that fit a subscription.
    pub(crate) async fn events(&self, after: u64, wanted: &str) -> Result<Events, StoreError> {
        let wanted = wanted.to_owned();
        self.readers.run(move |connection| hooks::events(connection, after, &wanted)).await
    }

    /// Notes how far a subscriber got; it may be forgotten when the machine loses its power, and
    /// then what was delivered since is delivered again.
    pub(crate) async fn note(&self, progress: HookProgress) -> Result<(), StoreError> {
        self.chore(Durability::Relaxed, move |connection| hooks::note(connection, &progress)).await
    }

    /// Reads for long, at one moment, on a connection of its own. What it found out is handed on by
    /// the reader itself; it ends when nobody wants that any more, or when the token is cancelled.
    pub(crate) async fn read_aside(
        &self,
        read: impl FnOnce(&dyn Connection, CancellationToken) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.readers.run_aside(read).await
    }

    /// Finishes what was accepted, then ends the writer and the readers.
    pub(crate) async fn close(&self) {
        let locked = std::sync::PoisonError::into_inner;
        if let Some(listener) = self.listener.lock().unwrap_or_else(locked).take() {
            listener.abort();
        }
        // The writer is gone already when the store is closed a second time.
        if self.inbox.send(Message::Stop).await.is_err() {
            tracing::debug!("the store was closed already");
        }
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer of the store ended by a panic");
            }
        }
        self.readers.close().await;
    }
}
