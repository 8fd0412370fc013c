//! Who hears of what, on which topics, and what the events say.

use sim_games_types::{Action, Resource};

use super::*;
use crate::fixture::{LEADER, decision, period, runuser, tree};

/// The events of a change as `topic <- users`, in order.
fn events(tree: &RunTree, action: Action, stored: &Stored) -> Vec<String> {
    let mut out = Vec::new();
    let root = Root::new("root");
    Announcer { root: &root, tree, out: &mut out }.change(action, stored);
    out.iter().map(line).collect()
}

fn line(event: &Event) -> String {
    let mut audience: Vec<_> = event.audience.iter().map(|authid| &**authid).collect();
    audience.sort_unstable();
    audience.dedup();
    let topic = event.topic.strip_prefix("root.model.").unwrap();
    format!("{topic} <- {}", audience.join(" "))
}

#[test]
fn a_decision_goes_to_its_world_and_the_worlds_players() {
    let mut tree = tree();
    let stored = decision(81, 61, 21, 1.0);
    tree.put(&stored);
    assert_eq!(
        events(&tree, Action::Created, &stored),
        [
            "world.9.add_child <- 130 131 132",
            "runuser.31.add_child <- 130 131",
            "runuser.32.add_child <- 130 132",
        ]
    );
}

#[test]
fn an_event_carries_the_object_and_names_its_recipient() {
    let mut tree = tree();
    let stored = decision(81, 61, 21, 1.0);
    tree.put(&stored);
    let (mut out, root) = (Vec::new(), Root::new("root"));
    Announcer { root: &root, tree: &tree, out: &mut out }.change(Action::Changed, &stored);
    assert_eq!(&*out[0].args, format!(r#"[81,"decision",{}]"#, stored.json));
    assert_eq!(&*out[0].kwargs, r#"{"resource_name":"world","pk":9}"#);
}

#[test]
fn what_is_private_goes_to_the_owners_topic_only() {
    let mut tree = tree();
    let stored = period(64, 52, 2);
    tree.put(&stored);
    assert_eq!(events(&tree, Action::Created, &stored), ["runuser.31.add_child <- 130 131"]);
}

#[test]
fn a_phase_change_reaches_everybody() {
    let tree = tree();
    let stored = tree.run().stored().clone();
    assert_eq!(
        events(&tree, Action::Changed, &stored),
        [
            "runuser.30.update_child <- 130",
            "runuser.31.update_child <- 130 131",
            "runuser.32.update_child <- 130 132",
            "runuser.33.update_child <- 130 133",
            "runuser.34.update_child <- 130 134",
            "world.9.update_child <- 130 131 132 133 134",
            "world.10.update_child <- 130 131 132 133 134",
            "run.5.update_child <- 130 131 132 133 134",
        ]
    );
}

#[test]
fn a_member_of_another_world_is_not_announced_to_a_player() {
    let mut tree = tree();
    let stored = runuser(33, Some(10), Some(21));
    tree.put(&stored);
    assert_eq!(
        events(&tree, Action::Changed, &stored),
        [
            "world.10.update_child <- 130 133 134",
            "runuser.30.update_child <- 130",
            "runuser.33.update_child <- 130 133",
            "runuser.34.update_child <- 130 134",
            "run.5.update_child <- 130 133 134",
        ]
    );
}

#[test]
fn presence_goes_to_world_and_run() {
    let (tree, root, mut out) = (tree(), Root::new("root"), Vec::new());
    let mut announcer = Announcer { root: &root, tree: &tree, out: &mut out };
    announcer.presence(31.into(), true);
    announcer.presence(LEADER.into(), false);
    let lines: Vec<_> = out.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "world.9.update_child <- 130 131 132",
            "run.5.update_child <- 130 131 132",
            "run.5.update_child <- 130",
        ]
    );
    assert!(out[0].args.ends_with(r#","online":true}]"#), "{}", out[0].args);
    assert!(!tree.find(Resource::RunUser, 31).unwrap().json.contains("online"));
}
