//! A run in memory: everything below it, indexed for the ways in which calls and events walk.
//!
//! The tree is the read model. It is changed by the journal alone ([`RunTree::put`] and
//! [`RunTree::remove`]) and never re-read from the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use sim_games_types::{
    Decision, DecisionPk, Object, Period, PeriodPk, Pk, Resource, Result as Outcome, ResultPk, Run,
    RunUser, RunUserPk, Scenario, ScenarioPk, Stored, UserPk, World, WorldPk,
};

mod change;
mod view;

pub(crate) use view::{scope_json, with_presence};

/// Calls that hold the same lane are handled one after the other.
pub(crate) type Lane = Arc<tokio::sync::Mutex<()>>;

/// A stored object whose resource is known.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    stored: Arc<Stored>,
    kind: PhantomData<fn() -> T>,
}

impl<T: Object> Entry<T> {
    /// The object as a `T`, if it is one.
    pub(crate) fn new(stored: &Arc<Stored>) -> Option<Self> {
        T::from_record(&stored.record)?;
        Some(Self { stored: stored.clone(), kind: PhantomData })
    }

    pub(crate) fn stored(&self) -> &Arc<Stored> {
        &self.stored
    }
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { stored: self.stored.clone(), kind: PhantomData }
    }
}

impl<T: Object> Deref for Entry<T> {
    type Target = T;

    fn deref(&self) -> &T {
        T::from_record(&self.stored.record).expect("an entry is made of its own resource only")
    }
}

/// Whose an object is: who may see it follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owner {
    /// The run itself: all its members.
    Run,
    /// A world, or something played in it.
    World(WorldPk),
    /// A member, as the others of the world see them.
    Member(RunUserPk),
    /// Something private of a member.
    Private(RunUserPk),
}

#[derive(Debug)]
pub(crate) struct WorldNode {
    pub(crate) entry: Entry<World>,
    pub(crate) lane: Lane,
    pub(crate) members: BTreeSet<RunUserPk>,
    scenarios: BTreeSet<ScenarioPk>,
}

#[derive(Debug)]
pub(crate) struct RunUserNode {
    pub(crate) entry: Entry<RunUser>,
    pub(crate) lane: Lane,
    /// The user's id as the session has it.
    pub(crate) authid: Arc<str>,
    scenarios: BTreeSet<ScenarioPk>,
}

#[derive(Debug)]
struct ScenarioNode {
    entry: Entry<Scenario>,
    /// By order, then key: the stock pages take the first.
    periods: BTreeSet<(i64, PeriodPk)>,
}

#[derive(Debug)]
struct PeriodNode {
    entry: Entry<Period>,
    decisions: BTreeSet<DecisionPk>,
    results: BTreeSet<ResultPk>,
}

/// A run and everything below it.
#[derive(Debug)]
pub(crate) struct RunTree {
    run: Entry<Run>,
    worlds: BTreeMap<WorldPk, WorldNode>,
    runusers: BTreeMap<RunUserPk, RunUserNode>,
    scenarios: HashMap<ScenarioPk, ScenarioNode>,
    periods: HashMap<PeriodPk, PeriodNode>,
    decisions: HashMap<DecisionPk, Entry<Decision>>,
    results: HashMap<ResultPk, Entry<Outcome>>,
    by_user: HashMap<UserPk, RunUserPk>,
    leaders: BTreeSet<RunUserPk>,
}

impl RunTree {
    /// A run with nothing below it yet.
    pub(crate) fn new(run: Entry<Run>) -> Self {
        Self {
            run,
            worlds: BTreeMap::new(),
            runusers: BTreeMap::new(),
            scenarios: HashMap::new(),
            periods: HashMap::new(),
            decisions: HashMap::new(),
            results: HashMap::new(),
            by_user: HashMap::new(),
            leaders: BTreeSet::new(),
        }
    }

    pub(crate) fn run(&self) -> &Entry<Run> {
        &self.run
    }

    pub(crate) fn world(&self, pk: WorldPk) -> Option<&WorldNode> {
        self.worlds.get(&pk)
    }

    pub(crate) fn worlds(&self) -> impl Iterator<Item = &WorldNode> {
        self.worlds.values()
    }

    pub(crate) fn runuser(&self, pk: RunUserPk) -> Option<&RunUserNode> {
        self.runusers.get(&pk)
    }

    pub(crate) fn runusers(&self) -> impl Iterator<Item = &RunUserNode> {
        self.runusers.values()
    }

    /// The members who lead the run.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = &RunUserNode> {
        self.leaders.iter().filter_map(|pk| self.runusers.get(pk))
    }

    /// The membership of a user.
    pub(crate) fn member(&self, user: UserPk) -> Option<&RunUserNode> {
        self.runusers.get(self.by_user.get(&user)?)
    }

    pub(crate) fn scenario(&self, pk: ScenarioPk) -> Option<&Entry<Scenario>> {
        self.scenarios.get(&pk).map(|node| &node.entry)
    }

    pub(crate) fn period(&self, pk: PeriodPk) -> Option<&Entry<Period>> {
        self.periods.get(&pk).map(|node| &node.entry)
    }

    /// A scenario's periods, first round first.
    pub(crate) fn periods(&self, scenario: ScenarioPk) -> impl Iterator<Item = &Entry<Period>> {
        let keys = self.scenarios.get(&scenario).into_iter().flat_map(|node| &node.periods);
        keys.filter_map(|(_, pk)| self.period(*pk))
    }

    /// A scenario's period of this order.
    pub(crate) fn period_at(&self, scenario: ScenarioPk, order: i64) -> Option<&Entry<Period>> {
        let all = (order, PeriodPk(i64::MIN))..=(order, PeriodPk(i64::MAX));
        let (_, pk) = self.scenarios.get(&scenario)?.periods.range(all).next()?;
        self.period(*pk)
    }

    /// An object of this run by resource and key.
    pub(crate) fn find(&self, resource: Resource, pk: i64) -> Option<&Arc<Stored>> {
        match resource {
            Resource::Run => (self.run.pk().number() == pk).then(|| self.run.stored()),
            Resource::World => self.worlds.get(&pk.into()).map(|node| node.entry.stored()),
            Resource::RunUser => self.runusers.get(&pk.into()).map(|node| node.entry.stored()),
            Resource::Scenario => self.scenarios.get(&pk.into()).map(|node| node.entry.stored()),
            Resource::Period => self.periods.get(&pk.into()).map(|node| node.entry.stored()),
            Resource::Decision => self.decisions.get(&pk.into()).map(Entry::stored),
            Resource::Result => self.results.get(&pk.into()).map(Entry::stored),
            Resource::Game | Resource::Phase | Resource::Role | Resource::User | Resource::Hook => {
                None
            }
        }
    }

    /// The keys of the run and all below it, parents before children.
    pub(crate) fn all_keys(&self) -> Vec<(Resource, i64)> {
        let mut keys = vec![(Resource::Run, self.run.pk().number())];
        let mut next = 0;
        while let Some((resource, pk)) = keys.get(next).copied() {
            keys.extend(self.children(resource, pk));
            next += 1;
        }
        keys
    }

    /// Whose an object of this run is.
    pub(crate) fn owner(&self, resource: Resource, pk: i64) -> Option<Owner> {
        match resource {
            Resource::Run => (self.run.pk().number() == pk).then_some(Owner::Run),
            Resource::World => {
                self.worlds.contains_key(&pk.into()).then(|| Owner::World(pk.into()))
            }
            Resource::RunUser => {
                self.runusers.contains_key(&pk.into()).then(|| Owner::Member(pk.into()))
            }
            Resource::Scenario => scenario_owner(self.scenario(pk.into())?),
            Resource::Period => self.owner(Resource::Scenario, self.period(pk.into())?.scenario.0),
            Resource::Decision => {
                self.owner(Resource::Period, self.decisions.get(&pk.into())?.period.0)
            }
            Resource::Result => {
                self.owner(Resource::Period, self.results.get(&pk.into())?.period.0)
            }
            Resource::Game | Resource::Phase | Resource::Role | Resource::User | Resource::Hook => {
                None
            }
        }
    }

    /// Whether what belongs to an owner is safe from others during a call in a lane.
    pub(crate) fn reaches(&self, lane: Owner, owner: Owner) -> bool {
        match (lane, owner) {
            (Owner::Run, _) => true,
            (Owner::World(lane), Owner::World(world)) => lane == world,
            (Owner::World(lane), Owner::Member(member) | Owner::Private(member)) => {
                self.runuser(member).is_some_and(|node| node.entry.world == Some(lane))
            }
            (
                Owner::Member(lane) | Owner::Private(lane),
                Owner::Member(member) | Owner::Private(member),
            ) => lane == member,
            _ => false,
        }
    }

    /// The keys of a kind directly below a parent; a world has its members below it as well.
    pub(crate) fn keys_below(&self, (resource, pk): (Resource, i64), kind: Resource) -> Vec<i64> {
        if let (Resource::World, Resource::RunUser) = (resource, kind) {
            let members = self.world(pk.into()).into_iter().flat_map(|node| &node.members);
            return members.map(|member| member.number()).collect();
        }
        let children = self.children(resource, pk).into_iter();
        children.filter(|(child, _)| *child == kind).map(|(_, child)| child).collect()
    }

    /// The lane in which calls on an owner's objects queue; none for the run, which excludes all.
    pub(crate) fn lane(&self, owner: Owner) -> Option<Lane> {
        match owner {
            Owner::Run => None,
            Owner::World(pk) => self.world(pk).map(|node| node.lane.clone()),
            Owner::Member(pk) | Owner::Private(pk) => {
                self.runuser(pk).map(|node| node.lane.clone())
            }
        }
    }
}

fn scenario_owner(scenario: &Scenario) -> Option<Owner> {
    match (scenario.world, scenario.runuser) {
        (Some(world), _) => Some(Owner::World(world)),
        (None, Some(runuser)) => Some(Owner::Private(runuser)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
