//! A small class for tests: one run, a leader, two worlds with two players each.

use std::sync::Arc;

use serde_json::{Value, json};
use sim_games_types::{Record, Resource, RunUser, RunUserPk, Stored, UserPk};

use crate::ports::{GameSnapshot, RunSnapshot};
use crate::tree::RunTree;

pub(crate) const RUN: i64 = 5;
/// The leader's membership and user; players' users are 100 + their membership's key.
pub(crate) const LEADER: i64 = 30;

pub(crate) fn user_of(runuser: i64) -> UserPk {
    UserPk(100 + runuser)
}

pub(crate) fn stored(resource: Resource, fields: Value) -> Arc<Stored> {
    let mut object = json!({
        "created": "2026-03-02T14:05:07.000000Z", "updated": "2026-03-02T14:05:07.000000Z",
    });
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Arc::new(Stored::new(Record::from_json(resource, &object.to_string()).unwrap()))
}

pub(crate) fn runuser(id: i64, world: Option<i64>, role: Option<i64>) -> Arc<Stored> {
    let role_name = role.map(|role| if role == 21 { "Dividend" } else { "Divisor" });
    let mut fields = json!({
        "id": id, "run_active": true, "role": role, "email": format!("s{id}@div.edu"),
        "leader": id == LEADER, "user": user_of(id).0, "run": RUN, "world": world,
    });
    if let Some(name) = role_name {
        fields["role_name"] = json!(name);
    }
    stored(Resource::RunUser, fields)
}

pub(crate) fn scenario(id: i64, world: Option<i64>, owner: Option<i64>) -> Arc<Stored> {
    stored(Resource::Scenario, json!({"id": id, "name": "S", "world": world, "runuser": owner}))
}

pub(crate) fn period(id: i64, scenario: i64, order: i64) -> Arc<Stored> {
    stored(Resource::Period, json!({"id": id, "order": order, "scenario": scenario}))
}

pub(crate) fn decision(id: i64, period: i64, role: i64, operand: f64) -> Arc<Stored> {
    let data = json!({"operand": operand});
    stored(
        Resource::Decision,
        json!({"id": id, "name": "decision", "period": period, "role": role, "data": data}),
    )
}

pub(crate) fn game_snapshot() -> GameSnapshot {
    let phase = |id: i64, name: &str, order: i64| {
        stored(Resource::Phase, json!({"id": id, "name": name, "order": order, "game": 3}))
    };
    let role =
        |id: i64, name: &str| stored(Resource::Role, json!({"id": id, "name": name, "game": 3}));
    let objects = vec![
        stored(Resource::Game, json!({"id": 3, "name": "Div", "slug": "div"})),
        phase(11, "Play", 1),
        phase(12, "Debrief", 5),
        role(21, "Dividend"),
        role(22, "Divisor"),
    ];
    GameSnapshot { seq: 10, objects }
}

/// World 9 with players 31 and 32, world 10 with players 33 and 34; each world has a scenario with
/// one period (9 → 51 → 61, 10 → 53 → 63), player 31 also a private one (52 → 62).
pub(crate) fn run_snapshot() -> RunSnapshot {
    let world = |id: i64| {
        stored(Resource::World, json!({"id": id, "name": format!("World {id}"), "run": RUN}))
    };
    let objects = vec![
        stored(Resource::Run, json!({"id": RUN, "name": "default", "game": 3, "phase": 11})),
        world(9),
        world(10),
        runuser(LEADER, None, None),
        runuser(31, Some(9), Some(21)),
        runuser(32, Some(9), Some(22)),
        runuser(33, Some(10), Some(21)),
        runuser(34, Some(10), Some(22)),
        scenario(51, Some(9), None),
        scenario(52, None, Some(31)),
        scenario(53, Some(10), None),
        period(61, 51, 1),
        period(62, 52, 1),
        period(63, 53, 1),
    ];
    RunSnapshot { seq: 20, objects }
}

pub(crate) fn tree() -> RunTree {
    let model = crate::model::Model::new(
        crate::uri::Root::new("root"),
        crate::Runs::Active,
        &crate::Game::new("div"),
    );
    model.install(&game_snapshot());
    model.load(&run_snapshot());
    let run = model.run(RUN.into()).unwrap();
    drop(model);
    let tree = Arc::into_inner(run).unwrap().tree;
    tree.into_inner().unwrap()
}

pub(crate) fn viewer(tree: &RunTree, pk: i64) -> RunUser {
    (*tree.runuser(RunUserPk(pk)).unwrap().entry).clone()
}
