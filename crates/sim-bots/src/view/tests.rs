//! Trees and events, and what a player then sees.

use serde_json::json;
use sim_games_types::{RunPk, RunUserPk, UserPk, WorldPk};

use super::*;

fn node(resource: &str, pk: i64, fields: Value, children: &[Value]) -> Value {
    json!({"pk": pk, "resource_name": resource, "data": fields, "children": children})
}

/// World 9 with scenario 51 and periods 62 and 61, in this order; the first has a decision.
fn view() -> View {
    let decision = node("decision", 71, json!({"period": 61, "role": 21, "name": "decision"}), &[]);
    let periods = [
        node("period", 62, json!({"scenario": 51, "order": 2}), &[]),
        node("period", 61, json!({"scenario": 51, "order": 1}), &[decision]),
    ];
    let scenario = node("scenario", 51, json!({"world": 9, "runuser": null}), &periods);
    let mut view = View::default();
    view.take_tree(&node("world", 9, json!({"run": 5}), &[scenario]));
    view
}

fn seat() -> Seat {
    Seat {
        email: "s1@div.edu".to_owned(),
        password: "s1".to_owned(),
        user: UserPk(41),
        runuser: RunUserPk(31),
        run: RunPk(5),
        world: Some(WorldPk(9)),
        role: Some(RolePk(21)),
        role_name: "Dividend".to_owned(),
    }
}

fn object(pk: i64, fields: Value) -> Object {
    Object { pk, fields }
}

#[test]
fn a_tree_is_found_by_parents_and_periods_by_order() {
    let view = view();
    let scenario = view.scenario(&seat()).unwrap();
    let periods: Vec<_> = view.periods(scenario.pk).iter().map(|period| period.pk).collect();
    assert_eq!(periods, [61, 62]);
    assert_eq!(view.decisions(61)[0].role(), Some(RolePk(21)));
    assert!(view.results(61).is_empty());
}

#[test]
fn an_older_event_does_not_undo_a_newer_one() {
    let mut view = view();
    for (updated, value) in [(2, 5.0), (1, 4.0), (2, 6.0)] {
        let updated = format!("2026-03-02T14:05:07.00000{updated}Z");
        let fields = json!({"period": 61, "updated": updated, "data": {"quotient": value}});
        view.put(Resource::Result, object(81, fields));
    }
    assert_eq!(view.results(61)[0].data("quotient"), &json!(6.0));
}

#[test]
fn what_is_removed_takes_its_children_along() {
    let mut view = view();
    view.remove(Resource::Scenario, 51);
    assert_eq!(view.all(Resource::Period).count() + view.all(Resource::Decision).count(), 0);
    assert!(view.get(Resource::World, 9).is_some());
}

#[test]
fn objects_of_other_worlds_are_foreign() {
    let view = view();
    for (resource, fields, foreign) in [
        (Resource::World, json!({}), true),
        (Resource::RunUser, json!({"world": 10}), true),
        (Resource::RunUser, json!({"world": 9}), false),
        (Resource::RunUser, json!({"world": null, "leader": true}), false),
        (Resource::Scenario, json!({"world": 10, "runuser": null}), true),
        (Resource::Scenario, json!({"world": null, "runuser": 31}), false),
        (Resource::Scenario, json!({"world": null, "runuser": 32}), true),
        (Resource::Period, json!({"scenario": 52}), true),
        (Resource::Result, json!({"period": 61}), false),
        (Resource::Decision, json!({"period": 63}), true),
    ] {
        let object = object(100, fields);
        assert_eq!(view.is_foreign(&seat(), resource, &object), foreign, "{resource:?} {object:?}");
    }
}

#[test]
fn two_results_where_one_belongs_are_doubles_even_without_role() {
    let mut view = view();
    assert_eq!(view.doubles(61), None);
    for pk in [81, 82] {
        let fields = json!({"period": 61, "role": null, "name": "result"});
        view.put(Resource::Result, object(pk, fields));
    }
    assert_eq!(view.doubles(61).unwrap(), "period 61 has two results named `result`");
}

#[test]
fn what_no_event_told_of_is_lost() {
    let (mut own, mut told) = (view(), view());
    assert_eq!(own.lost(&told), None);
    told.put(Resource::Period, object(63, json!({"updated": "2"})));
    assert_eq!(own.lost(&told).unwrap(), "no event told of period 63");
    own.put(Resource::Period, object(63, json!({"updated": "1"})));
    assert_eq!(own.lost(&told).unwrap(), "no event told of the last change of period 63");
    own.put(Resource::Period, object(63, json!({"updated": "3"})));
    assert_eq!(own.lost(&told), None);
}
