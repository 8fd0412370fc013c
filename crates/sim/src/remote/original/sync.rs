//! Reading what the API has stored, taking its webhooks, and comparing again and again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sim_engine::{GameSnapshot, RunSnapshot, Runs, StoreError};
use sim_games_client::Error;
use sim_games_types::{Action, EventName, Lookup, Record, Resource, RunPk, Stored, User, Webhook};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Original;
use super::ledger::{Key, Source, Told};
use crate::remote::PAUSES;
use crate::remote::rest::{self, BELOW_RUN, port_error};

/// How often a game that does not exist yet is looked for, besides waiting for its webhook.
const GAME_POLL: Duration = Duration::from_secs(5);

/// Works off webhooks in the order in which they came.
pub(super) async fn take_deliveries(original: Arc<Original>, mut waiting: mpsc::Receiver<Webhook>) {
    loop {
        let webhook = tokio::select! {
            () = original.stop.cancelled() => return,
            webhook = waiting.recv() => webhook,
        };
        let Some(webhook) = webhook else { return };
        let looking = original.looking.lock().await;
        let event = webhook.event.clone();
        if let Err(error) = original.take(webhook).await {
            tracing::warn!("the webhook `{event}` could not be taken, comparing all: {error}");
            original.doubt();
        }
        drop(looking);
    }
}

/// Compares everything from time to time, at once on doubt, and until it works after an outage.
pub(super) async fn keep_in_step(original: Arc<Original>) {
    loop {
        let has_game = original.ledger().game().is_some();
        let wait = if has_game { original.resync_every } else { GAME_POLL };
        tokio::select! {
            () = original.stop.cancelled() => return,
            () = original.doubt.notified() => {}
            () = sleep(wait.min(original.resync_every)) => {}
        }
        let mut pause = PAUSES.0;
        let mut lost = false;
        while let Err(error) = original.resync().await {
            if !std::mem::replace(&mut lost, true) {
                tracing::warn!("the Games API cannot be compared with, trying again: {error}");
            }
            tokio::select! {
                () = original.stop.cancelled() => return,
                () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
            }
        }
        if lost {
            tracing::info!("the Games API answers again");
        }
    }
}

impl Original {
    /// Takes a webhook's content into the ledger.
    async fn take(&self, webhook: Webhook) -> Result<(), StoreError> {
        let Ok(EventName { slug, resource, action }) = webhook.event.parse() else { return Ok(()) };
        if slug.is_some_and(|slug| slug != self.slug) {
            return Ok(());
        }
        let stored = read(resource, &webhook)
            .map_err(|error| StoreError::Refused(format!("its data is no {resource}: {error}")))?;
        let now = Instant::now();
        match (&stored.record, action) {
            (_, Action::Deleted) => {
                self.tell(|ledger| ledger.delete(&stored, now));
                Ok(())
            }
            (Record::User(_), Action::Created) => Ok(()),
            (Record::User(user), Action::Changed) => self.take_user(user).await,
            _ => self.take_with_ancestors(stored).await,
        }
    }

    /// Webhooks tell of users only their names, and not whether they may log in.
    async fn take_user(&self, user: &User) -> Result<(), StoreError> {
        let found = rest::get(&self.client, Resource::User, &user.id.to_string()).await;
        let found = found.map_err(|error| port_error(&error))?;
        let Some(found) = found else { return Ok(()) };
        self.tell(|ledger| ledger.put(found, Source::Answer, Instant::now()));
        Ok(())
    }

    /// Takes an object, and first what it hangs from if that is not known.
    async fn take_with_ancestors(&self, stored: Arc<Stored>) -> Result<(), StoreError> {
        let mut waiting = vec![(stored, Source::Delivery)];
        // Each ancestor is looked for once.
        let mut asked = HashSet::new();
        while let Some((stored, source)) = waiting.last().cloned() {
            match self.tell(|ledger| ledger.put(stored, source, Instant::now())) {
                Told::News | Told::Old => {
                    waiting.pop();
                }
                Told::Orphan(key) if asked.insert(key) => {
                    let found = rest::get(&self.client, key.0, &key.1.to_string()).await;
                    match found.map_err(|error| port_error(&error))? {
                        Some(parent) => waiting.push((parent, Source::Answer)),
                        // The parent is gone, and all below it with it.
                        None => return Ok(()),
                    }
                }
                // An ancestor that has no place here leaves none for those below it.
                Told::Foreign | Told::Orphan(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Subscribes, and reads the game with its phases and roles.
    pub(super) async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError> {
        self.hooks.register(&self.client, slug).await?;
        let _looking = self.looking.lock().await;
        let found = self.read_game().await.map_err(|error| port_error(&error))?;
        Ok(self.tell(|ledger| {
            if found.is_empty() {
                ledger.forget();
            }
            GameSnapshot { seq: ledger.seq(), objects: ledger.game_objects() }
        }))
    }

    /// Reads the game's own objects into the ledger, quietly; none if there is no game.
    async fn read_game(&self) -> Result<Vec<Arc<Stored>>, Error> {
        let look = self.ledger().look(Instant::now());
        let Some(found) = self.fetch_game().await? else { return Ok(Vec::new()) };
        self.tell(|ledger| {
            if ledger.game().is_some_and(|game| found[0].record.pk() != game.0) {
                ledger.forget();
            }
            ledger.compare(found.clone(), &look, |_, record| is_of_game(record), false);
        });
        Ok(found)
    }

    /// The game, its phases and its roles as the API has them.
    async fn fetch_game(&self) -> Result<Option<Vec<Arc<Stored>>>, Error> {
        let Some(game) = rest::get(&self.client, Resource::Game, &self.slug).await? else {
            return Ok(None);
        };
        let below = Lookup::new().with("game_slug", &self.slug);
        let wanted = [Resource::Phase, Resource::Role].map(|it| (it, below.clone()));
        let mut found = vec![game];
        found.extend(rest::lists(&self.client, wanted).await?);
        Ok(Some(found))
    }

    /// Reads the runs with all below them, once what was left half done is completed.
    pub(super) async fn load_runs(&self, which: Runs) -> Result<RunSnapshot, StoreError> {
        *self.which.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = which;
        for run in self.intents.runs() {
            let lane = self.lane(run);
            let _turn = lane.lock().await;
            self.complete(run).await?;
        }
        let _looking = self.looking.lock().await;
        let load = async {
            let look = self.ledger().look(Instant::now());
            let runs = self.fetch_runs(which).await?;
            let keys: Vec<RunPk> = runs.iter().map(|run| RunPk(run.record.pk())).collect();
            self.tell(|ledger| keys.iter().for_each(|run| ledger.begin_load(*run)));
            let mut found = runs;
            found.extend(self.fetch_below(which).await?);
            Ok(self.tell(|ledger| {
                let are_loaded: HashSet<RunPk> = keys.iter().copied().collect();
                ledger.compare(found, &look, |ledger, it| is_in(ledger, it, &are_loaded), false);
                RunSnapshot { seq: ledger.seq(), objects: ledger.run_objects(keys) }
            }))
        };
        load.await.map_err(|error: Error| port_error(&error))
    }

    /// Reads one run with all below it, once what was left half done is completed.
    pub(super) async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError> {
        let lane = self.lane(Some(run));
        let turn = lane.lock().await;
        self.complete(Some(run)).await?;
        drop(turn);
        let _looking = self.looking.lock().await;
        let load = async {
            let look = self.ledger().look(Instant::now());
            let own = rest::get(&self.client, Resource::Run, &run.to_string()).await?;
            let Some(own) = own else {
                let seq = self.ledger().seq();
                return Ok(RunSnapshot { seq, objects: Vec::new() });
            };
            self.tell(|ledger| ledger.begin_load(run));
            let below = Lookup::new().with("run", run).with("game_slug", &self.slug);
            let wanted = BELOW_RUN.map(|it| (it, below.clone()));
            let mut found = vec![own];
            found.extend(rest::lists(&self.client, wanted).await?);
            Ok(self.tell(|ledger| {
                let only = HashSet::from([run]);
                ledger.compare(found, &look, |ledger, it| is_in(ledger, it, &only), false);
                RunSnapshot { seq: ledger.seq(), objects: ledger.run_objects([run]) }
            }))
        };
        load.await.map_err(|error: Error| port_error(&error))
    }

    async fn fetch_runs(&self, which: Runs) -> Result<Vec<Arc<Stored>>, Error> {
        let lookup = Lookup::new().with("game_slug", &self.slug);
        let lookup = match which {
            Runs::Active => lookup.with("active", "True"),
            Runs::All => lookup,
        };
        rest::lists(&self.client, [(Resource::Run, lookup)]).await
    }

    async fn fetch_below(&self, which: Runs) -> Result<Vec<Arc<Stored>>, Error> {
        let lookup = Lookup::new().with("game_slug", &self.slug);
        let lookup = match which {
            Runs::Active => lookup.with("run_active", "True"),
            Runs::All => lookup,
        };
        rest::lists(&self.client, BELOW_RUN.map(|it| (it, lookup.clone()))).await
    }

    /// Compares everything that is known with what the API has stored.
    async fn resync(&self) -> Result<(), StoreError> {
        self.hooks.register(&self.client, &self.slug).await?;
        let _looking = self.looking.lock().await;
        self.compare().await.map_err(|error| port_error(&error))
    }

    async fn compare(&self) -> Result<(), Error> {
        let which = *self.which.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let look = self.ledger().look(Instant::now());
        let Some(mut found) = self.fetch_game().await? else { return Ok(()) };
        // All runs, so that one that rests is told from one that is gone.
        let runs = self.fetch_runs(Runs::All).await?;
        let before = active(&runs);
        found.extend(runs);
        let below = self.fetch_below(which).await?;
        // Of a run that was put to rest meanwhile the lists may hold only a part.
        let after = active(&self.fetch_runs(Runs::All).await?);
        let steady = match which {
            Runs::Active => before.intersection(&after).copied().collect(),
            Runs::All => found.iter().map(|it| RunPk(it.record.pk())).collect::<HashSet<_>>(),
        };
        self.tell(|ledger| {
            let covers = |ledger: &super::Ledger, record: &Record| match record {
                Record::Run(_) => true,
                record => is_of_game(record) || is_in(ledger, record, &steady),
            };
            found.extend(below);
            ledger.compare(found, &look, covers, true);
        });
        Ok(())
    }
}

fn active(runs: &[Arc<Stored>]) -> HashSet<RunPk> {
    let pk = |stored: &Arc<Stored>| match &stored.record {
        Record::Run(run) if run.active => Some(run.id),
        _ => None,
    };
    runs.iter().filter_map(pk).collect()
}

fn is_of_game(record: &Record) -> bool {
    matches!(record, Record::Game(_) | Record::Phase(_) | Record::Role(_))
}

fn is_in(ledger: &super::Ledger, record: &Record, runs: &HashSet<RunPk>) -> bool {
    let key: Key = (record.resource(), record.pk());
    ledger.run_of_key(key).is_some_and(|run| runs.contains(&run))
}

fn read(resource: Resource, webhook: &Webhook) -> serde_json::Result<Arc<Stored>> {
    let text = webhook.data.to_string();
    Record::from_json(resource, &text).map(|record| Arc::new(Stored::new(record)))
}
