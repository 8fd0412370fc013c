//! What a call sees: the tree, with what the call has staged laid over it.
//!
//! Whatever is looked at becomes a precondition of the call's unit of work.

use std::sync::Arc;

use sim_games_types::{Pk, Record, Resource, ScenarioPk, Stored};

use crate::call::CallData;
use crate::model::LoadedRun;
use crate::stage::Key;
use crate::sync::{lock, read};

type InRun<'a> = Option<&'a Arc<LoadedRun>>;

impl CallData {
    /// An object, unless it does not exist or the call has deleted it.
    pub(crate) fn find(&self, run: InRun<'_>, key: Key) -> Option<Arc<Stored>> {
        let mut stage = lock(&self.stage);
        if let Some(staged) = stage.row(key) {
            return staged.clone();
        }
        let found = self.stored(run, key)?;
        stage.rely_on(&found);
        Some(found)
    }

    fn stored(&self, run: InRun<'_>, (resource, pk): Key) -> Option<Arc<Stored>> {
        if let Some(run) = run {
            return read(&run.tree).find(resource, pk).cloned();
        }
        let game = read(&self.model.game);
        match resource {
            Resource::Game => game.game.as_ref().map(|it| it.stored().clone()),
            Resource::Phase => game.phases.get(&pk.into()).map(|it| it.stored().clone()),
            Resource::Role => game.roles.get(&pk.into()).map(|it| it.stored().clone()),
            _ => None,
        }
    }

    /// The objects of a kind below a parent, in the order in which they are shown. The call relies
    /// on all of them, and on there being no others.
    pub(crate) fn children(
        &self,
        run: InRun<'_>,
        parent: Key,
        kind: Resource,
        field: &str,
    ) -> Vec<Arc<Stored>> {
        self.rely_on_set(run, parent, kind, field);
        let children = self.siblings(run, parent, kind);
        let mut stage = lock(&self.stage);
        children.iter().for_each(|child| stage.rely_on(child));
        drop(stage);
        children
    }

    /// Notes that the call relies on a parent having just the children of a kind that it has.
    pub(crate) fn rely_on_set(&self, run: InRun<'_>, parent: Key, kind: Resource, field: &str) {
        // The runs of a game come and go without it: what a call reads of them it relies on singly.
        if run.is_some() {
            let stored = self.stored_children(run, parent, kind);
            let keys = stored.iter().map(|child| child.record.pk()).collect();
            lock(&self.stage).rely_on_children(kind, field, parent.1, keys);
        }
    }

    /// The same objects for a call that looks for one of them, and relies on what it finds.
    pub(crate) fn siblings(&self, run: InRun<'_>, parent: Key, kind: Resource) -> Vec<Arc<Stored>> {
        let stored = self.stored_children(run, parent, kind);
        let stage = lock(&self.stage);
        let untouched = stored.into_iter().filter(|it| stage.row((kind, it.record.pk())).is_none());
        let staged = stage.written(kind).filter(|row| is_below(&row.record, parent)).cloned();
        let mut children: Vec<_> = untouched.chain(staged).collect();
        children.sort_by_key(|child| place_among_siblings(&child.record));
        children
    }

    /// The period of this order in a scenario, without a look at the others.
    pub(crate) fn period_at(
        &self,
        run: &LoadedRun,
        scenario: ScenarioPk,
        order: i64,
    ) -> Option<Arc<Stored>> {
        let is_it = |row: &&Arc<Stored>| match &row.record {
            Record::Period(period) => (period.scenario, period.order) == (scenario, order),
            _ => false,
        };
        let mut stage = lock(&self.stage);
        if let Some(staged) = stage.written(Resource::Period).find(is_it) {
            return Some(staged.clone());
        }
        let found = read(&run.tree).period_at(scenario, order)?.stored().clone();
        // What the call has touched is not as the tree has it.
        if stage.row((Resource::Period, found.record.pk())).is_some() {
            return None;
        }
        stage.rely_on(&found);
        Some(found)
    }

    fn stored_children(&self, run: InRun<'_>, parent: Key, kind: Resource) -> Vec<Arc<Stored>> {
        if let Some(run) = run {
            let tree = read(&run.tree);
            let keys = tree.keys_below(parent, kind);
            return keys.into_iter().filter_map(|pk| tree.find(kind, pk).cloned()).collect();
        }
        let game = read(&self.model.game);
        match kind {
            Resource::Phase => game.phases.values().map(|it| it.stored().clone()).collect(),
            Resource::Role => game.roles.values().map(|it| it.stored().clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// The scope of a kind in which an object lies.
    pub(crate) fn above(
        &self,
        run: InRun<'_>,
        object: &Record,
        kind: Resource,
    ) -> Option<Arc<Stored>> {
        let mut key = parent(object, kind)?;
        loop {
            let outside = matches!(key.0, Resource::Game);
            let found = self.find(run.filter(|_| !outside), key)?;
            if key.0 == kind {
                return Some(found);
            }
            key = parent(&found.record, kind)?;
        }
    }

    /// All that lies below an object, children before parents, as the call sees it.
    pub(crate) fn below(&self, run: InRun<'_>, key: Key) -> Vec<Key> {
        let kinds: &[(Resource, &str)] = match key.0 {
            Resource::Game => &[],
            Resource::Run => &[(Resource::RunUser, "run"), (Resource::World, "run")],
            Resource::World => &[(Resource::Scenario, "world")],
            Resource::RunUser => &[(Resource::Scenario, "runuser")],
            Resource::Scenario => &[(Resource::Period, "scenario")],
            Resource::Period => &[(Resource::Decision, "period"), (Resource::Result, "period")],
            _ => &[],
        };
        let mut all = Vec::new();
        for (kind, field) in kinds {
            for child in self.children(run, key, *kind, field) {
                let child = (*kind, child.record.pk());
                all.extend(self.below(run, child));
                all.push(child);
            }
        }
        all
    }
}

/// The next scope on the way from an object up to one of a kind: members lie in the run, and those
/// who play in a world in that as well.
fn parent(object: &Record, kind: Resource) -> Option<Key> {
    match (object, kind) {
        // What is private of a member lies in no world.
        (Record::Scenario(scenario), Resource::World) if scenario.world.is_none() => None,
        (Record::RunUser(member), Resource::World) => {
            member.world.map(|world| (Resource::World, world.number()))
        }
        _ => object.parent(),
    }
}

fn is_below(object: &Record, above: Key) -> bool {
    parent(object, above.0) == Some(above)
}

/// Rounds by their order, everything by its key; what is not stored yet comes last.
fn place_among_siblings(object: &Record) -> (i64, bool, i64) {
    let order = match object {
        Record::Period(period) => period.order,
        Record::Phase(phase) => phase.order.unwrap_or(i64::MAX),
        _ => 0,
    };
    let pk = object.pk();
    (order, pk < 0, pk.abs())
}
