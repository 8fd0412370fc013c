//! All that the engine knows of one game: its own objects, its loaded runs, and who is online.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use sim_games_types::{
    Game, GamePk, Object, Phase, PhasePk, Record, Resource, Role, RolePk, Run, RunPk, RunUserPk,
    Stored, Timestamp, UserPk,
};

use crate::events::Announcer;
use crate::game::Game as Declaration;
use crate::occasion::{Occasion, What};
use crate::ports::{Event, GameSnapshot, RunSnapshot, Runs};
use crate::presence::Presence;
use crate::sync::{lock, read, write};
use crate::timers::Timers;
use crate::tree::{Entry, RunTree};
use crate::uri::Root;
use crate::wakes::Wakes;

mod apply;

/// The game, its phases and its roles.
#[derive(Debug, Default)]
pub(crate) struct GameTree {
    pub(crate) game: Option<Entry<Game>>,
    pub(crate) phases: BTreeMap<PhasePk, Entry<Phase>>,
    pub(crate) roles: BTreeMap<RolePk, Entry<Role>>,
}

impl GameTree {
    fn put(&mut self, stored: &Arc<Stored>) {
        match &stored.record {
            Record::Game(_) => self.game = Entry::new(stored),
            Record::Phase(phase) => {
                self.phases.extend(Entry::new(stored).map(|entry| (phase.id, entry)));
            }
            Record::Role(role) => {
                self.roles.extend(Entry::new(stored).map(|entry| (role.id, entry)));
            }
            _ => {}
        }
    }

    /// The phases in the order in which a run goes through them.
    pub(crate) fn phases_in_order(&self) -> Vec<&Entry<Phase>> {
        let mut phases: Vec<_> = self.phases.values().collect();
        phases.sort_by_key(|phase| (phase.order, phase.id));
        phases
    }

    pub(crate) fn role_named(&self, name: &str) -> Option<&Entry<Role>> {
        self.roles.values().find(|role| role.name == name)
    }
}

/// A loaded run.
#[derive(Debug)]
pub(crate) struct LoadedRun {
    /// Shared by calls into one lane of the run, exclusive for calls on the run as a whole. Fair.
    pub(crate) gate: Arc<tokio::sync::RwLock<()>>,
    pub(crate) tree: RwLock<RunTree>,
    /// The tree contains the journal up to here; older changes are in it already.
    since: u64,
    /// The number of the last change that concerned the run.
    at: AtomicU64,
    /// When a call last came to the run, in microseconds since 1970.
    used: AtomicI64,
}

impl LoadedRun {
    fn new(tree: RunTree, since: u64) -> Self {
        Self {
            gate: Arc::default(),
            tree: RwLock::new(tree),
            since,
            at: AtomicU64::new(since),
            used: AtomicI64::new(Timestamp::now().micros()),
        }
    }

    /// How far the journal had come when the run last changed.
    pub(crate) fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// Notes that the run is in use.
    pub(crate) fn touch(&self) {
        self.used.store(Timestamp::now().micros(), Ordering::Relaxed);
    }
}

/// A run of the game.
#[derive(Clone, Debug)]
enum RunState {
    /// It is in memory.
    Loaded(Arc<LoadedRun>),
    /// It is active, but was not used for so long that only its objects' keys are in memory.
    Idle,
}

/// What a change brings about besides the change of the tree.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Events for browsers, in their order.
    pub(crate) events: Vec<Event>,
    /// Occasions for the game's hooks, in their order.
    pub(crate) occasions: Vec<Occasion>,
    /// A run that has become active and is to be loaded.
    pub(crate) load: Option<RunPk>,
}

/// All that the engine knows of one game.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) root: Root,
    pub(crate) game: RwLock<GameTree>,
    runs: RwLock<HashMap<RunPk, RunState>>,
    /// In which loaded run an object lies.
    places: RwLock<HashMap<(Resource, i64), RunPk>>,
    memberships: RwLock<HashMap<UserPk, BTreeSet<(RunPk, RunUserPk)>>>,
    presence: Mutex<Presence>,
    /// Which runs are in memory.
    kept: Runs,
    /// The resources on which the game has timers.
    timed: Vec<Resource>,
    pub(crate) timers: Timers,
    pub(crate) wakes: Wakes,
}

impl Model {
    pub(crate) fn new(root: Root, kept: Runs, declaration: &Declaration) -> Self {
        let timed = Resource::ALL.into_iter().filter(|it| declaration.has_timers(*it)).collect();
        Self {
            root,
            kept,
            timed,
            timers: Timers::default(),
            wakes: Wakes::new(),
            game: RwLock::default(),
            runs: RwLock::default(),
            places: RwLock::default(),
            memberships: RwLock::default(),
            presence: Mutex::default(),
        }
    }

    /// Takes the game's own objects in place of those it had.
    pub(crate) fn install(&self, snapshot: &GameSnapshot) {
        let mut tree = GameTree::default();
        snapshot.objects.iter().for_each(|stored| tree.put(stored));
        *write(&self.game) = tree;
    }

    /// Takes runs that were read from the store, in place of what it had of them.
    pub(crate) fn load(&self, snapshot: &RunSnapshot) {
        let mut trees: HashMap<RunPk, RunTree> = HashMap::new();
        let mut places: HashMap<(Resource, i64), RunPk> = HashMap::new();
        for stored in &snapshot.objects {
            let key = (stored.record.resource(), stored.record.pk());
            if let Some(run) = Entry::<Run>::new(stored) {
                places.insert(key, run.pk());
                trees.insert(run.pk(), RunTree::new(run));
                continue;
            }
            let Some(run) = run_of(&stored.record, |parent| places.get(&parent).copied()) else {
                continue;
            };
            let Some(tree) = trees.get_mut(&run) else { continue };
            tree.put(stored);
            if tree.find(key.0, key.1).is_some() {
                places.insert(key, run);
            }
        }
        for (pk, tree) in trees {
            self.unload(pk);
            self.add_memberships(pk, &tree);
            self.add_timers(&tree);
            let run = Arc::new(LoadedRun::new(tree, snapshot.seq));
            write(&self.runs).insert(pk, RunState::Loaded(run));
        }
        write(&self.places).extend(places);
    }

    /// Whether a run belongs into memory.
    fn keeps(&self, run: &Run) -> bool {
        run.active || self.kept == Runs::All
    }

    /// Whether what was read from the store is a run of this game.
    pub(crate) fn owns(&self, snapshot: &RunSnapshot) -> bool {
        let runs = snapshot.objects.iter().filter_map(|stored| Run::from_record(&stored.record));
        let games: Vec<_> = runs.map(|run| run.game).collect();
        !games.is_empty() && games.iter().all(|game| Some(*game) == self.game_pk())
    }

    fn add_timers(&self, tree: &RunTree) {
        if self.timed.is_empty() {
            return;
        }
        for (resource, pk) in tree.all_keys() {
            if let Some(stored) = tree.find(resource, pk) {
                self.note_timers(stored);
            }
        }
    }

    fn note_timers(&self, stored: &Stored) {
        let resource = stored.record.resource();
        if self.timed.contains(&resource) {
            self.timers.put((resource, stored.record.pk()), &stored.record);
        }
    }

    fn add_memberships(&self, run: RunPk, tree: &RunTree) {
        let mut memberships = write(&self.memberships);
        for node in tree.runusers() {
            memberships.entry(node.entry.user).or_default().insert((run, node.entry.pk()));
        }
    }

    /// Forgets a run; gives what it had of it in memory.
    pub(crate) fn unload(&self, pk: RunPk) -> Option<Arc<LoadedRun>> {
        let run = match write(&self.runs).remove(&pk)? {
            RunState::Loaded(run) => run,
            RunState::Idle => {
                write(&self.places).retain(|_, place| *place != pk);
                write(&self.memberships).retain(|_, of_user| {
                    of_user.retain(|(run, _)| *run != pk);
                    !of_user.is_empty()
                });
                return None;
            }
        };
        let tree = read(&run.tree);
        let mut places = write(&self.places);
        for key in tree.all_keys() {
            places.remove(&key);
            self.timers.remove(key);
        }
        drop(places);
        let mut memberships = write(&self.memberships);
        for node in tree.runusers() {
            remove_membership(&mut memberships, node.entry.user, (pk, node.entry.pk()));
        }
        drop((tree, memberships));
        Some(run)
    }

    /// Forgets the trees of the runs that nobody has used since a time, in which nobody is online
    /// and no timer runs. Only the keys of their objects stay, so that a call finds its way back.
    pub(crate) fn put_to_rest(&self, unused_since: Timestamp) -> Vec<Arc<LoadedRun>> {
        let mut resting = Vec::new();
        for run in self.loaded() {
            let tree = read(&run.tree);
            let in_use = run.used.load(Ordering::Relaxed) > unused_since.micros()
                || !tree.run().active
                || tree.runusers().any(|node| self.online(node.entry.user))
                || (!self.timed.is_empty()
                    && tree.all_keys().iter().any(|it| self.timers.has(*it)));
            if !in_use {
                write(&self.runs).insert(tree.run().pk(), RunState::Idle);
                drop(tree);
                resting.push(run);
            }
        }
        resting
    }

    /// All runs that are in memory.
    pub(crate) fn loaded(&self) -> Vec<Arc<LoadedRun>> {
        let runs = read(&self.runs);
        let loaded = runs.values().filter_map(|state| match state {
            RunState::Loaded(run) => Some(run.clone()),
            RunState::Idle => None,
        });
        loaded.collect()
    }

    pub(crate) fn run(&self, pk: RunPk) -> Option<Arc<LoadedRun>> {
        match read(&self.runs).get(&pk)? {
            RunState::Loaded(run) => Some(run.clone()),
            RunState::Idle => None,
        }
    }

    /// The loaded run in which an object lies.
    pub(crate) fn run_with(&self, resource: Resource, pk: i64) -> Option<Arc<LoadedRun>> {
        let place = *read(&self.places).get(&(resource, pk))?;
        self.run(place)
    }

    /// The run in which an object lies, in memory or at rest.
    pub(crate) fn place_of(&self, resource: Resource, pk: i64) -> Option<RunPk> {
        read(&self.places).get(&(resource, pk)).copied()
    }

    /// The run in which an object lies, if that run rests.
    pub(crate) fn resting_run_with(&self, resource: Resource, pk: i64) -> Option<RunPk> {
        let place = *read(&self.places).get(&(resource, pk))?;
        matches!(read(&self.runs).get(&place)?, RunState::Idle).then_some(place)
    }

    /// Whether a user is a member of any loaded run.
    pub(crate) fn is_member(&self, user: UserPk) -> bool {
        read(&self.memberships).contains_key(&user)
    }

    /// The memberships of a user.
    pub(crate) fn seats(&self, user: UserPk) -> Vec<(RunPk, RunUserPk)> {
        let memberships = read(&self.memberships);
        memberships.get(&user).into_iter().flatten().copied().collect()
    }

    /// A member's e-mail address.
    pub(crate) fn email(&self, user: UserPk) -> Option<String> {
        let (run, member) = *read(&self.memberships).get(&user)?.first()?;
        let run = self.run(run)?;
        let tree = read(&run.tree);
        tree.runuser(member).map(|node| node.entry.email.clone())
    }

    pub(crate) fn online(&self, user: UserPk) -> bool {
        lock(&self.presence).online(user)
    }

    /// Notes that a session came, and announces it when it is the user's first.
    pub(crate) fn arrive(&self, user: UserPk, session: u64, effects: &mut Effects) {
        if lock(&self.presence).arrive(user, session) {
            self.announce_presence(user, true, effects);
        }
    }

    /// Notes that a session went, and announces it when it was the user's last.
    pub(crate) fn leave(&self, user: UserPk, session: u64, effects: &mut Effects) {
        if lock(&self.presence).leave(user, session) {
            self.announce_presence(user, false, effects);
        }
    }

    fn announce_presence(&self, user: UserPk, online: bool, effects: &mut Effects) {
        let memberships = read(&self.memberships).get(&user).cloned().unwrap_or_default();
        for (run, member) in memberships {
            let Some(run) = self.run(run) else { continue };
            let (root, out) = (&self.root, &mut effects.events);
            Announcer { root, tree: &read(&run.tree), out }.presence(member, online);
            let what = if online { What::Connected(member) } else { What::Disconnected(member) };
            effects.occasions.push(Occasion { run, what });
        }
    }

    /// All that is loaded, for operators: `{resource: {key: object}}`.
    pub(crate) fn list_scopes(&self) -> String {
        let mut by_resource: BTreeMap<Resource, Vec<String>> = BTreeMap::new();
        let mut add = |stored: &Stored| {
            let entry = format!(r#""{}":{}"#, stored.record.pk(), stored.for_players());
            by_resource.entry(stored.record.resource()).or_default().push(entry);
        };
        let game = read(&self.game);
        game.phases.values().for_each(|phase| add(phase.stored()));
        game.roles.values().for_each(|role| add(role.stored()));
        drop(game);
        let mut places: Vec<_> = read(&self.places).iter().map(|(key, run)| (*key, *run)).collect();
        places.sort_unstable();
        for ((resource, pk), run) in places {
            let Some(run) = self.run(run) else { continue };
            if let Some(stored) = read(&run.tree).find(resource, pk) {
                add(stored);
            }
        }
        let parts: Vec<_> = by_resource
            .into_iter()
            .map(|(resource, entries)| format!(r#""{resource}":{{{}}}"#, entries.join(",")))
            .collect();
        format!("{{{}}}", parts.join(","))
    }

    fn game_pk(&self) -> Option<GamePk> {
        read(&self.game).game.as_ref().map(|game| game.pk())
    }
}

fn remove_membership(
    memberships: &mut HashMap<UserPk, BTreeSet<(RunPk, RunUserPk)>>,
    user: UserPk,
    membership: (RunPk, RunUserPk),
) {
    if let Some(of_user) = memberships.get_mut(&user) {
        of_user.remove(&membership);
        if of_user.is_empty() {
            memberships.remove(&user);
        }
    }
}

/// The run that an object below it lies in, found through its parent.
fn run_of(record: &Record, place: impl FnOnce((Resource, i64)) -> Option<RunPk>) -> Option<RunPk> {
    match record.parent()? {
        (Resource::Run, run) => Some(RunPk(run)),
        (Resource::Game, _) => None,
        parent => place(parent),
    }
}
