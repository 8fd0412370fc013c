//! How the journal changes what the engine knows, and what else that brings about.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sim_games_types::{
    Action, Change, Object, Record, Resource, Role, Run, RunPk, RunUserPk, Stored, User,
};

use super::{Effects, LoadedRun, Model, RunState, remove_membership, run_of};
use crate::events::Announcer;
use crate::occasion::{Occasion, What};
use crate::sync::{read, write};

impl Model {
    /// Applies one change of the journal and adds what it brings about.
    pub(crate) fn apply(&self, change: &Change, effects: &mut Effects) {
        match &change.object.record {
            Record::Game(_) | Record::Phase(_) | Record::Role(_) => {
                self.apply_to_game(change, effects);
            }
            Record::Run(run) if Some(run.game) == self.game_pk() => {
                self.apply_to_run(run, change, effects);
            }
            Record::User(user) => self.apply_to_user(user, change, effects),
            Record::Run(_) | Record::Hook(_) => {}
            record => {
                let run = change
                    .run
                    .or_else(|| run_of(record, |parent| read(&self.places).get(&parent).copied()));
                if let Some(run) = run {
                    self.apply_below_run(run, change, effects);
                }
            }
        }
    }

    fn apply_to_game(&self, change: &Change, effects: &mut Effects) {
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
            self.rename_role(role, change, effects);
        }
    }

    fn apply_to_run(&self, run: &Run, change: &Change, effects: &mut Effects) {
        let Some(loaded) = self.run(run.id) else {
            let exists = change.action != Action::Deleted;
            if !exists || !self.keeps(run) {
                self.unload(run.id);
            } else if !read(&self.runs).contains_key(&run.id) {
                effects.load = Some(run.id);
            }
            return;
        };
        if change.seq <= loaded.since {
            return;
        }
        loaded.at.store(change.seq, Ordering::Relaxed);
        if change.action != Action::Deleted {
            write(&loaded.tree).put(&change.object);
            self.note_timers(&change.object);
        }
        self.announce(&loaded, change.action, &change.object, effects);
        if change.action == Action::Deleted || !self.keeps(run) {
            self.unload(run.id);
            effects.occasions.push(Occasion { run: loaded.clone(), what: What::Deactivated });
            effects.occasions.push(Occasion { run: loaded, what: What::Stopped(None) });
        }
    }

    fn apply_below_run(&self, pk: RunPk, change: &Change, effects: &mut Effects) {
        let state = read(&self.runs).get(&pk).cloned();
        match state {
            Some(RunState::Loaded(run)) if change.seq > run.since => {
                run.at.store(change.seq, Ordering::Relaxed);
                if change.action == Action::Deleted {
                    self.remove(pk, run, change, effects);
                } else {
                    self.put(pk, run, change, effects);
                }
            }
            Some(RunState::Idle) => self.note_place(pk, change),
            _ => {}
        }
    }

    fn put(&self, pk: RunPk, run: Arc<LoadedRun>, change: &Change, effects: &mut Effects) {
        let stored = &change.object;
        let key = (stored.record.resource(), stored.record.pk());
        let mut tree = write(&run.tree);
        let known = tree.find(key.0, key.1).is_some();
        let before = match &stored.record {
            Record::RunUser(it) => tree.runuser(it.id).map(|node| node.entry.clone()),
            _ => None,
        };
        let from = before.as_ref().map(|before| before.world);
        tree.put(stored);
        let taken = tree.find(key.0, key.1).is_some();
        drop(tree);
        if !taken {
            return;
        }
        self.note_place(pk, change);
        self.note_timers(stored);
        if let (Record::RunUser(it), Some(before)) = (&stored.record, &before)
            && it.world != before.world
        {
            let (root, out) = (&self.root, &mut effects.events);
            Announcer { root, tree: &read(&run.tree), out }.moved_away(before);
        }
        // A row that was made again, or that is only now told of, is new for whoever follows.
        let action = if known { Action::Changed } else { Action::Created };
        self.announce(&run, action, stored, effects);
        let mut note = |what| effects.occasions.push(Occasion { run: run.clone(), what });
        match &stored.record {
            Record::RunUser(it) => match from {
                None => note(What::Newcomer(it.id)),
                Some(from) if from != it.world => note(What::Moved(it.id, from)),
                Some(_) => {}
            },
            Record::World(it) if !known => note(What::NewWorld(it.id)),
            _ => {}
        }
        if !known {
            note(What::Started(Some(key)));
        }
        if let Record::RunUser(it) = &stored.record
            && from != Some(it.world)
        {
            // Those who see the member from now on cannot know.
            let (root, out) = (&self.root, &mut effects.events);
            let online = self.online(it.user);
            Announcer { root, tree: &read(&run.tree), out }.presence(it.id, online);
        }
    }

    fn remove(&self, pk: RunPk, run: Arc<LoadedRun>, change: &Change, effects: &mut Effects) {
        let stored = &change.object;
        let key = (stored.record.resource(), stored.record.pk());
        if read(&run.tree).find(key.0, key.1).is_none() {
            return;
        }
        self.announce(&run, Action::Deleted, stored, effects);
        if let Record::RunUser(it) = &stored.record {
            let what = What::Departed(Box::new(it.clone()));
            effects.occasions.push(Occasion { run: run.clone(), what });
        }
        let gone = write(&run.tree).remove(key.0, key.1);
        self.forget_places(pk, &gone, change);
        let what = What::Stopped(Some(stored.clone()));
        effects.occasions.push(Occasion { run, what });
    }

    fn forget_places(&self, pk: RunPk, gone: &[(Resource, i64)], change: &Change) {
        if let Record::RunUser(runuser) = &change.object.record {
            let mut memberships = write(&self.memberships);
            remove_membership(&mut memberships, runuser.user, (pk, runuser.id));
        }
        let mut places = write(&self.places);
        for key in gone {
            places.remove(key);
            self.timers.remove(*key);
        }
    }

    /// Keeps track of where an object lies, also while its run rests.
    fn note_place(&self, pk: RunPk, change: &Change) {
        let record = &change.object.record;
        let key = (record.resource(), record.pk());
        if change.action == Action::Deleted {
            self.forget_places(pk, &[key], change);
            return;
        }
        write(&self.places).insert(key, pk);
        if let Record::RunUser(runuser) = record {
            let mut memberships = write(&self.memberships);
            memberships.entry(runuser.user).or_default().insert((pk, runuser.id));
        }
    }

    /// A user's names and address are copied into every membership.
    fn apply_to_user(&self, user: &User, change: &Change, effects: &mut Effects) {
        if change.action != Action::Changed {
            return;
        }
        let memberships = read(&self.memberships).get(&user.id).cloned().unwrap_or_default();
        for (run, member) in memberships {
            self.change_member(run, member, change.seq, effects, |runuser| {
                runuser.email.clone_from(&user.email);
                runuser.first_name.clone_from(&user.first_name);
                runuser.last_name.clone_from(&user.last_name);
            });
        }
    }

    /// A role's name is copied into every membership that has it.
    fn rename_role(&self, role: &Role, change: &Change, effects: &mut Effects) {
        for run in self.loaded() {
            let pk = read(&run.tree).run().pk();
            let members: Vec<_> = read(&run.tree)
                .runusers()
                .filter(|node| {
                    node.entry.role == Some(role.id)
                        && node.entry.role_name.as_deref() != Some(&role.name)
                })
                .map(|node| node.entry.pk())
                .collect();
            for member in members {
                self.change_member(pk, member, change.seq, effects, |runuser| {
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
        effects: &mut Effects,
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
        self.announce(&run, Action::Changed, &stored, effects);
    }

    fn announce(&self, run: &LoadedRun, action: Action, stored: &Stored, effects: &mut Effects) {
        let (root, out) = (&self.root, &mut effects.events);
        Announcer { root, tree: &read(&run.tree), out }.change(action, stored);
    }

    /// Announces that a run was activated, once it is loaded.
    pub(crate) fn announce_activation(&self, pk: RunPk, effects: &mut Effects) {
        let Some(run) = self.run(pk) else { return };
        let stored = read(&run.tree).run().stored().clone();
        self.announce(&run, Action::Changed, &stored, effects);
        for what in [What::Activated, What::Started(None)] {
            effects.occasions.push(Occasion { run: run.clone(), what });
        }
    }
}
