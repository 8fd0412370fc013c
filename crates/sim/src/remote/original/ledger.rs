//! One ordered stream made of what an API without a journal tells: the answers of own requests,
//! webhooks, and comparisons with what it has stored.
//!
//! Everything known of the loaded runs is remembered with its `updated`, so that what comes late,
//! twice or in another order changes nothing. What was deleted is remembered, too: nothing that is
//! told of it later brings it back.

mod reading;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sim_games_types::{
    Action, Change, GamePk, Record, Resource, RunPk, Stored, Timestamp, User, UserPk,
};
use tokio::time::Instant;

pub(super) use reading::has_fields;

/// A resource and the key of one of its objects.
pub(super) type Key = (Resource, i64);

/// How many changes are kept for readers; one who is further behind starts anew.
const KEPT: usize = 50_000;

/// How many deleted objects are remembered.
const REMEMBERED: usize = 100_000;

/// How many users are remembered to tell a change of theirs from a repetition.
const USERS: usize = 50_000;

/// The original sends webhooks before it commits: for this long a look at what it has stored may
/// still show the state before.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// From where an object is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From a webhook, which may be late.
    Delivery,
    /// From the API's own answer.
    Answer,
}

/// What became of something that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is news, and in the ledger now.
    News,
    /// It was known, or something newer is.
    Old,
    /// It belongs to no loaded run of this game.
    Foreign,
    /// Its parent is not known.
    Orphan(Key),
}

#[derive(Clone, Debug)]
struct Known {
    stored: Arc<Stored>,
    /// The ledger's number when it was told last.
    seq: u64,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Gone {
    updated: Option<Timestamp>,
    at: Instant,
}

/// A look at what the API has stored: when it began, and what it does not cover.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) seq: u64,
    pub(super) began: Instant,
}

/// What is known of one game, and the order in which it became known.
#[derive(Debug)]
pub(super) struct Ledger {
    slug: String,
    game: Option<GamePk>,
    seq: u64,
    objects: HashMap<Key, Known>,
    children: HashMap<Key, BTreeSet<Key>>,
    loaded: HashSet<RunPk>,
    users: HashMap<UserPk, User>,
    gone: HashMap<Key, Gone>,
    gone_order: VecDeque<Key>,
    log: VecDeque<Change>,
}

impl Ledger {
    pub(super) fn new(slug: String) -> Self {
        Self {
            slug,
            game: None,
            seq: 0,
            objects: HashMap::new(),
            children: HashMap::new(),
            loaded: HashSet::new(),
            users: HashMap::new(),
            gone: HashMap::new(),
            gone_order: VecDeque::new(),
            log: VecDeque::new(),
        }
    }

    /// The number of the last change.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn game(&self) -> Option<GamePk> {
        self.game
    }

    pub(super) fn is_loaded(&self, run: RunPk) -> bool {
        self.loaded.contains(&run)
    }

    /// The changes after a number; none at all when they are not kept any more.
    pub(super) fn after(&self, seq: u64) -> Option<Vec<Change>> {
        let first = self.log.front().map_or(self.seq + 1, |change| change.seq);
        let skip = usize::try_from((seq + 1).checked_sub(first)?).ok()?;
        Some(self.log.iter().skip(skip).cloned().collect())
    }

    pub(super) fn get(&self, key: Key) -> Option<&Arc<Stored>> {
        self.objects.get(&key).map(|known| &known.stored)
    }

    /// Takes note of an object as it was after it was created or changed.
    pub(super) fn put(&mut self, stored: Arc<Stored>, source: Source, now: Instant) -> Told {
        self.take(stored, source, now, true)
    }

    fn take(&mut self, stored: Arc<Stored>, source: Source, now: Instant, log: bool) -> Told {
        let key = key_of(&stored);
        if self.stays_gone(key, &stored, source, now) {
            return Told::Old;
        }
        if let Record::User(user) = &stored.record {
            return self.put_user(user, &stored);
        }
        let old = self.objects.get(&key).map(|known| known.stored.clone());
        if let Some(old) = &old {
            let (was, is) = (old.record.updated(), stored.record.updated());
            // What an answer shows of a row that was not stored again, a role's name for example,
            // is newer than what is known; a delivery may be older.
            let is_old = is < was || is == was && source == Source::Delivery;
            if is_old || old.record == stored.record {
                return Told::Old;
            }
        }
        if let Err(told) = self.place(&stored, old.is_some()) {
            return told;
        }
        if let Some(old) = &old {
            self.unlink(key, &old.record);
        }
        if let Record::Game(game) = &stored.record {
            self.game = Some(game.id);
        }
        if let Some(parent) = stored.record.parent() {
            self.children.entry(parent).or_default().insert(key);
        }
        let action = if old.is_some() { Action::Changed } else { Action::Created };
        if log {
            self.note(action, stored.clone());
        }
        self.rename(&stored.record);
        self.objects.insert(key, Known { stored: stored.clone(), seq: self.seq, at: now });
        let was_active =
            old.is_some_and(|old| matches!(&old.record, Record::Run(run) if run.active));
        if let Record::Run(run) = &stored.record
            && was_active
            && !run.active
        {
            self.unload(run.id);
        }
        Told::News
    }

    /// Whether an object has a place here.
    fn place(&self, stored: &Stored, is_known: bool) -> Result<(), Told> {
        let of_game = |game: Option<GamePk>| match game.is_some() && game == self.game {
            true => Ok(()),
            false => Err(Told::Foreign),
        };
        match &stored.record {
            Record::Game(game) => match game.slug == self.slug || is_known {
                true => Ok(()),
                false => Err(Told::Foreign),
            },
            Record::Phase(phase) => of_game(Some(phase.game)),
            Record::Role(role) => of_game(role.game),
            Record::Run(run) => of_game(Some(run.game)),
            Record::World(world) => self.in_loaded(world.run),
            Record::RunUser(runuser) => self.in_loaded(runuser.run),
            Record::User(_) | Record::Hook(_) => Err(Told::Foreign),
            record => match record.parent() {
                Some(parent) if self.objects.contains_key(&parent) => Ok(()),
                Some(parent) if record.run_active() != Some(false) => Err(Told::Orphan(parent)),
                _ => Err(Told::Foreign),
            },
        }
    }

    fn in_loaded(&self, run: RunPk) -> Result<(), Told> {
        if self.is_loaded(run) { Ok(()) } else { Err(Told::Foreign) }
    }

    /// Whether an object was deleted, and is not another one with the same key.
    fn stays_gone(&self, key: Key, stored: &Stored, source: Source, now: Instant) -> bool {
        let Some(gone) = self.gone.get(&key) else { return false };
        if source == Source::Answer && now.duration_since(gone.at) > GRACE {
            return false;
        }
        stored.record.created().zip(gone.updated).is_none_or(|(new, old)| new <= old)
    }

    fn put_user(&mut self, user: &User, stored: &Arc<Stored>) -> Told {
        if self.users.get(&user.id) == Some(user) {
            return Told::Old;
        }
        if self.users.len() >= USERS {
            self.users.clear();
        }
        self.users.insert(user.id, user.clone());
        self.note(Action::Changed, stored.clone());
        self.rename(&stored.record);
        Told::News
    }

    /// Copies a user's or role's name into the members who have it, as the engine does by itself.
    fn rename(&mut self, record: &Record) {
        let edit: &dyn Fn(&mut sim_games_types::RunUser) = match record {
            Record::User(user) => &|member| {
                if member.user == user.id {
                    member.email.clone_from(&user.email);
                    member.first_name.clone_from(&user.first_name);
                    member.last_name.clone_from(&user.last_name);
                }
            },
            Record::Role(role) => &|member| {
                if member.role == Some(role.id) {
                    member.role_name = Some(role.name.clone());
                }
            },
            _ => return,
        };
        for known in self.objects.values_mut() {
            let Record::RunUser(member) = &known.stored.record else { continue };
            let mut renamed = member.clone();
            edit(&mut renamed);
            if renamed != *member {
                known.stored = Arc::new(Stored::new(renamed));
            }
        }
    }

    /// Takes note of a deletion, with all below the object: leaves first, each once.
    pub(super) fn delete(&mut self, stored: &Arc<Stored>, now: Instant) -> Told {
        let key = key_of(stored);
        let known = self.get(key).and_then(|known| known.record.created());
        if known.zip(stored.record.updated()).is_some_and(|(new, old)| new > old) {
            // It tells of an earlier object with the same key.
            return Told::Old;
        }
        let is_told = self.gone.contains_key(&key);
        self.bury(key, stored.record.updated(), now);
        if let Record::User(user) = &stored.record {
            self.users.remove(&user.id);
            if is_told {
                return Told::Old;
            }
            self.note(Action::Deleted, stored.clone());
            return Told::News;
        }
        if !self.objects.contains_key(&key) {
            return Told::Old;
        }
        self.remove(key, now, true);
        Told::News
    }

    /// The same for an object of which only the key is known.
    pub(super) fn delete_key(&mut self, key: Key, now: Instant) {
        let known = self.objects.get(&key).map(|known| known.stored.clone());
        match known {
            Some(stored) => {
                self.delete(&stored, now);
            }
            None => self.bury(key, None, now),
        }
    }

    fn remove(&mut self, key: Key, now: Instant, log: bool) {
        let children: Vec<Key> = self.children.get(&key).into_iter().flatten().copied().collect();
        for child in children {
            self.remove(child, now, log);
        }
        let Some(known) = self.objects.get(&key).cloned() else { return };
        if log {
            self.note(Action::Deleted, known.stored.clone());
        }
        self.bury(key, known.stored.record.updated(), now);
        self.drop_known(key);
        if let Record::Run(run) = &known.stored.record {
            self.loaded.remove(&run.id);
        }
    }

    fn bury(&mut self, key: Key, updated: Option<Timestamp>, now: Instant) {
        let before = self.gone.get(&key).and_then(|gone| gone.updated);
        let known = self.objects.get(&key).and_then(|known| known.stored.record.updated());
        let updated = updated.max(before).max(known);
        if self.gone.insert(key, Gone { updated, at: now }).is_none() {
            self.gone_order.push_back(key);
        }
        if self.gone_order.len() > REMEMBERED
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }

    fn drop_known(&mut self, key: Key) {
        self.children.remove(&key);
        if let Some(known) = self.objects.remove(&key) {
            self.unlink(key, &known.stored.record);
        }
    }

    fn unlink(&mut self, key: Key, record: &Record) {
        if let Some(parent) = record.parent()
            && let Some(siblings) = self.children.get_mut(&parent)
        {
            siblings.remove(&key);
        }
    }

    fn note(&mut self, action: Action, object: Arc<Stored>) {
        self.seq += 1;
        let is_user = matches!(object.record, Record::User(_));
        self.log.push_back(Change {
            seq: self.seq,
            at: Timestamp::now(),
            game: self.game.filter(|_| !is_user),
            run: self.run_of(&object.record),
            action,
            object,
            actor: None,
            cause: None,
        });
        if self.log.len() > KEPT {
            self.log.pop_front();
        }
    }

    /// The run that an object lies in; none for runs and what is above them.
    fn run_of(&self, record: &Record) -> Option<RunPk> {
        match record {
            Record::World(world) => Some(world.run),
            Record::RunUser(runuser) => Some(runuser.run),
            Record::Run(run) => Some(run.id),
            record => {
                let parent = record.parent()?;
                (parent.0 != Resource::Game)
                    .then(|| self.run_of(&self.objects.get(&parent)?.stored.record))
                    .flatten()
            }
        }
    }

    /// The run that an object of this key lies in.
    pub(super) fn run_of_key(&self, key: Key) -> Option<RunPk> {
        self.run_of(&self.get(key)?.record)
    }

    /// From now on, what is told of this run has a place here.
    pub(super) fn begin_load(&mut self, run: RunPk) {
        self.loaded.insert(run);
    }

    fn unload(&mut self, run: RunPk) {
        self.loaded.remove(&run);
        let below: Vec<Key> = self.below((Resource::Run, run.0));
        for key in below.into_iter().skip(1) {
            self.drop_known(key);
        }
    }

    /// An object and all below it, parents before children.
    fn below(&self, key: Key) -> Vec<Key> {
        let mut keys = vec![key];
        let mut next = 0;
        while let Some(key) = keys.get(next) {
            keys.extend(self.children.get(key).into_iter().flatten());
            next += 1;
        }
        keys
    }

    /// The start of a look at what the API has stored.
    pub(super) fn look(&self, now: Instant) -> Look {
        Look { seq: self.seq, began: now }
    }

    /// Compares what was found with what is known. What is missing in it is gone, if it is one of
    /// those that the look covers and was not told of a short while before.
    pub(super) fn compare(
        &mut self,
        found: Vec<Arc<Stored>>,
        look: &Look,
        covers: impl Fn(&Self, &Record) -> bool,
        log: bool,
    ) {
        let shown: HashSet<Key> = found.iter().map(|stored| key_of(stored)).collect();
        let mut missing: Vec<Key> = self
            .objects
            .iter()
            .filter(|(key, known)| {
                !shown.contains(*key)
                    && known.seq <= look.seq
                    && known.at + GRACE <= look.began
                    && covers(self, &known.stored.record)
            })
            .map(|(key, _)| *key)
            .collect();
        missing.sort_unstable();
        for key in missing {
            self.remove(key, look.began, log);
        }
        for stored in found {
            self.take(stored, Source::Answer, look.began, log);
        }
    }

    /// Forgets everything but what was told: the game is gone, or is another one.
    pub(super) fn forget(&mut self) {
        self.game = None;
        self.objects.clear();
        self.children.clear();
        self.loaded.clear();
    }
}

pub(super) fn key_of(stored: &Stored) -> Key {
    (stored.record.resource(), stored.record.pk())
}

#[cfg(test)]
mod tests;
