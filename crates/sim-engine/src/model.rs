//! All that the engine knows of one game: its own objects, its loaded runs, and who is online.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, RwLock};

use sim_games_types::{
    Action, Change, Game, GamePk, Object, Phase, PhasePk, Pk, Record, Resource, Role, RolePk, Run,
    RunPk, RunUserPk, Stored, User, UserPk,
};

use crate::events::Announcer;
use crate::ports::{Event, GameSnapshot, RunSnapshot};
use crate::presence::Presence;
use crate::sync::{lock, read, write};
use crate::tree::{Entry, RunTree};
use crate::uri::Root;

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
}

/// All that the engine knows of one game.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) root: Root,
    pub(crate) game: RwLock<GameTree>,
    runs: RwLock<HashMap<RunPk, Arc<LoadedRun>>>,
    /// In which loaded run an object lies.
    places: RwLock<HashMap<(Resource, i64), RunPk>>,
    memberships: RwLock<HashMap<UserPk, BTreeSet<(RunPk, RunUserPk)>>>,
    presence: Mutex<Presence>,
}

impl Model {
    pub(crate) fn new(root: Root) -> Self {
        Self {
            root,
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
            let run =
                LoadedRun { gate: Arc::default(), tree: RwLock::new(tree), since: snapshot.seq };
            write(&self.runs).insert(pk, Arc::new(run));
        }
        write(&self.places).extend(places);
    }

    fn add_memberships(&self, run: RunPk, tree: &RunTree) {
        let mut memberships = write(&self.memberships);
        for node in tree.runusers() {
            memberships.entry(node.entry.user).or_default().insert((run, node.entry.pk()));
        }
    }

    /// Forgets a run.
    pub(crate) fn unload(&self, pk: RunPk) {
        let Some(run) = write(&self.runs).remove(&pk) else { return };
        write(&self.places).retain(|_, place| *place != pk);
        let mut memberships = write(&self.memberships);
        for node in read(&run.tree).runusers() {
            remove_membership(&mut memberships, node.entry.user, (pk, node.entry.pk()));
        }
    }

    pub(crate) fn loaded_runs(&self) -> usize {
        read(&self.runs).len()
    }

    pub(crate) fn run(&self, pk: RunPk) -> Option<Arc<LoadedRun>> {
        read(&self.runs).get(&pk).cloned()
    }

    /// The loaded run in which an object lies.
    pub(crate) fn run_with(&self, resource: Resource, pk: i64) -> Option<Arc<LoadedRun>> {
        let place = *read(&self.places).get(&(resource, pk))?;
        self.run(place)
    }

    /// Whether a user is a member of any loaded run.
    pub(crate) fn is_member(&self, user: UserPk) -> bool {
        read(&self.memberships).contains_key(&user)
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
    pub(crate) fn arrive(&self, user: UserPk, session: u64) -> Vec<Event> {
        let first = lock(&self.presence).arrive(user, session);
        if first { self.announce_presence(user, true) } else { Vec::new() }
    }

    /// Notes that a session went, and announces it when it was the user's last.
    pub(crate) fn leave(&self, user: UserPk, session: u64) -> Vec<Event> {
        let last = lock(&self.presence).leave(user, session);
        if last { self.announce_presence(user, false) } else { Vec::new() }
    }

    fn announce_presence(&self, user: UserPk, online: bool) -> Vec<Event> {
        let mut out = Vec::new();
        let memberships = read(&self.memberships).get(&user).cloned().unwrap_or_default();
        for (run, member) in memberships {
            let Some(run) = self.run(run) else { continue };
            let tree = read(&run.tree);
            Announcer { root: &self.root, tree: &tree, out: &mut out }.presence(member, online);
        }
        out
    }

    /// Applies one change of the journal and adds the events that announce it.
    ///
    /// A run that becomes active is not here yet: its key is returned, for the caller to load it.
    pub(crate) fn apply(&self, change: &Change, out: &mut Vec<Event>) -> Option<RunPk> {
        match &change.object.record {
            Record::Game(_) | Record::Phase(_) | Record::Role(_) => {
                self.apply_to_game(change, out);
                None
            }
            Record::Run(run) if Some(run.game) == self.game_pk() => {
                self.apply_to_run(run, change, out)
            }
            Record::User(user) => {
                self.apply_to_user(user, change, out);
                None
            }
            Record::Run(_) | Record::Hook(_) => None,
            record => {
                let run = change.run.or_else(|| {
                    run_of(record, |parent| read(&self.places).get(&parent).copied())
                })?;
                self.apply_below_run(run, change, out);
                None
            }
        }
    }

    /// All that is loaded, for operators: `{resource: {key: object}}`.
    pub(crate) fn list_scopes(&self) -> String {
        let mut by_resource: BTreeMap<Resource, Vec<String>> = BTreeMap::new();
        let mut add = |stored: &Stored| {
            let entry = format!(r#""{}":{}"#, stored.record.pk(), stored.json);
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

    fn apply_to_game(&self, change: &Change, out: &mut Vec<Event>) {
        if change.game.is_none() || change.game != self.game_pk() {
            return;
        }
        let mut tree = write(&self.game);
        match (&change.object.record, change.action) {
            (Record::Game(game), Action::Deleted) => {
                tracing::warn!(
                    game.slug = game.slug,
                    "the game was deleted; it stays until restart"
                );
            }
            (Record::Phase(phase), Action::Deleted) => {
                tree.phases.remove(&phase.id);
            }
            (Record::Role(role), Action::Deleted) => {
                tree.roles.remove(&role.id);
            }
            _ => tree.put(&change.object),
        }
        drop(tree);
        if let Record::Role(role) = &change.object.record
            && change.action == Action::Changed
        {
            self.rename_role(role, change, out);
        }
    }

    fn apply_to_run(&self, run: &Run, change: &Change, out: &mut Vec<Event>) -> Option<RunPk> {
        let Some(loaded) = self.run(run.id) else {
            let appears = change.action != Action::Deleted && run.active;
            return appears.then_some(run.id);
        };
        if change.seq <= loaded.since {
            return None;
        }
        if change.action != Action::Deleted {
            write(&loaded.tree).put(&change.object);
        }
        self.announce(&loaded, change.action, &change.object, out);
        if change.action == Action::Deleted || !run.active {
            self.unload(run.id);
        }
        None
    }

    fn apply_below_run(&self, pk: RunPk, change: &Change, out: &mut Vec<Event>) {
        let Some(run) = self.run(pk).filter(|run| change.seq > run.since) else { return };
        let stored = &change.object;
        let key = (stored.record.resource(), stored.record.pk());
        if change.action == Action::Deleted {
            self.announce(&run, Action::Deleted, stored, out);
            if let Record::RunUser(runuser) = &stored.record {
                let mut memberships = write(&self.memberships);
                remove_membership(&mut memberships, runuser.user, (pk, runuser.id));
            }
            let gone = write(&run.tree).remove(key.0, key.1);
            let mut places = write(&self.places);
            for key in &gone {
                places.remove(key);
            }
            return;
        }
        write(&run.tree).put(stored);
        write(&self.places).insert(key, pk);
        if let Record::RunUser(runuser) = &stored.record {
            let mut memberships = write(&self.memberships);
            memberships.entry(runuser.user).or_default().insert((pk, runuser.id));
        }
        self.announce(&run, change.action, stored, out);
    }

    /// A user's names and address are copied into every membership.
    fn apply_to_user(&self, user: &User, change: &Change, out: &mut Vec<Event>) {
        if change.action != Action::Changed {
            return;
        }
        let memberships = read(&self.memberships).get(&user.id).cloned().unwrap_or_default();
        for (run, member) in memberships {
            self.change_member(run, member, change.seq, out, |runuser| {
                runuser.email.clone_from(&user.email);
                runuser.first_name.clone_from(&user.first_name);
                runuser.last_name.clone_from(&user.last_name);
            });
        }
    }

    /// A role's name is copied into every membership that has it.
    fn rename_role(&self, role: &Role, change: &Change, out: &mut Vec<Event>) {
        let runs: Vec<_> = read(&self.runs).iter().map(|(pk, run)| (*pk, run.clone())).collect();
        for (pk, run) in runs {
            let members: Vec<_> = read(&run.tree)
                .runusers()
                .filter(|node| {
                    node.entry.role == Some(role.id)
                        && node.entry.role_name.as_deref() != Some(&role.name)
                })
                .map(|node| node.entry.pk())
                .collect();
            for member in members {
                self.change_member(pk, member, change.seq, out, |runuser| {
                    runuser.role_name = Some(role.name.clone());
                });
            }
        }
    }

    fn change_member(
        &self,
        run: RunPk,
        member: RunUserPk,
        seq: u64,
        out: &mut Vec<Event>,
        edit: impl FnOnce(&mut sim_games_types::RunUser),
    ) {
        let Some(run) = self.run(run).filter(|run| seq > run.since) else { return };
        let mut tree = write(&run.tree);
        let Some(node) = tree.runuser(member) else { return };
        let mut runuser = (*node.entry).clone();
        edit(&mut runuser);
        let stored = Arc::new(Stored::new(runuser));
        tree.put(&stored);
        drop(tree);
        self.announce(&run, Action::Changed, &stored, out);
    }

    fn announce(&self, run: &LoadedRun, action: Action, stored: &Stored, out: &mut Vec<Event>) {
        let tree = read(&run.tree);
        Announcer { root: &self.root, tree: &tree, out }.change(action, stored);
    }

    /// Announces that a run was activated, once it is loaded.
    pub(crate) fn announce_activation(&self, pk: RunPk, out: &mut Vec<Event>) {
        let Some(run) = self.run(pk) else { return };
        let stored = read(&run.tree).run().stored().clone();
        self.announce(&run, Action::Changed, &stored, out);
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

/// The run that an object lies in, found through its parent.
fn run_of(record: &Record, place: impl FnOnce((Resource, i64)) -> Option<RunPk>) -> Option<RunPk> {
    let parent = match record {
        Record::World(world) => return Some(world.run),
        Record::RunUser(runuser) => return Some(runuser.run),
        Record::Scenario(scenario) => match (scenario.world, scenario.runuser) {
            (Some(world), _) => (Resource::World, world.number()),
            (None, Some(runuser)) => (Resource::RunUser, runuser.number()),
            (None, None) => return None,
        },
        Record::Period(period) => (Resource::Scenario, period.scenario.number()),
        Record::Decision(decision) => (Resource::Period, decision.period.number()),
        Record::Result(result) => (Resource::Period, result.period.number()),
        _ => return None,
    };
    place(parent)
}
