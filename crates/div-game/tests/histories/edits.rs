//! What a REST client changes in a history, past the game.

use serde_json::json;
use sim::types::{Operation, Resource};

use crate::arena::Unit;
use crate::history::History;
use crate::op::{Doomed, Op};
use crate::rows::{Key, link};

impl History<'_> {
    /// Begins an edit, if the operation is one and there is something to edit.
    pub(crate) fn begin_edit(&mut self, op: Op) {
        if let Some(unit) = self.edit(op) {
            self.store(unit);
        }
    }

    fn edit(&mut self, op: Op) -> Option<Unit> {
        self.counter += 1;
        let name = format!("name {}", self.counter);
        let run = self.rows.pick(Resource::Run, 0);
        Some(match op {
            Op::RenameWorld { world } => {
                let world = self.rows.pick(Resource::World, world)?;
                Unit::change(Resource::World, world, json!({"name": name}))
            }
            Op::RenameUser { user } => {
                let user = self.cast.users[usize::from(user) % self.cast.users.len()];
                Unit::change(Resource::User, user, json!({"first_name": name}))
            }
            Op::EditRun => Unit::change(Resource::Run, run?, json!({"data": {"note": name}})),
            Op::EditDecision { decision, operand } => {
                let decision = self.rows.pick(Resource::Decision, decision)?;
                self.touch((Resource::Decision, decision));
                let data = json!({"data": {"operand": f64::from(operand)}});
                Unit::change(Resource::Decision, decision, data)
            }
            Op::Activate { active } => Unit::change(Resource::Run, run?, json!({"active": active})),
            Op::Move { .. } | Op::Recast { .. } | Op::Enable { .. } => {
                return self.edit_member(op);
            }
            Op::Delete { what, which } => return self.delete(what, which),
            Op::Rewind { scenario, order, decisions, results } => {
                let scenario = self.rows.pick(Resource::Scenario, scenario)?;
                self.touch((Resource::Scenario, scenario));
                Unit::one(Operation::Rewind {
                    scenario,
                    last_period_order: order.into(),
                    delete_last_period_decisions: decisions,
                    delete_last_period_results: results,
                })
            }
            _ => return self.make(op, &name),
        })
    }

    fn edit_member(&mut self, op: Op) -> Option<Unit> {
        match op {
            Op::Move { member, world } => {
                let member = self.player(member)?;
                let run = link(self.rows.get((Resource::RunUser, member))?, "run");
                let worlds = self.rows.all(Resource::World);
                let worlds: Vec<_> = worlds.filter(|it| link(it.1, "run") == run).collect();
                // One more than there are: no world at all.
                let world = worlds.get(usize::from(world) % (worlds.len() + 1)).map(|it| it.0);
                self.ledger.worlds.entry(member).or_default().extend(world);
                Some(Unit::change(Resource::RunUser, member, json!({"world": world})))
            }
            Op::Recast { member, role } => {
                let member = self.player(member)?;
                self.ledger.recast.insert(member);
                let role = self.arena.roles[usize::from(role)];
                Some(Unit::change(Resource::RunUser, member, json!({"role": role})))
            }
            Op::Enable { member, active } => {
                let member = self.player(member)?;
                Some(Unit::change(Resource::RunUser, member, json!({"active": active})))
            }
            _ => None,
        }
    }

    fn player(&self, which: u8) -> Option<i64> {
        let players =
            self.rows.all(Resource::RunUser).filter(|it| !crate::rows::is(it.1, "leader"));
        let players: Vec<_> = players.map(|it| it.0).collect();
        players.get(usize::from(which).checked_rem(players.len())?).copied()
    }

    fn delete(&mut self, what: Doomed, which: u8) -> Option<Unit> {
        let resource = match what {
            Doomed::Decision => Resource::Decision,
            Doomed::Outcome => Resource::Result,
            Doomed::Period => Resource::Period,
            Doomed::Scenario => Resource::Scenario,
            Doomed::World => Resource::World,
            Doomed::Member => Resource::RunUser,
            Doomed::Run => Resource::Run,
        };
        let pk = match what {
            Doomed::Member => self.player(which)?,
            _ => self.rows.pick(resource, which)?,
        };
        self.touch((resource, pk));
        if what == Doomed::Period {
            let period = self.rows.get((resource, pk))?;
            self.ledger.gaps.extend(link(period, "scenario"));
        }
        Some(Unit::delete(resource, pk))
    }

    fn make(&mut self, op: Op, name: &str) -> Option<Unit> {
        let mut unit = Unit::default();
        match op {
            Op::AddWorld => {
                let run = self.rows.pick(Resource::Run, 0)?;
                let world = unit.create(Resource::World, json!({"run": run, "name": name}));
                unit.scenario(json!({"world": world.to_value()}));
            }
            Op::AddMember { user, world, role } => {
                let user = self.cast.users[usize::from(user) % self.cast.users.len()];
                let world = self.rows.pick(Resource::World, world)?;
                let run = link(self.rows.get((Resource::World, world))?, "run");
                let role = self.arena.roles[usize::from(role)];
                let fields = json!({"run": run, "user": user, "world": world, "role": role});
                self.ledger.seated.insert(user);
                unit.create(Resource::RunUser, fields);
            }
            Op::AddScenario { world } => {
                unit.scenario(json!({"world": self.rows.pick(Resource::World, world)?}));
            }
            Op::AddPrivate { member } => unit.scenario(json!({"runuser": self.player(member)?})),
            _ => return None,
        }
        Some(unit)
    }

    /// Notes that what lies below an object may be changed past the game.
    pub(crate) fn touch(&mut self, key: Key) {
        let periods = self.rows.all(Resource::Period).map(|it| it.0);
        let above = self.rows.line(key);
        let touched: Vec<_> = periods
            .filter(|pk| {
                let period = (Resource::Period, *pk);
                above.contains(&period) || self.rows.line(period).contains(&key)
            })
            .collect();
        self.ledger.touched.extend(touched);
        if let (Resource::World, world) = key {
            self.ledger.doomed.insert(world);
        }
    }

    /// A world that goes takes its members along, also those who have just come.
    pub(crate) fn touch_fellows(&mut self) {
        let doomed = std::mem::take(&mut self.ledger.doomed);
        let worlds = self.ledger.worlds.iter();
        let fellows = worlds.filter(|(_, worlds)| !worlds.is_disjoint(&doomed));
        let fellows: Vec<_> = fellows.map(|(member, _)| *member).collect();
        fellows.into_iter().for_each(|member| self.touch((Resource::RunUser, member)));
    }
}
