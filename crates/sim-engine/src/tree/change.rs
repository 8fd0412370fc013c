//! How the journal changes a run's tree.

use std::sync::Arc;

use sim_games_types::{Object, Pk, Record, Resource, Stored};

use super::{Entry, PeriodNode, RunTree, RunUserNode, ScenarioNode, WorldNode};

impl RunTree {
    /// Stores an object, new or changed, below its parent.
    ///
    /// An object whose parent is not here is left out, with all below it: a tree never holds what
    /// it cannot reach.
    pub(crate) fn put(&mut self, stored: &Arc<Stored>) {
        match &stored.record {
            Record::Run(_) => {
                if let Some(entry) = Entry::new(stored) {
                    self.run = entry;
                }
            }
            Record::World(_) => self.put_world(stored),
            Record::RunUser(_) => self.put_runuser(stored),
            Record::Scenario(_) => self.put_scenario(stored),
            Record::Period(_) => self.put_period(stored),
            Record::Decision(object) => {
                let Some(entry) = Entry::new(stored) else { return };
                self.detach_decision(object.id.0);
                let Some(period) = self.periods.get_mut(&object.period) else { return };
                period.decisions.insert(object.id);
                self.decisions.insert(object.id, entry);
            }
            Record::Result(object) => {
                let Some(entry) = Entry::new(stored) else { return };
                self.detach_result(object.id.0);
                let Some(period) = self.periods.get_mut(&object.period) else { return };
                period.results.insert(object.id);
                self.results.insert(object.id, entry);
            }
            Record::Game(_)
            | Record::Phase(_)
            | Record::Role(_)
            | Record::User(_)
            | Record::Hook(_) => {}
        }
    }

    fn put_world(&mut self, stored: &Arc<Stored>) {
        let Some(entry) = Entry::<sim_games_types::World>::new(stored) else { return };
        let pk = entry.pk();
        match self.worlds.get_mut(&pk) {
            Some(node) => node.entry = entry,
            None => {
                // Members may have been stored before their world when deliveries were reordered.
                let members = self
                    .runusers
                    .values()
                    .filter(|node| node.entry.world == Some(pk))
                    .map(|node| node.entry.pk())
                    .collect();
                let node = WorldNode {
                    entry,
                    lane: Arc::default(),
                    members,
                    scenarios: std::collections::BTreeSet::new(),
                };
                self.worlds.insert(pk, node);
            }
        }
    }

    fn put_runuser(&mut self, stored: &Arc<Stored>) {
        let Some(entry) = Entry::<sim_games_types::RunUser>::new(stored) else { return };
        let pk = entry.pk();
        let old = self.runusers.remove(&pk);
        if let Some(old) = &old {
            self.unlink_runuser(&old.entry);
        }
        if let Some(world) = entry.world.and_then(|world| self.worlds.get_mut(&world)) {
            world.members.insert(pk);
        }
        if entry.leader {
            self.leaders.insert(pk);
        }
        self.by_user.insert(entry.user, pk);
        let authid = entry.user.to_string().into();
        let (lane, scenarios) = old.map(|old| (old.lane, old.scenarios)).unwrap_or_default();
        self.runusers.insert(pk, RunUserNode { entry, lane, authid, scenarios });
    }

    fn unlink_runuser(&mut self, runuser: &sim_games_types::RunUser) {
        if let Some(world) = runuser.world.and_then(|world| self.worlds.get_mut(&world)) {
            world.members.remove(&runuser.id);
        }
        self.leaders.remove(&runuser.id);
        if self.by_user.get(&runuser.user) == Some(&runuser.id) {
            self.by_user.remove(&runuser.user);
        }
    }

    fn put_scenario(&mut self, stored: &Arc<Stored>) {
        let Some(entry) = Entry::<sim_games_types::Scenario>::new(stored) else { return };
        let pk = entry.pk();
        let has_parent = match (entry.world, entry.runuser) {
            (Some(world), _) => self.worlds.contains_key(&world),
            (None, Some(owner)) => self.runusers.contains_key(&owner),
            (None, None) => false,
        };
        if !has_parent {
            self.remove(Resource::Scenario, pk.number());
            return;
        }
        let old = self.scenarios.remove(&pk);
        if let Some(old) = &old {
            self.unlink_scenario(&old.entry);
        }
        let siblings = match (entry.world, entry.runuser) {
            (Some(world), _) => self.worlds.get_mut(&world).map(|node| &mut node.scenarios),
            (None, Some(owner)) => self.runusers.get_mut(&owner).map(|node| &mut node.scenarios),
            (None, None) => None,
        };
        let Some(siblings) = siblings else { return };
        siblings.insert(pk);
        let periods = old.map(|old| old.periods).unwrap_or_default();
        self.scenarios.insert(pk, ScenarioNode { entry, periods });
    }

    fn unlink_scenario(&mut self, scenario: &sim_games_types::Scenario) {
        if let Some(node) = scenario.world.and_then(|world| self.worlds.get_mut(&world)) {
            node.scenarios.remove(&scenario.id);
        }
        if let Some(node) = scenario.runuser.and_then(|owner| self.runusers.get_mut(&owner)) {
            node.scenarios.remove(&scenario.id);
        }
    }

    fn put_period(&mut self, stored: &Arc<Stored>) {
        let Some(entry) = Entry::<sim_games_types::Period>::new(stored) else { return };
        let pk = entry.pk();
        if !self.scenarios.contains_key(&entry.scenario) {
            self.remove(Resource::Period, pk.number());
            return;
        }
        let old = self.periods.remove(&pk);
        if let Some(old) = &old {
            self.unlink_period(&old.entry);
        }
        let Some(scenario) = self.scenarios.get_mut(&entry.scenario) else { return };
        scenario.periods.insert((entry.order, pk));
        let (decisions, results) = old.map(|old| (old.decisions, old.results)).unwrap_or_default();
        self.periods.insert(pk, PeriodNode { entry, decisions, results });
    }

    fn unlink_period(&mut self, period: &sim_games_types::Period) {
        if let Some(scenario) = self.scenarios.get_mut(&period.scenario) {
            scenario.periods.remove(&(period.order, period.id));
        }
    }

    fn detach_decision(&mut self, pk: i64) {
        if let Some(old) = self.decisions.remove(&pk.into())
            && let Some(period) = self.periods.get_mut(&old.period)
        {
            period.decisions.remove(&old.pk());
        }
    }

    fn detach_result(&mut self, pk: i64) {
        if let Some(old) = self.results.remove(&pk.into())
            && let Some(period) = self.periods.get_mut(&old.period)
        {
            period.results.remove(&old.pk());
        }
    }

    /// Forgets an object with all below it, and tells which objects went.
    ///
    /// The children usually went before; those whose own events come late are gone by then.
    pub(crate) fn remove(&mut self, resource: Resource, pk: i64) -> Vec<(Resource, i64)> {
        let mut gone = Vec::new();
        self.remove_into(resource, pk, &mut gone);
        gone
    }

    fn remove_into(&mut self, resource: Resource, pk: i64, gone: &mut Vec<(Resource, i64)>) {
        if self.find(resource, pk).is_none() {
            return;
        }
        for (resource, pk) in self.children(resource, pk) {
            self.remove_into(resource, pk, gone);
        }
        gone.push((resource, pk));
        match resource {
            Resource::World => {
                self.worlds.remove(&pk.into());
            }
            Resource::RunUser => {
                if let Some(node) = self.runusers.remove(&pk.into()) {
                    self.unlink_runuser(&node.entry);
                }
            }
            Resource::Scenario => {
                if let Some(node) = self.scenarios.remove(&pk.into()) {
                    self.unlink_scenario(&node.entry);
                }
            }
            Resource::Period => {
                if let Some(node) = self.periods.remove(&pk.into()) {
                    self.unlink_period(&node.entry);
                }
            }
            Resource::Decision => self.detach_decision(pk),
            Resource::Result => self.detach_result(pk),
            Resource::Run
            | Resource::Game
            | Resource::Phase
            | Resource::Role
            | Resource::User
            | Resource::Hook => {}
        }
    }

    /// The objects directly below one, in the order in which they are shown.
    pub(super) fn children(&self, resource: Resource, pk: i64) -> Vec<(Resource, i64)> {
        fn keys<'a, P: Pk>(
            resource: Resource,
            keys: impl IntoIterator<Item = &'a P>,
        ) -> impl Iterator<Item = (Resource, i64)> {
            keys.into_iter().map(move |pk| (resource, pk.number()))
        }
        match resource {
            Resource::Run => keys(Resource::RunUser, self.runusers.keys())
                .chain(keys(Resource::World, self.worlds.keys()))
                .collect(),
            Resource::World => self
                .worlds
                .get(&pk.into())
                .map(|node| keys(Resource::Scenario, &node.scenarios).collect())
                .unwrap_or_default(),
            Resource::RunUser => self
                .runusers
                .get(&pk.into())
                .map(|node| keys(Resource::Scenario, &node.scenarios).collect())
                .unwrap_or_default(),
            Resource::Scenario => self
                .periods(pk.into())
                .map(|period| (Resource::Period, period.pk().number()))
                .collect(),
            Resource::Period => self
                .periods
                .get(&pk.into())
                .map(|node| {
                    keys(Resource::Decision, &node.decisions)
                        .chain(keys(Resource::Result, &node.results))
                        .collect()
                })
                .unwrap_or_default(),
            Resource::Game
            | Resource::Phase
            | Resource::Role
            | Resource::Decision
            | Resource::Result
            | Resource::User
            | Resource::Hook => Vec::new(),
        }
    }
}
