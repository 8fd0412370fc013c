//! What a tree holds after changes, and what each member sees of it.

use serde_json::Value;
use sim_games_types::Resource;

use super::*;
use crate::fixture::{LEADER, RUN, decision, period, runuser, scenario, tree, viewer};

fn shown(tree: &RunTree, scope: (Resource, i64), viewer_pk: i64) -> Value {
    let mut out = String::new();
    tree.write_tree(&mut out, scope, &viewer(tree, viewer_pk), &[]);
    serde_json::from_str(&out).unwrap()
}

/// A tree's scopes as `resource.pk`, depth first.
fn outline(tree: &Value) -> Vec<String> {
    let mut lines = vec![format!("{}.{}", tree["resource_name"].as_str().unwrap(), tree["pk"])];
    for child in tree["children"].as_array().unwrap() {
        lines.extend(outline(child));
    }
    lines
}

#[test]
fn a_leader_sees_all_worlds_and_of_the_members_only_the_own_one() {
    let shown = shown(&tree(), (Resource::Run, RUN), LEADER);
    assert_eq!(
        outline(&shown),
        [
            "run.5",
            "runuser.30",
            "world.9",
            "scenario.51",
            "period.61",
            "world.10",
            "scenario.53",
            "period.63"
        ]
    );
}

#[test]
fn a_player_sees_the_own_world_and_the_own_scenarios() {
    let shown = shown(&tree(), (Resource::Run, RUN), 31);
    assert_eq!(
        outline(&shown),
        ["run.5", "runuser.31", "scenario.52", "period.62", "world.9", "scenario.51", "period.61"]
    );
}

#[test]
fn periods_come_in_their_order_and_decisions_by_key() {
    let mut tree = tree();
    for stored in
        [period(70, 51, 0), period(71, 51, 2), decision(82, 61, 22, 2.0), decision(81, 61, 21, 1.0)]
    {
        tree.put(&stored);
    }
    let shown = shown(&tree, (Resource::World, 9), 31);
    assert_eq!(
        outline(&shown),
        [
            "world.9",
            "scenario.51",
            "period.70",
            "period.61",
            "decision.81",
            "decision.82",
            "period.71"
        ]
    );
}

#[test]
fn a_period_that_changes_its_order_moves() {
    let mut tree = tree();
    tree.put(&period(70, 51, 2));
    tree.put(&decision(81, 61, 21, 1.0));
    tree.put(&period(61, 51, 3));
    let orders: Vec<_> = tree.periods(51.into()).map(|period| period.order).collect();
    assert_eq!(orders, [2, 3]);
    assert_eq!(tree.keys_below((Resource::Scenario, 51), Resource::Period).len(), 2);
    assert_eq!(tree.keys_below((Resource::Period, 61), Resource::Decision), [81]);
}

#[test]
fn private_scenarios_are_seen_by_owner_and_leader_only() {
    let tree = tree();
    let owner = tree.owner(Resource::Period, 62).unwrap();
    assert_eq!(owner, Owner::Private(31.into()));
    let seen: Vec<_> = [LEADER, 31, 32, 33]
        .into_iter()
        .filter(|pk| tree.visible(owner, &viewer(&tree, *pk)))
        .collect();
    assert_eq!(seen, [LEADER, 31]);
}

#[test]
fn a_member_is_seen_by_the_world_and_the_leader() {
    let tree = tree();
    let audience = tree.audience(Owner::Member(31.into()));
    let mut audience: Vec<_> = audience.iter().map(|authid| &**authid).collect();
    audience.sort_unstable();
    audience.dedup();
    assert_eq!(audience, ["130", "131", "132"]);
}

#[test]
fn a_member_who_moves_sees_the_new_world_only() {
    let mut tree = tree();
    tree.put(&runuser(31, Some(10), Some(21)));
    let moved = viewer(&tree, 31);
    assert!(!tree.visible(Owner::World(9.into()), &moved));
    assert!(tree.visible(Owner::World(10.into()), &moved));
    assert!(!tree.audience(Owner::World(9.into())).iter().any(|authid| &**authid == "131"));
    // What is the member's own stays.
    assert_eq!(tree.owner(Resource::Period, 62), Some(Owner::Private(31.into())));
}

#[test]
fn removing_a_scope_removes_what_is_below_it() {
    let mut tree = tree();
    tree.put(&decision(81, 61, 21, 1.0));
    let gone = tree.remove(Resource::Scenario, 51);
    assert_eq!(gone, [(Resource::Decision, 81), (Resource::Period, 61), (Resource::Scenario, 51)]);
    assert!(tree.remove(Resource::Period, 61).is_empty());
    assert_eq!(outline(&shown(&tree, (Resource::World, 9), 31)), ["world.9"]);
}

#[test]
fn an_object_without_its_parent_is_left_out() {
    let mut tree = tree();
    tree.put(&scenario(90, Some(99), None));
    tree.put(&period(91, 90, 1));
    assert!(tree.find(Resource::Scenario, 90).is_none());
    assert!(tree.find(Resource::Period, 91).is_none());
}

mod properties {
    //! Whatever happens in whatever order, a tree is what its surviving objects make it.

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use sim_games_types::Stored;

    use super::*;
    use crate::fixture::{run_snapshot, stored};

    #[derive(Clone, Debug)]
    enum Event {
        Put(Resource, i64, i64, i64),
        Remove(Resource, i64),
    }

    fn event() -> impl Strategy<Value = Event> {
        let resource = prop_oneof![
            Just(Resource::RunUser),
            Just(Resource::Scenario),
            Just(Resource::Period),
            Just(Resource::Decision),
        ];
        let put = (resource.clone(), 0..4_i64, 0..4_i64, 0..3_i64)
            .prop_map(|(resource, pk, parent, order)| Event::Put(resource, pk, parent, order));
        let remove = (resource, 0..4_i64).prop_map(|(resource, pk)| Event::Remove(resource, pk));
        prop_oneof![4 => put, 1 => remove]
    }

    /// The object of a put. Keys begin at 100; worlds are 9 and 10.
    fn object((resource, pk, parent, order): (Resource, i64, i64, i64)) -> Arc<Stored> {
        let key = 100 + pk;
        match resource {
            Resource::RunUser => runuser(key, Some(9 + parent % 2), Some(21)),
            Resource::Scenario => scenario(key, Some(9 + parent % 2), None),
            // Two periods of one scenario never share an order.
            Resource::Period => period(key, 100 + parent, order * 10 + pk),
            _ => {
                let fields = serde_json::json!({"id": key, "name": "d", "period": 100 + parent});
                stored(Resource::Decision, fields)
            }
        }
    }

    /// What the leader sees, and who sees the worlds.
    fn everything(tree: &RunTree) -> Vec<String> {
        let mut lines = outline(&shown(tree, (Resource::Run, RUN), LEADER));
        for world in [9, 10] {
            lines.push(tree.audience(Owner::World(world.into())).join(" "));
        }
        lines
    }

    proptest! {
        #[test]
        fn a_tree_is_what_its_objects_make_it(events in prop::collection::vec(event(), 0..40)) {
            let mut tree = tree();
            for event in &events {
                match event {
                    Event::Put(resource, pk, parent, order) => {
                        tree.put(&object((*resource, *pk, *parent, *order)));
                    }
                    Event::Remove(resource, pk) => drop(tree.remove(*resource, 100 + pk)),
                }
            }
            let mut survivors = BTreeMap::new();
            for resource in [Resource::RunUser, Resource::Scenario, Resource::Period, Resource::Decision] {
                for pk in 100..104 {
                    if let Some(stored) = tree.find(resource, pk) {
                        survivors.insert((resource, pk), stored.clone());
                    }
                }
            }
            let mut rebuilt = super::tree();
            for stored in run_snapshot().objects.iter().chain(survivors.values()) {
                rebuilt.put(stored);
            }
            prop_assert_eq!(everything(&tree), everything(&rebuilt));
        }
    }
}
