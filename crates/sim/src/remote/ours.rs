//! The engine's store port on a Games API of ours: atomic units of work, and its journal.
//!
//! Lists are read one after the other while others write. What they wrote meanwhile stands in the
//! journal, so it is laid over the lists: the result is what a single look at the end would have
//! seen, and later changes can only move it forward.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sim_engine::{CallId, ChangeFeed, GameSnapshot, GamesStore, RunSnapshot, Runs, StoreError};
use sim_games_client::{Client, Error};
use sim_games_types::{
    Action, Change, Committed, GamePk, Idempotency, Lookup, Record, Resource, Run, RunPk, Stored,
    UnitOfWork, UserPk,
};
use uuid::Uuid;

use super::PAUSES;
use super::accounts::RemoteAccounts;
use super::rest::{self, BELOW_RUN, port_error};

/// How long the server is asked to wait for a change.
const WAIT: Duration = Duration::from_secs(25);

/// How often a load starts again because something changed that cannot be laid over it.
const ATTEMPTS: usize = 5;

/// The longest scope that the server keeps with an answer.
const LONGEST_SCOPE: usize = 255;

/// The scope of keys that this service gives to units itself.
const OWN_SCOPE: &str = "sim commit";

/// A Games API of ours.
pub(super) struct OurStore {
    client: Client,
    slug: String,
    accounts: Arc<RemoteAccounts>,
    /// A number that the journal has reached.
    near: AtomicU64,
}

/// Objects by resource and key: parents come before children.
type Objects = BTreeMap<(Resource, i64), Arc<Stored>>;

impl OurStore {
    pub(super) fn new(client: Client, slug: String, accounts: Arc<RemoteAccounts>) -> Self {
        Self { client, slug, accounts, near: AtomicU64::new(0) }
    }

    async fn last_seq(&self) -> Result<u64, Error> {
        let seq = self.client.last_seq(self.near.load(Ordering::Relaxed)).await?;
        self.near.fetch_max(seq, Ordering::Relaxed);
        Ok(seq)
    }

    /// The changes after a number, up to the journal's end.
    async fn changes_since(&self, after: u64) -> Result<(Vec<Change>, u64), Error> {
        let (mut all, mut seq) = (Vec::new(), after);
        loop {
            let page = self.client.changes(seq, Duration::ZERO).await?;
            seq = page.last_seq;
            if page.changes.is_empty() {
                return Ok((all, seq));
            }
            all.extend(page.changes);
        }
    }

    /// Runs with all below them, as they are at the number that is returned; no objects when the run
    /// does not exist.
    async fn load(&self, wanted: Wanted) -> Result<RunSnapshot, Error> {
        let mut attempt = 0;
        loop {
            let before = self.last_seq().await?;
            let Some(found) = self.fetch(wanted).await? else {
                return Ok(RunSnapshot { seq: before, objects: Vec::new() });
            };
            let (changes, seq) = self.changes_since(before).await?;
            attempt += 1;
            // Names of users and roles are copied into members, which the journal does not repeat.
            if changes.iter().any(renames) && attempt < ATTEMPTS {
                continue;
            }
            let objects = laid_over(found, &changes, |record| wanted.covers(record));
            return Ok(RunSnapshot { seq, objects });
        }
    }

    async fn fetch(&self, wanted: Wanted) -> Result<Option<Vec<Arc<Stored>>>, Error> {
        let all = Lookup::new().with("game_slug", &self.slug);
        let (runs, below) = match wanted {
            Wanted::Runs(_, Runs::Active) => {
                (all.clone().with("active", true), all.with("run_active", true))
            }
            Wanted::Runs(_, Runs::All) => (all.clone(), all),
            // A collection cannot be filtered by its own key.
            Wanted::One(run) => {
                let own = rest::get(&self.client, Resource::Run, &run.to_string()).await?;
                let Some(own) = own else { return Ok(None) };
                let below = BELOW_RUN.map(|it| (it, Lookup::new().with("run", run)));
                let mut found = rest::lists(&self.client, below).await?;
                found.push(own);
                return Ok(Some(found));
            }
        };
        let lists = [(Resource::Run, runs)].into_iter();
        let lists = lists.chain(BELOW_RUN.map(|resource| (resource, below.clone())));
        rest::lists(&self.client, lists).await.map(Some)
    }
}

/// Which runs are read.
#[derive(Clone, Copy)]
enum Wanted {
    Runs(GamePk, Runs),
    One(RunPk),
}

impl Wanted {
    fn covers(self, record: &Record) -> bool {
        match (self, record) {
            (Self::Runs(game, which), Record::Run(run)) => {
                run.game == game && (run.active || which == Runs::All)
            }
            (Self::Runs(..), _) => false,
            (Self::One(_), _) => true,
        }
    }
}

fn renames(change: &Change) -> bool {
    change.action == Action::Changed
        && matches!(change.object.record.resource(), Resource::User | Resource::Role)
}

/// Lays changes over lists of runs. A run that was not wanted at any time meanwhile is left out:
/// its objects may be missing. When it is wanted again, the engine loads it for that change.
fn laid_over(
    found: Vec<Arc<Stored>>,
    changes: &[Change],
    is_wanted: impl Fn(&Record) -> bool,
) -> Vec<Arc<Stored>> {
    let is_run = |stored: &Stored| matches!(stored.record, Record::Run(_));
    let mut runs: BTreeSet<RunPk> =
        found.iter().filter(|it| is_run(it)).map(|it| RunPk(it.record.pk())).collect();
    for change in changes.iter().filter(|change| is_run(&change.object)) {
        if change.action == Action::Deleted || !is_wanted(&change.object.record) {
            runs.remove(&RunPk(change.object.record.pk()));
        }
    }
    let is_in = |change: &Change| match &change.object.record {
        Record::Run(run) => runs.contains(&run.id),
        _ => change.run.is_some_and(|run| runs.contains(&run)),
    };
    let mut objects = by_key(found);
    lay(&mut objects, changes, is_in);
    objects.retain(|_, stored| match &stored.record {
        Record::Run(run) => runs.contains(&run.id),
        _ => true,
    });
    objects.into_values().collect()
}

fn by_key(found: Vec<Arc<Stored>>) -> Objects {
    found.into_iter().map(|it| ((it.record.resource(), it.record.pk()), it)).collect()
}

fn lay(objects: &mut Objects, changes: &[Change], is_in: impl Fn(&Change) -> bool) {
    for change in changes.iter().filter(|change| is_in(change)) {
        let key = (change.object.record.resource(), change.object.record.pk());
        match change.action {
            Action::Deleted => objects.remove(&key),
            Action::Created | Action::Changed => objects.insert(key, change.object.clone()),
        };
    }
}

#[async_trait]
impl GamesStore for OurStore {
    async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError> {
        let load = async {
            let before = self.last_seq().await?;
            let Some(game) = rest::get(&self.client, Resource::Game, slug).await? else {
                return Ok(GameSnapshot { seq: before, objects: Vec::new() });
            };
            let below = Lookup::new().with("game_slug", slug);
            let wanted = [(Resource::Phase, below.clone()), (Resource::Role, below)];
            let mut objects = by_key(rest::lists(&self.client, wanted).await?);
            let pk = GamePk(game.record.pk());
            objects.insert((Resource::Game, pk.0), game);
            let (changes, seq) = self.changes_since(before).await?;
            lay(&mut objects, &changes, |change| {
                let resource = change.object.record.resource();
                change.game == Some(pk)
                    && matches!(resource, Resource::Game | Resource::Phase | Resource::Role)
            });
            Ok(GameSnapshot { seq, objects: objects.into_values().collect() })
        };
        load.await.map_err(|error| port_error(&error))
    }

    async fn load_runs(&self, game: GamePk, which: Runs) -> Result<RunSnapshot, StoreError> {
        self.load(Wanted::Runs(game, which)).await.map_err(|error| port_error(&error))
    }

    async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError> {
        self.load(Wanted::One(run)).await.map_err(|error| port_error(&error))
    }

    async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError> {
        rest::led_runs(&self.client, game, user).await
    }

    async fn commit(
        &self,
        unit: UnitOfWork,
        call: Option<CallId>,
    ) -> Result<Committed, StoreError> {
        let has_key = unit.idempotency.is_some();
        let call = call.map(|call| call.to_string());
        match self.client.commit_for(&with_key(unit), call.as_deref()).await {
            Ok(mut committed) => {
                // The first answer to a key of our own is that the unit was stored.
                committed.replayed = committed.replayed.filter(|_| has_key);
                Ok(committed)
            }
            Err(Error::Conflict { status: 409, .. }) => {
                let seq = self.last_seq().await.map_err(|error| port_error(&error))?;
                Err(StoreError::Conflict { seq })
            }
            Err(error) => Err(port_error(&error)),
        }
    }

    /// The server answers a repeated unit with the first answer, so it need not be asked before.
    async fn first_answer(
        &self,
        _user: UserPk,
        _scope: &str,
        _key: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn changes(&self, after: u64) -> Box<dyn ChangeFeed> {
        let accounts = self.accounts.clone();
        Box::new(OurFeed { client: self.client.clone(), accounts, after, lost: false })
    }
}

/// The unit with a key, so that it can be sent again when its outcome is not known.
///
/// The server takes this service for the owner of all keys, so the user is told by the scope.
fn with_key(mut unit: UnitOfWork) -> UnitOfWork {
    let user = unit.actor.unwrap_or(UserPk(0));
    unit.idempotency = Some(match unit.idempotency {
        Some(Idempotency { user, scope, key, answer }) => {
            let mut scope = format!("{user} {scope}");
            if scope.chars().count() > LONGEST_SCOPE {
                scope = hex::encode(Sha256::digest(scope.as_bytes()));
            }
            Idempotency { user, scope, key, answer }
        }
        None => Idempotency {
            user,
            scope: OWN_SCOPE.to_owned(),
            key: Uuid::new_v4().to_string(),
            answer: "null".to_owned(),
        },
    });
    unit
}

/// The journal, by long polling. It survives every outage and never leaves a change out.
struct OurFeed {
    client: Client,
    accounts: Arc<RemoteAccounts>,
    after: u64,
    /// Whether the server did not answer last time.
    lost: bool,
}

#[async_trait]
impl ChangeFeed for OurFeed {
    async fn next(&mut self) -> Option<Arc<[Change]>> {
        let mut pause = PAUSES.0;
        loop {
            match self.client.changes(self.after, WAIT).await {
                Ok(page) => {
                    if std::mem::take(&mut self.lost) {
                        tracing::info!("the Games API answers again");
                    }
                    pause = PAUSES.0;
                    self.after = page.last_seq;
                    if !page.changes.is_empty() {
                        page.changes.iter().for_each(|change| self.accounts.heed(change));
                        return Some(page.changes.into());
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.lost, true) {
                        let error = port_error(&error);
                        tracing::warn!("the journal cannot be followed, trying again: {error}");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }
}
