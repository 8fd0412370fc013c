//! The follower: installs the game and applies the journal, in its order, for as long as it runs.
//!
//! It is the only one that changes the tree.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sim_games_types::{Action, Change, Object, Record, RunPk, UserPk};

use crate::engine::Inner;
use crate::ports::{ChangeFeed, StoreError};
use crate::sync::read;

/// The longest pause between two attempts to reach the store.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a missing game is no news.
const GRACE: Duration = Duration::from_secs(2);

/// Follows the journal until the engine stops.
pub(crate) async fn follow(inner: Arc<Inner>) {
    let mut pause = Duration::from_millis(100);
    let mut complained = false;
    while !inner.stop.is_cancelled() {
        let started = Instant::now();
        match install(&inner).await {
            Ok(Some(feed)) => {
                let seconds = started.elapsed().as_secs_f64();
                let runs = inner.model.loaded_runs();
                tracing::info!(
                    game.runs = runs,
                    "Game `{}` installed in {seconds:.3}s.",
                    inner.game.slug()
                );
                inner.installed.send_replace(true);
                (pause, complained) = (Duration::from_millis(100), false);
                apply_all(&inner, feed).await;
            }
            Ok(None) => {}
            Err(error) => {
                if !std::mem::replace(&mut complained, true) {
                    tracing::warn!(
                        "could not install game `{}`: {error}; trying again",
                        inner.game.slug()
                    );
                }
                tokio::select! {
                    () = inner.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                }
            }
        }
    }
}

/// Loads the game and its active runs; waits first when the game does not exist yet.
async fn install(inner: &Inner) -> Result<Option<Box<dyn ChangeFeed>>, StoreError> {
    let slug = inner.game.slug();
    let snapshot = inner.store.load_game(slug).await?;
    let feed = inner.store.changes(snapshot.seq);
    inner.model.install(&snapshot);
    let game = read(&inner.model.game).game.as_ref().map(|game| game.pk());
    let Some(game) = game else {
        wait_for_game(inner, feed).await;
        return Ok(None);
    };
    inner.model.load(&inner.store.load_runs(game, inner.options.load).await?);
    inner.applied.send_if_modified(|seq| advance(seq, snapshot.seq));
    Ok(Some(feed))
}

/// Waits until a game with the slug is stored. Whatever else happens meanwhile concerns no tree.
async fn wait_for_game(inner: &Inner, mut feed: Box<dyn ChangeFeed>) {
    let slug = inner.game.slug();
    // A service that fills an empty database itself need not alarm anybody.
    let notice = tokio::time::sleep(GRACE);
    tokio::pin!(notice);
    let mut noticed = false;
    loop {
        let changes = tokio::select! {
            () = inner.stop.cancelled() => return,
            () = &mut notice, if !noticed => {
                tracing::warn!(
                    "No `games` found for {{'slug': '{slug}'}}; waiting until it is created"
                );
                noticed = true;
                continue;
            }
            changes = feed.next() => changes,
        };
        let Some(changes) = changes else { return };
        let appeared = changes.iter().any(|change| {
            matches!(&change.object.record, Record::Game(game)
                if game.slug == slug && change.action != Action::Deleted)
        });
        if appeared {
            return;
        }
        note_applied(inner, &changes);
    }
}

async fn apply_all(inner: &Inner, mut feed: Box<dyn ChangeFeed>) {
    loop {
        let changes = tokio::select! {
            () = inner.stop.cancelled() => return,
            changes = feed.next() => changes,
        };
        // The store has closed its feed: the service ends, or the follower starts anew.
        let Some(changes) = changes else {
            inner.installed.send_replace(false);
            return;
        };
        let mut events = Vec::new();
        for change in changes.iter() {
            if let Some(run) = inner.model.apply(change, &mut events) {
                activate(inner, run).await;
                inner.model.announce_activation(run, &mut events);
            }
        }
        if !events.is_empty() {
            inner.messages.publish(events).await;
        }
        for user in changes.iter().filter_map(locked_out) {
            inner.messages.dismiss(user).await;
        }
        note_applied(inner, &changes);
    }
}

/// The user who may not log in any more after a change.
fn locked_out(change: &Change) -> Option<UserPk> {
    match &change.object.record {
        Record::User(user) if change.action == Action::Deleted || !user.is_active => Some(user.id),
        _ => None,
    }
}

/// Loads a run that has become active, however long the store takes.
async fn activate(inner: &Inner, run: RunPk) {
    let mut pause = Duration::from_millis(100);
    loop {
        match inner.store.load_run(run).await {
            Ok(snapshot) => return inner.model.load(&snapshot),
            Err(error) => tracing::warn!(run.pk = run.0, "could not load the run: {error}"),
        }
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

fn note_applied(inner: &Inner, changes: &[Change]) {
    if let Some(last) = changes.last() {
        inner.applied.send_if_modified(|seq| advance(seq, last.seq));
    }
}

fn advance(seq: &mut u64, to: u64) -> bool {
    let forward = to > *seq;
    *seq = to.max(*seq);
    forward
}
