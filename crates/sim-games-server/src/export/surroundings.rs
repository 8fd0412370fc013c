//! Where the decisions and results of a run stand: small enough to be kept in memory.

use std::collections::HashMap;

use sim_games_types::{Resource, RunPk};

use crate::model::Table;
use crate::sql::connection::{Connection, Fault, Row, Value};
use crate::sql::dump;
use crate::sql::statements::FIELDS;

/// The names of what is around a decision.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) run: String,
    roles: HashMap<i64, String>,
    worlds: HashMap<i64, String>,
    /// Addresses of members, by key.
    members: HashMap<i64, String>,
    /// Addresses of those who have a role in a world, several joined.
    players: HashMap<(i64, i64), String>,
    scenarios: HashMap<i64, Scenario>,
    /// By key. There may be as many as decisions, so each takes 16 bytes only.
    periods: Vec<(i64, i32, u32)>,
    /// The scenarios' keys; periods name them by position.
    scenario_keys: Vec<i64>,
}

#[derive(Debug)]
struct Scenario {
    name: String,
    world: Option<i64>,
    member: Option<i64>,
}

/// Where one decision or result stands; what it has not is empty.
#[derive(Debug, Default)]
pub(super) struct Place<'s> {
    pub(super) world: &'s str,
    pub(super) scenario: &'s str,
    pub(super) period: i32,
    pub(super) role: &'s str,
    pub(super) player: &'s str,
}

/// Reads a field of a row by its name.
fn field<'r>(table: &Table, row: &'r dyn Row, name: &str) -> Result<Value<'r>, Fault> {
    row.value(FIELDS + table.position(name).expect("the resource has this field"))
}

fn key(table: &Table, row: &dyn Row, name: &str) -> Result<Option<i64>, Fault> {
    Ok(match field(table, row, name)? {
        Value::Int(key) => Some(key),
        _ => None,
    })
}

fn text(table: &Table, row: &dyn Row, name: &str) -> Result<String, Fault> {
    Ok(match field(table, row, name)? {
        Value::Text(text) => text.to_owned(),
        _ => String::new(),
    })
}

impl Surroundings {
    pub(super) fn read(connection: &dyn Connection, run: RunPk) -> Result<Self, Fault> {
        let mut read = Self::default();
        let each = |resource, condition: &str, row: &mut dyn FnMut(&Table, &dyn Row) -> _| {
            let table = Table::of(resource);
            let values = [Value::Int(run.0)];
            dump::each_row(connection, table, (condition, &values), &mut |it| row(table, it))
        };
        each(Resource::Run, "t.id = ?", &mut |table, row| {
            read.run = text(table, row, "name")?;
            Ok(())
        })?;
        let of_game = "t.game = (SELECT game FROM run WHERE id = ?)";
        each(Resource::Role, of_game, &mut |table, row| {
            read.roles.insert(row.int(0)?, text(table, row, "name")?);
            Ok(())
        })?;
        each(Resource::World, "t.run = ?", &mut |table, row| {
            read.worlds.insert(row.int(0)?, text(table, row, "name")?);
            Ok(())
        })?;
        each(Resource::RunUser, "t.run = ?", &mut |table, row| {
            let place = key(table, row, "world")?.zip(key(table, row, "role")?);
            read.add_member(row.int(0)?, row.text(6)?, place);
            Ok(())
        })?;
        each(Resource::Scenario, "t.run = ?", &mut |table, row| {
            let (world, member) = (key(table, row, "world")?, key(table, row, "runuser")?);
            let scenario = Scenario { name: text(table, row, "name")?, world, member };
            read.scenario_keys.push(row.int(0)?);
            read.scenarios.insert(row.int(0)?, scenario);
            Ok(())
        })?;
        each(Resource::Period, "t.run = ?", &mut |table, row| {
            let order = key(table, row, "order")?.unwrap_or_default();
            let scenario = key(table, row, "scenario")?.unwrap_or_default();
            // Both came in the order of their keys.
            let position = read.scenario_keys.binary_search(&scenario).unwrap_or_default();
            let position = u32::try_from(position).unwrap_or_default();
            read.periods.push((row.int(0)?, i32::try_from(order).unwrap_or_default(), position));
            Ok(())
        })?;
        Ok(read)
    }

    fn add_member(&mut self, key: i64, email: &str, place: Option<(i64, i64)>) {
        self.members.insert(key, email.to_owned());
        let Some(place) = place else { return };
        let players = self.players.entry(place).or_default();
        if !players.is_empty() {
            players.push_str("; ");
        }
        players.push_str(email);
    }

    /// Where a decision or result stands, by its period and role.
    pub(super) fn place(&self, period: i64, role: Option<i64>) -> Place<'_> {
        let mut place = Place::default();
        if let Some(role) = role {
            place.role = self.roles.get(&role).map_or("", String::as_str);
        }
        let Ok(found) = self.periods.binary_search_by_key(&period, |it| it.0) else { return place };
        let (_, order, position) = self.periods[found];
        place.period = order;
        let key = self.scenario_keys.get(position as usize);
        let Some(scenario) = key.and_then(|key| self.scenarios.get(key)) else { return place };
        place.scenario = &scenario.name;
        if let Some(world) = scenario.world {
            place.world = self.worlds.get(&world).map_or("", String::as_str);
            let players = role.and_then(|role| self.players.get(&(world, role)));
            place.player = players.map_or("", String::as_str);
        }
        if let Some(member) = scenario.member {
            place.player = self.members.get(&member).map_or("", String::as_str);
        }
        place
    }
}
