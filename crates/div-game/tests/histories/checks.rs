//! What must hold when nothing is under way: trees are what the store holds, views are the trees.

use anyhow::{Result, bail, ensure};
use serde_json::json;
use sim::types::Resource;

use crate::arena::ROOT;
use crate::browser::{Tab, ask, refused};
use crate::history::History;
use crate::rows::{Fields, Key, Rows, is, link};

/// Checks every page: its runs' trees, and its view.
pub(crate) async fn pages(history: &History<'_>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for tab in &history.tabs {
        if seen.insert(tab.user) {
            trees(&history.rows, tab).await?;
        }
        view(history, tab).await?;
    }
    Ok(())
}

/// The tree of each run that the user plays in is what the store holds.
async fn trees(rows: &Rows, tab: &Tab) -> Result<()> {
    for (pk, member) in rows.memberships(tab.user) {
        let Some(run) = link(member, "run") else { continue };
        let mut scopes = vec![(Resource::Run, run), (Resource::RunUser, pk)];
        scopes.extend(link(member, "world").map(|world| (Resource::World, world)));
        for scope in scopes {
            let uri = format!("{ROOT}.model.{}.{}.get_scope_tree", scope.0, scope.1);
            let answer = ask(&tab.session, &uri, json!([]), None).await;
            if !rows.is_active(run) {
                ensure!(answer.is_err(), "`{uri}` was answered although the run is not active");
                continue;
            }
            let found = answer.map_err(|error| refused(&uri, &error))?;
            let expected = rows.tree(scope, member);
            ensure!(
                found == expected,
                "user {}: `{uri}` answers\n{found}\nwhile the store holds\n{expected}",
                tab.user
            );
        }
    }
    Ok(())
}

/// The page has what it would fetch now.
async fn view(history: &History<'_>, tab: &Tab) -> Result<()> {
    let rows = &history.rows;
    for (run, _) in rows.all(Resource::Run) {
        // Who was removed while the run slept is told of nothing, also when seated anew later.
        let mut memberships = rows.memberships(tab.user);
        if !memberships.any(|(pk, member)| link(member, "run") == Some(run) && tab.knows(pk)) {
            continue;
        }
        let believed = !tab.asleep.contains(&run);
        let follows = tab.view.contains_key(&(Resource::Run, run));
        ensure!(
            !follows || believed == rows.is_active(run),
            "user {} was not told whether run {run} is active",
            tab.user
        );
    }
    // A page of a run that sleeps shows what it last knew.
    if !tab.asleep.is_empty() {
        return Ok(());
    }
    let fresh = tab.fetch().await?;
    for (key, fields) in &fresh {
        match tab.view.get(key) {
            Some(known) if agree(known, fields) => {}
            // Players are not told of those who come into their world.
            None if key.0 == Resource::RunUser && !leads(rows, tab) => {}
            known => bail!(
                "user {}, {key:?}: the page has\n{known:?}\nwhile the tree has\n{fields:?}",
                tab.user
            ),
        }
    }
    for (key, fields) in tab.view.iter().filter(|it| !fresh.contains_key(it.0)) {
        ensure!(
            may_linger(history, *key, fields),
            "user {} still has {key:?}: {fields:?}",
            tab.user
        );
    }
    Ok(())
}

/// Whether two states of an object are the same, as far as both know whether a member is online.
fn agree(known: &Fields, fresh: &Fields) -> bool {
    let online = known.get("online").is_none_or(|it| fresh.get("online").is_none_or(|of| it == of));
    let without = |fields: &Fields| {
        let mut fields = fields.clone();
        fields.remove("online");
        fields
    };
    online && without(known) == without(fresh)
}

fn leads(rows: &Rows, tab: &Tab) -> bool {
    rows.memberships(tab.user).any(|(_, member)| is(member, "leader"))
}

/// Lists are without those who have become inactive, of which nobody is told.
fn may_linger(history: &History<'_>, key: Key, fields: &Fields) -> bool {
    let inactive = history.rows.get(key).is_some_and(|stored| !is(stored, "active"));
    key.0 == Resource::RunUser && (inactive || !is(fields, "active"))
}

/// Whether a page must have been told that an object has gone with its run.
pub(crate) fn must_vanish(tab: &Tab, key: Key) -> bool {
    let told = matches!(
        key.0,
        Resource::Scenario | Resource::Period | Resource::Decision | Resource::Result
    );
    told && tab.asleep.is_empty()
}
