//! What can be done with a scenario and its rounds.

use serde_json::json;
use sim_games_types::{Object, Operation, Period, Pk, Resource, Scenario};

use super::{ChildOf, Kind, Scope};
use crate::error::{CallError, CallResult};
use crate::stage::Making;
use crate::sync::lock;

impl Scope<Scenario> {
    /// The round that is played: the one with the highest order.
    ///
    /// # Errors
    /// *Not found* when the scenario has no round.
    pub fn current_period(&self) -> CallResult<Scope<Period>> {
        let last = self.orders().into_iter().max();
        let last = last.map(|order| self.find_child(|it: &Period| it.order == order));
        let last = last.transpose()?.flatten();
        last.ok_or_else(|| CallError::not_found("the scenario has no round yet"))
    }

    /// The round of this order; staged when there is none.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn ensure_period(&self, order: i64) -> CallResult<Scope<Period>> {
        // A scenario may have very many rounds: this one is looked up, not looked for.
        let run = self.run.as_ref().ok_or_else(CallError::forbidden)?;
        match self.call.period_at(run, self.pk(), order) {
            Some(found) => Scope::around(&self.call, self.run.clone(), &found),
            None => {
                let fields = [("order".to_owned(), json!(order))].into_iter().collect();
                self.make(Making::Ensure, fields)
            }
        }
    }

    /// The orders of the rounds, on which the call does not rely.
    fn orders(&self) -> Vec<i64> {
        let periods = self.call.siblings(self.run.as_ref(), self.key(), Resource::Period);
        let periods = periods.iter().filter_map(|row| Period::from_record(&row.record));
        periods.map(|period| period.order).collect()
    }

    /// Stages that the scenario goes back to the round of this order, which stays, without its
    /// decisions and results.
    ///
    /// # Errors
    /// *Not found* when there is no such round; *internal* when the call may not write here.
    pub fn rewind_to(&self, order: i64) -> CallResult<Scope<Period>> {
        self.call.may_write(self.run.as_ref(), self.key())?;
        let (stay, go): (Vec<_>, Vec<_>) =
            self.periods()?.into_iter().partition(|period| period.order <= order);
        let last = stay.last().filter(|period| period.order == order).cloned();
        let last = last.ok_or_else(|| {
            CallError::not_found(format!("the scenario has no round {order} to go back to"))
        })?;
        let run = self.run.as_ref();
        let mut gone = self.call.below(run, last.key());
        for period in go {
            gone.extend(self.call.below(run, period.key()));
            gone.push(period.key());
        }
        if [last.key(), self.key()].into_iter().chain(gone.iter().copied()).any(|(_, pk)| pk < 0) {
            return Err(CallError::internal("rows that this very call makes cannot be rewound"));
        }
        let operation = Operation::Rewind {
            scenario: self.pk().number(),
            last_period_order: order,
            delete_last_period_decisions: true,
            delete_last_period_results: true,
        };
        lock(&self.call.stage).rewind(operation, gone);
        Ok(last)
    }

    /// Stages that all rounds go, and that the scenario begins again with an empty first round.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn restart(&self) -> CallResult<Scope<Period>> {
        self.delete_all::<Period>()?;
        self.create(json!({ "order": 1 }))
    }

    /// Whether the scenario belongs to one member, not to a world.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.world.is_none()
    }
}

impl<K: Kind> Scope<K>
where
    Scenario: ChildOf<K>,
{
    /// The scenario of this name that belongs to the member or world; staged when there is none.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn ensure_scenario(&self, name: &str) -> CallResult<Scope<Scenario>> {
        self.ensure(json!({ "name": name }), ())
    }
}

impl Scope<Period> {
    /// The round before this one.
    ///
    /// # Errors
    /// When the scenario has gone meanwhile.
    pub fn previous(&self) -> CallResult<Option<Self>> {
        let scenario = self.in_scenario()?;
        let before = scenario.orders().into_iter().filter(|order| *order < self.order).max();
        match before {
            Some(order) => scenario.find_child(|it: &Period| it.order == order),
            None => Ok(None),
        }
    }

    /// The next round, staged when there is none: the scenario steps.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn open_next(&self) -> CallResult<Self> {
        let scenario = Scope::<Scenario>::find(&self.call, self.scenario.number())?;
        scenario.ensure_period(self.order + 1)
    }

    /// Whether this is the round that is played: the scenario's last.
    ///
    /// # Errors
    /// When the scenario has gone meanwhile.
    pub fn is_current(&self) -> CallResult<bool> {
        Ok(self.in_scenario()?.current_period()?.pk() == self.pk())
    }

    /// Stages that the round is closed.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn close(&mut self) -> CallResult<()> {
        if self.is_closed() { Ok(()) } else { self.merge_data(json!({ "closed": true })) }
    }

    /// Stages that the round is open again.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn reopen(&mut self) -> CallResult<()> {
        if self.is_closed() { self.merge_data(json!({ "closed": null })) } else { Ok(()) }
    }

    /// Refuses whatever changes a round that the leader has closed.
    ///
    /// # Errors
    /// *Conflict* when the round is closed.
    pub fn require_open(&self) -> CallResult<()> {
        if self.is_closed() {
            return Err(CallError::conflict("This round is closed."));
        }
        Ok(())
    }
}
