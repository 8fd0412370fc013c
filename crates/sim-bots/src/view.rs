//! What a player sees: the tree as it was loaded, kept up to date by events.

use std::collections::BTreeMap;

use serde_json::Value;
use sim_games_types::{Resource, RolePk};

use crate::Seat;

/// An object as the service shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its key.
    pub pk: i64,
    /// Its fields, as the Games API writes them.
    pub fields: Value,
}

impl Object {
    /// A field that holds a key.
    #[must_use]
    pub fn key(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.as_i64()
    }

    /// The role of a decision or result, if it has one.
    #[must_use]
    pub fn role(&self) -> Option<RolePk> {
        self.key("role").map(RolePk)
    }

    /// The name, or nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The order of a period or phase.
    #[must_use]
    pub fn order(&self) -> i64 {
        self.key("order").unwrap_or_default()
    }

    /// A value of the data that the game keeps in it; null if there is none.
    #[must_use]
    pub fn data(&self, name: &str) -> &Value {
        self.fields.get("data").and_then(|data| data.get(name)).unwrap_or(&Value::Null)
    }

    fn updated(&self) -> &str {
        self.fields.get("updated").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a player sees.
#[derive(Clone, Debug, Default)]
pub struct View(BTreeMap<(Resource, i64), Object>);

impl View {
    /// All objects of a resource, by key.
    pub fn all(&self, resource: Resource) -> impl Iterator<Item = &Object> {
        self.0.range((resource, i64::MIN)..=(resource, i64::MAX)).map(|(_, object)| object)
    }

    /// One object.
    #[must_use]
    pub fn get(&self, resource: Resource, pk: i64) -> Option<&Object> {
        self.0.get(&(resource, pk))
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<RolePk> {
        self.all(Resource::Role).find(|role| role.name() == name).map(|role| RolePk(role.pk))
    }

    /// The scenario that a seat plays: its world's first, or else its own first.
    #[must_use]
    pub fn scenario(&self, seat: &Seat) -> Option<&Object> {
        let of = |field: &'static str, pk: i64| {
            self.all(Resource::Scenario).find(move |it| it.key(field) == Some(pk))
        };
        let shared = seat.world.and_then(|world| of("world", world.0));
        shared.or_else(|| of("runuser", seat.runuser.0))
    }

    /// The periods of a scenario, in their order.
    #[must_use]
    pub fn periods(&self, scenario: i64) -> Vec<&Object> {
        let mut periods = self.below(Resource::Period, "scenario", scenario);
        periods.sort_by_key(|period| period.order());
        periods
    }

    /// The decisions of a period.
    #[must_use]
    pub fn decisions(&self, period: i64) -> Vec<&Object> {
        self.below(Resource::Decision, "period", period)
    }

    /// The results of a period.
    #[must_use]
    pub fn results(&self, period: i64) -> Vec<&Object> {
        self.below(Resource::Result, "period", period)
    }

    fn below(&self, resource: Resource, parent: &str, pk: i64) -> Vec<&Object> {
        self.all(resource).filter(|object| object.key(parent) == Some(pk)).collect()
    }

    /// Takes an object, unless a newer one is there already.
    pub(crate) fn put(&mut self, resource: Resource, object: Object) {
        let old = self.get(resource, object.pk);
        // Times have one width, so that texts sort as times do.
        if old.is_none_or(|old| old.updated() <= object.updated()) {
            self.0.insert((resource, object.pk), object);
        }
    }

    /// Forgets an object and all that hangs from it.
    pub(crate) fn remove(&mut self, resource: Resource, pk: i64) {
        self.0.remove(&(resource, pk));
        let children: &[_] = match resource {
            Resource::World => &[(Resource::Scenario, "world")],
            Resource::Scenario => &[(Resource::Period, "scenario")],
            Resource::Period => &[(Resource::Decision, "period"), (Resource::Result, "period")],
            _ => &[],
        };
        for (kind, field) in children {
            let gone: Vec<_> = self.below(*kind, field, pk).iter().map(|it| it.pk).collect();
            for child in gone {
                self.remove(*kind, child);
            }
        }
    }

    /// Takes a tree, as `get_scope_tree` answers with it.
    pub(crate) fn take_tree(&mut self, node: &Value) {
        if let Some((resource, object)) = read_node(node) {
            self.put(resource, object);
        }
        for child in node.get("children").and_then(Value::as_array).into_iter().flatten() {
            self.take_tree(child);
        }
    }

    /// Takes objects without their surroundings, as `get_roles` answers with them.
    pub(crate) fn take_list(&mut self, resource: Resource, list: &Value) {
        for fields in list.as_array().into_iter().flatten() {
            if let Some(pk) = fields.get("id").and_then(Value::as_i64) {
                self.put(resource, Object { pk, fields: fields.clone() });
            }
        }
    }

    /// Whether a player of this seat has no business seeing an object.
    pub(crate) fn is_foreign(&self, seat: &Seat, resource: Resource, object: &Object) -> bool {
        let world = seat.world.map(|world| world.0);
        match resource {
            Resource::Run => object.pk != seat.run.0,
            Resource::World => Some(object.pk) != world,
            Resource::RunUser => {
                let its = object.key("world");
                object.pk != seat.runuser.0 && its.is_some() && its != world
            }
            Resource::Scenario => {
                let shared = object.key("world").is_some_and(|its| Some(its) == world);
                !shared && object.key("runuser") != Some(seat.runuser.0)
            }
            Resource::Period => !self.knows(Resource::Scenario, object.key("scenario")),
            Resource::Decision | Resource::Result => {
                !self.knows(Resource::Period, object.key("period"))
            }
            _ => false,
        }
    }

    fn knows(&self, resource: Resource, pk: Option<i64>) -> bool {
        pk.is_some_and(|pk| self.get(resource, pk).is_some())
    }

    /// What is amiss in the decisions and results of a period: two where there may be one.
    pub(crate) fn doubles(&self, period: i64) -> Option<String> {
        for (what, children) in
            [("decisions", self.decisions(period)), ("results", self.results(period))]
        {
            let mut slots: Vec<_> = children.iter().map(|it| (it.role(), it.name())).collect();
            slots.sort_unstable();
            if let Some(pair) = slots.windows(2).find(|pair| pair[0] == pair[1]) {
                return Some(format!("period {period} has two {what} named `{}`", pair[0].1));
            }
        }
        None
    }

    /// The first object of another view of the same tree that this one lacks or has otherwise.
    pub(crate) fn lost(&self, other: &Self) -> Option<String> {
        other.0.iter().find_map(|((resource, pk), object)| match self.get(*resource, *pk) {
            None => Some(format!("no event told of {} {pk}", resource.name())),
            Some(own) if own.updated() < object.updated() => {
                Some(format!("no event told of the last change of {} {pk}", resource.name()))
            }
            Some(_) => None,
        })
    }
}

/// A scope without its children: `{"pk", "resource_name", "data"}`.
fn read_node(node: &Value) -> Option<(Resource, Object)> {
    let resource = Resource::from_name(node.get("resource_name")?.as_str()?)?;
    let object = Object { pk: node.get("pk")?.as_i64()?, fields: node.get("data")?.clone() };
    Some((resource, object))
}

#[cfg(test)]
mod tests;
