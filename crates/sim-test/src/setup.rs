//! The rows that a test starts with, as units of work.

use serde_json::{Value, json};
use sim::types::{Fields, Operation, Reference, Resource, UnitOfWork};

/// Collects operations whose rows refer to each other.
#[derive(Default)]
pub(crate) struct Rows {
    operations: Vec<Operation>,
    next: u32,
}

impl Rows {
    /// Finds or makes a row, and gives the value that stands for its key.
    pub(crate) fn ensure(&mut self, resource: Resource, key: Value, defaults: Value) -> Reference {
        self.next += 1;
        let reference = Reference(self.next);
        self.operations.push(Operation::GetOrCreate {
            resource,
            key: fields(key),
            defaults: fields(defaults),
            reference: Some(reference),
        });
        reference
    }

    pub(crate) fn into_unit(self) -> UnitOfWork {
        UnitOfWork { operations: self.operations, ..UnitOfWork::default() }
    }
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("fields must be an object, not `{other}`"),
    }
}

/// The game with its phases, and a run in the first of them, with a leader.
pub(crate) struct Skeleton {
    pub(crate) run: Reference,
    pub(crate) game: Reference,
    pub(crate) leader: Reference,
}

pub(crate) fn skeleton(rows: &mut Rows, slug: &str, phases: &[String]) -> Skeleton {
    let game = rows.ensure(Resource::Game, json!({"slug": slug}), json!({"name": slug}));
    let mut first = Value::Null;
    for (index, name) in phases.iter().enumerate() {
        let key = json!({"game": game.to_value(), "name": name});
        let phase = rows.ensure(Resource::Phase, key, json!({"order": index + 1}));
        if index == 0 {
            first = phase.to_value();
        }
    }
    let key = json!({"game": game.to_value(), "name": "default"});
    let run = rows.ensure(Resource::Run, key, json!({"phase": first}));
    let leader = rows.ensure(Resource::User, json!({"email": "leader@test.example"}), json!({}));
    let key = json!({"user": leader.to_value(), "run": run.to_value()});
    rows.ensure(Resource::RunUser, key, json!({"leader": true}));
    Skeleton { run, game, leader }
}

/// A world with a scenario and its first period.
pub(crate) fn world(rows: &mut Rows, run: Reference, number: usize) -> (Reference, Reference) {
    let key = json!({"run": run.to_value(), "name": format!("World {number}")});
    let world = rows.ensure(Resource::World, key, json!({}));
    let key = json!({"world": world.to_value(), "name": "World Scenario 1"});
    let scenario = rows.ensure(Resource::Scenario, key, json!({}));
    let key = json!({"scenario": scenario.to_value(), "order": 1});
    rows.ensure(Resource::Period, key, json!({}));
    (world, scenario)
}
