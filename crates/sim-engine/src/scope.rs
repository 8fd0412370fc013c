//! What a handler holds: its scope, its caller, and the phase.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sim_games_types::{
    Decision, Fields, Object, Period, Phase, Pk, Resource, Result as Outcome, Role, RolePk, Run,
    RunUser, RunUserPk, Scenario, Stored, UserPk, World, WorldPk,
};

use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::stage::Slot;
use crate::sync::{lock, read};
use crate::tree::Entry;

/// An object of a run on which procedures can be called.
///
/// The kinds are the resources themselves: `Scope<Period>`, `Period::handlers()`.
pub trait Kind: Object {
    /// An empty set of handlers for scopes of this kind.
    #[must_use]
    fn handlers() -> crate::Handlers<Self> {
        crate::Handlers::new()
    }
}

impl Kind for Run {}
impl Kind for World {}
impl Kind for RunUser {}
impl Kind for Scenario {}
impl Kind for Period {}
impl Kind for Decision {}
impl Kind for Outcome {}

/// A scope: a snapshot of the object, and the way to what belongs to it.
///
/// Reads come from the tree in memory, together with what this call has staged. Writes are staged;
/// all of them are stored when the handler returns `Ok`, and none otherwise.
#[derive(Debug)]
pub struct Scope<K> {
    call: Arc<CallData>,
    object: Entry<K>,
}

impl<K> Clone for Scope<K> {
    fn clone(&self) -> Self {
        Self { call: self.call.clone(), object: self.object.clone() }
    }
}

impl<K: Object> Deref for Scope<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

impl<K: Kind> Scope<K> {
    pub(crate) fn of(call: &Arc<CallData>) -> CallResult<Self> {
        Self::around(call, &call.scope)
    }

    fn around(call: &Arc<CallData>, stored: &Arc<Stored>) -> CallResult<Self> {
        let object = Entry::new(stored).ok_or_else(CallError::forbidden)?;
        lock(&call.stage).rely_on(stored);
        Ok(Self { call: call.clone(), object })
    }

    /// Discards what the call has staged so far: its answer then stands alone.
    pub fn discard(&self) {
        lock(&self.call.stage).discard();
    }

    /// The run in which the scope lies.
    ///
    /// # Errors
    /// Never, as long as the run is loaded.
    pub fn run(&self) -> CallResult<Scope<Run>> {
        let run = read(&self.call.run.tree).run().stored().clone();
        Scope::around(&self.call, &run)
    }
}

impl Scope<Run> {
    /// The phase in which the run is, if any.
    #[must_use]
    pub fn current_phase(&self) -> Option<Phase> {
        phase_of(&self.call, &self.object)
    }
}

impl Scope<Scenario> {
    /// The scenario's periods, first round first.
    ///
    /// # Errors
    /// Never, as long as the run is loaded.
    pub fn periods(&self) -> CallResult<Vec<Scope<Period>>> {
        let periods: Vec<_> =
            read(&self.call.run.tree).periods(self.pk()).map(|it| it.stored().clone()).collect();
        periods.iter().map(|stored| Scope::around(&self.call, stored)).collect()
    }
}

impl Scope<Period> {
    /// The scenario of which this is a round.
    ///
    /// # Errors
    /// When the scenario has gone meanwhile.
    pub fn scenario(&self) -> CallResult<Scope<Scenario>> {
        let tree = read(&self.call.run.tree);
        let scenario = tree.scenario(self.scenario).map(|it| it.stored().clone());
        drop(tree);
        Scope::around(&self.call, &scenario.ok_or_else(CallError::forbidden)?)
    }

    /// Whether the leader has closed the round: `closed` in the period's data.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.data.get("closed") == Some(&Value::Bool(true))
    }

    /// What a role decided under a name, if it did, and if the data is a `T`.
    pub fn decision<T: DeserializeOwned>(&self, role: &str, name: &str) -> Option<T> {
        let role = read(&self.call.model.game).role_named(role)?.pk();
        self.slot_data::<Decision>(Some(role), name).and_then(read_as)
    }

    /// Stages a role's decision. Fields that the stored decision has and `data` lacks survive.
    ///
    /// # Errors
    /// When `data` is no JSON object.
    pub fn save_decision(&self, role: &Role, name: &str, data: impl Serialize) -> CallResult<()> {
        let (Value::Object(new), old) =
            (serde_json::to_value(data)?, self.slot_data::<Decision>(Some(role.id), name))
        else {
            return Err(CallError::internal("a decision's data must be a JSON object"));
        };
        let mut merged = match old {
            Some(Value::Object(old)) => old,
            _ => Fields::new(),
        };
        merged.extend(new);
        let slot = self.slot::<Decision>(Some(role.id), name);
        lock(&self.call.stage).put(slot, Value::Object(merged));
        Ok(())
    }

    /// The result under a name, if there is one, and if its data is a `T`.
    pub fn result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.slot_data::<Outcome>(None, name).and_then(read_as)
    }

    /// Stages the period's result, in place of an earlier one.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn save_result(&self, name: &str, data: impl Serialize) -> CallResult<()> {
        let slot = self.slot::<Outcome>(None, name);
        lock(&self.call.stage).put(slot, serde_json::to_value(data)?);
        Ok(())
    }

    /// Stages the next round: the scenario has a period of the next order afterwards.
    pub fn open_next(&self) {
        let next = self.order + 1;
        if read(&self.call.run.tree).has_period(self.scenario, next) {
            return;
        }
        let key = Fields::from_iter([
            ("scenario".to_owned(), json!(self.object.scenario)),
            ("order".to_owned(), json!(next)),
        ]);
        lock(&self.call.stage).ensure(Resource::Period, key, Fields::new());
    }

    fn slot<T: Object>(&self, role: Option<RolePk>, name: &str) -> Slot {
        Slot { resource: T::RESOURCE, period: self.pk(), role, name: name.to_owned() }
    }

    /// The data of a decision or result: as staged, or as stored; the call relies on it from now on.
    fn slot_data<T: Leaf>(&self, role: Option<RolePk>, name: &str) -> Option<Value> {
        let mut stage = lock(&self.call.stage);
        if let Some(staged) = stage.staged(&self.slot::<T>(role, name)) {
            return Some(staged.clone());
        }
        let tree = read(&self.call.run.tree);
        let children = T::of_period(&tree, self.pk());
        let keys = children.iter().map(|child| child.pk().number()).collect();
        stage.rely_on_children(T::RESOURCE, self.pk(), keys);
        // The first of several counts: an original database may hold doubles.
        let found = children.iter().find(|child| child.slot() == (role, name))?;
        stage.rely_on(found.stored());
        Some(found.data().clone())
    }
}

fn read_as<T: DeserializeOwned>(data: Value) -> Option<T> {
    serde_json::from_value(data).ok()
}

/// Decisions and results, which differ in little more than their names.
trait Leaf: Object {
    fn of_period(
        tree: &crate::tree::RunTree,
        period: sim_games_types::PeriodPk,
    ) -> Vec<Entry<Self>>;
    fn slot(&self) -> (Option<RolePk>, &str);
    fn data(&self) -> &Value;
}

macro_rules! leaves {
    ($($kind:ident, $children:ident);+) => {$(
        impl Leaf for $kind {
            fn of_period(
                tree: &crate::tree::RunTree,
                period: sim_games_types::PeriodPk,
            ) -> Vec<Entry<Self>> {
                tree.$children(period).cloned().collect()
            }

            fn slot(&self) -> (Option<RolePk>, &str) {
                (self.role, &self.name)
            }

            fn data(&self) -> &Value {
                &self.data
            }
        }
    )+};
}

leaves! { Decision, decisions; Outcome, results }

/// Who calls: a member of the run.
#[derive(Clone, Debug)]
pub struct Caller {
    member: Entry<RunUser>,
    role: Option<Role>,
}

impl Caller {
    pub(crate) fn of(call: &CallData) -> Self {
        let game = read(&call.model.game);
        let role = call.member.role.and_then(|pk| game.roles.get(&pk)).map(|role| (**role).clone());
        Self { member: call.member.clone(), role }
    }

    /// The membership's key.
    #[must_use]
    pub fn runuser(&self) -> RunUserPk {
        self.member.pk()
    }

    /// The user's key.
    #[must_use]
    pub fn user(&self) -> UserPk {
        self.member.user
    }

    /// The user's e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.member.email
    }

    /// The world in which the caller plays, if any.
    #[must_use]
    pub fn world(&self) -> Option<WorldPk> {
        self.member.world
    }

    /// Whether the caller leads the run.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.member.leader
    }

    /// The role that the caller plays.
    ///
    /// # Errors
    /// *Forbidden* when the caller plays none.
    pub fn role(&self) -> CallResult<&Role> {
        self.role.as_ref().ok_or_else(CallError::forbidden)
    }
}

/// The phase in which the caller's run is; none when the run has no phase.
#[derive(Clone, Debug)]
pub struct CurrentPhase(pub Option<Phase>);

impl CurrentPhase {
    pub(crate) fn of(call: &CallData) -> Self {
        Self(phase_of(call, &call.rely_on_run()))
    }

    /// Whether the run is in the phase of this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|phase| phase.name == name)
    }
}

fn phase_of(call: &CallData, run: &Run) -> Option<Phase> {
    let game = read(&call.model.game);
    run.phase.and_then(|pk| game.phases.get(&pk)).map(|phase| (**phase).clone())
}

/// Marks a type parameter without owning a value of it.
pub(crate) type Marker<K> = PhantomData<fn() -> K>;
