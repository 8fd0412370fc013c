//! What was acknowledged, and what must therefore be stored; and who may have heard of what.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Result, bail, ensure};
use sim::types::Resource;

use crate::browser::{Heard, Tab};
use crate::rows::{Fields, Key, Rows, is, is_owner, link, parent};

/// A period and a role.
type Slot = (i64, i64);

/// A submission that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) slot: Slot,
    pub(crate) operand: f64,
    /// The session, whose calls are handled in their order.
    pub(crate) session: u64,
    /// The member for whom it was, whose role somebody may have changed meanwhile.
    pub(crate) member: i64,
}

/// What is remembered from check to check.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Dividend and Divisor.
    roles: [i64; 2],
    decisions: BTreeMap<Slot, f64>,
    /// Acknowledged since the last check, in the order of their session.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Periods in which a REST client may have changed something since the last check.
    pub(crate) touched: BTreeSet<i64>,
    /// Periods whose result need not fit their decisions.
    tampered: BTreeSet<i64>,
    /// Scenarios of which a REST client has deleted a period.
    pub(crate) gaps: BTreeSet<i64>,
    /// Members whose role was changed since the last check.
    pub(crate) recast: HashSet<i64>,
    /// Worlds that were deleted since the last check.
    pub(crate) doomed: BTreeSet<i64>,
    /// Users who were given a seat since the last check.
    pub(crate) seated: HashSet<i64>,
    /// The worlds that a member may have heard of since the last check.
    pub(crate) worlds: HashMap<i64, BTreeSet<i64>>,
    /// Where every object lies that there ever was.
    parents: HashMap<Key, Key>,
    /// The memberships of each user, whether they lead, and the run.
    members: HashMap<i64, (i64, bool, i64)>,
}

impl Ledger {
    pub(crate) fn new([dividend, divisor, _]: [i64; 3]) -> Self {
        Self { roles: [dividend, divisor], ..Self::default() }
    }

    /// Notes where members play now: from here on they may hear of these worlds.
    pub(crate) fn seat(&mut self, rows: &Rows) {
        self.worlds.clear();
        self.learn(rows);
    }

    fn learn(&mut self, rows: &Rows) {
        rows.0.iter().for_each(|(key, fields)| self.learn_of(*key, fields));
    }

    fn learn_of(&mut self, key: Key, fields: &Fields) {
        self.parents.extend(parent(key, fields).map(|parent| (key, parent)));
        if key.0 == Resource::RunUser {
            self.worlds.entry(key.1).or_default().extend(link(fields, "world"));
            let of = (link(fields, "user"), link(fields, "run"));
            if let (Some(user), Some(run)) = of {
                self.members.insert(key.1, (user, is(fields, "leader"), run));
            }
        }
    }

    /// Checks that nobody has heard of an object that they were never allowed to see.
    pub(crate) fn check_heard(&mut self, rows: &Rows, tabs: &mut [Tab]) -> Result<()> {
        self.learn(rows);
        // Some of it came and went between two checks.
        for heard in tabs.iter().flat_map(|tab| &tab.heard) {
            self.learn_of(heard.key, &heard.fields);
        }
        for tab in tabs {
            for heard in std::mem::take(&mut tab.heard) {
                ensure!(self.may_hear(tab.user, &heard), "user {} heard {heard:?}", tab.user);
            }
        }
        Ok(())
    }

    fn may_hear(&self, user: i64, Heard { key, fields, .. }: &Heard) -> bool {
        let mut own = self.members.iter().filter(|(_, member)| member.0 == user);
        own.any(|(pk, (_, leads, run))| {
            let worlds = self.worlds.get(pk);
            let plays_in = |world: i64| worlds.is_some_and(|worlds| worlds.contains(&world));
            let line = self.line(*key);
            let in_run = line.last() == Some(&(Resource::Run, *run));
            // What came and went between two checks, unseen by a leader, cannot be judged.
            let unknown = line.last().is_some_and(|top| top.0 != Resource::Run);
            if unknown || (in_run && *leads) {
                return true;
            }
            in_run
                && match key.0 {
                    Resource::Run => true,
                    Resource::World => plays_in(key.1),
                    Resource::RunUser => {
                        key.1 == *pk || link(fields, "world").is_some_and(plays_in)
                    }
                    _ => match line.iter().find(|(resource, _)| is_owner(*resource)) {
                        Some((Resource::World, world)) => plays_in(*world),
                        Some((_, owner)) => owner == pk,
                        None => false,
                    },
                }
        })
    }

    fn line(&self, key: Key) -> Vec<Key> {
        let mut line = vec![key];
        while let Some(above) = self.parents.get(&line[line.len() - 1]) {
            line.push(*above);
        }
        line
    }

    /// Checks the rules of Div, and begins a new account.
    pub(crate) fn check_rules(&mut self, rows: &Rows) -> Result<()> {
        let decisions = decided(rows)?;
        let results = results(rows)?;
        self.check_decisions(rows, &decisions)?;
        self.check_results(rows, &decisions, &results)?;
        self.check_orders(rows)?;
        self.decisions = decisions;
        self.acknowledged.clear();
        self.touched.clear();
        self.recast.clear();
        self.seated.clear();
        Ok(())
    }

    /// Every acknowledged decision is stored, unless it was replaced, and nothing else is.
    fn check_decisions(&self, rows: &Rows, stored: &BTreeMap<Slot, f64>) -> Result<()> {
        let ambiguous = |it: &Acknowledged| self.recast.contains(&it.member);
        let slots = stored.keys().chain(self.decisions.keys());
        let slots: BTreeSet<_> =
            slots.chain(self.acknowledged.iter().map(|it| &it.slot)).copied().collect();
        for slot in slots {
            let lost = rows.get((Resource::Period, slot.0)).is_none();
            if self.touched.contains(&slot.0) {
                continue;
            }
            ensure!(!lost, "period {} has gone and nobody deleted it", slot.0);
            let own = self.acknowledged.iter().filter(|it| it.slot == slot && !ambiguous(it));
            let last: BTreeMap<_, _> = own.map(|it| (it.session, it.operand)).collect();
            let maybe = self.acknowledged.iter().filter(|it| it.slot.0 == slot.0 && ambiguous(it));
            let mut allowed: Vec<_> = last.values().copied().map(Some).collect();
            if allowed.is_empty() {
                allowed.push(self.decisions.get(&slot).copied());
            }
            allowed.extend(maybe.map(|it| Some(it.operand)));
            let found = stored.get(&slot).copied();
            ensure!(
                allowed.contains(&found),
                "period {}, role {}: stored is {found:?}, acknowledged were {allowed:?}",
                slot.0,
                slot.1
            );
        }
        Ok(())
    }

    fn check_results(
        &mut self,
        rows: &Rows,
        decisions: &BTreeMap<Slot, f64>,
        results: &BTreeMap<i64, f64>,
    ) -> Result<()> {
        for (period, _) in rows.all(Resource::Period) {
            let operand = |role: usize| decisions.get(&(period, self.roles[role])).copied();
            let both = operand(0).zip(operand(1));
            let submitted = self.acknowledged.iter().any(|it| it.slot.0 == period);
            if self.touched.contains(&period) {
                self.tampered.insert(period);
            } else if both.is_some() && submitted {
                self.tampered.remove(&period);
            }
            if self.tampered.contains(&period) {
                continue;
            }
            let expected = both.map(|(dividend, divisor)| dividend / divisor);
            let found = results.get(&period).copied();
            ensure!(
                found == expected,
                "period {period} has the result {found:?}, its decisions {both:?}"
            );
        }
        Ok(())
    }

    /// A scenario's rounds are numbered without a gap.
    fn check_orders(&self, rows: &Rows) -> Result<()> {
        for (scenario, _) in rows.all(Resource::Scenario) {
            let own =
                rows.all(Resource::Period).filter(|it| link(it.1, "scenario") == Some(scenario));
            let mut orders: Vec<_> = own.filter_map(|it| link(it.1, "order")).collect();
            orders.sort_unstable();
            let contiguous = (1..).zip(&orders).all(|(order, found)| order == *found);
            ensure!(
                contiguous || self.gaps.contains(&scenario),
                "scenario {scenario} has the rounds {orders:?}"
            );
        }
        Ok(())
    }
}

fn number(fields: &Fields, name: &str) -> Option<f64> {
    fields.get("data")?.get(name)?.as_f64()
}

fn decided(rows: &Rows) -> Result<BTreeMap<Slot, f64>> {
    let mut decisions = BTreeMap::new();
    for (pk, fields) in rows.all(Resource::Decision) {
        let slot = link(fields, "period").zip(link(fields, "role"));
        let Some((slot, operand)) = slot.zip(number(fields, "operand")) else {
            bail!("decision {pk} lacks its role or operand: {fields:?}");
        };
        ensure!(decisions.insert(slot, operand).is_none(), "two decisions of {slot:?}");
    }
    Ok(decisions)
}

fn results(rows: &Rows) -> Result<BTreeMap<i64, f64>> {
    let mut results = BTreeMap::new();
    for (pk, fields) in rows.all(Resource::Result) {
        let Some((period, quotient)) = link(fields, "period").zip(number(fields, "quotient"))
        else {
            bail!("result {pk} lacks its quotient: {fields:?}");
        };
        ensure!(results.insert(period, quotient).is_none(), "two results of period {period}");
    }
    Ok(results)
}
