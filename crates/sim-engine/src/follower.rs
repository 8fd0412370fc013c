//! The follower: installs the game and applies the journal, in its order, for as long as it runs.
//!
//! It is the only one that changes the tree.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sim_games_types::{Action, Change, Object, Record, Run, RunPk, Timestamp, UserPk};
use tokio::sync::{mpsc, oneshot};

use crate::inner::Inner;
use crate::model::Effects;
use crate::occasion::What;
use crate::ports::{ChangeFeed, RunSnapshot, StoreError};
use crate::sync::read;
use crate::wakes::Wake;

/// The longest pause between two attempts to reach the store.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a missing game is no news.
const GRACE: Duration = Duration::from_secs(2);

/// How often runs are looked for that nobody has used for long.
const ROUND: Duration = Duration::from_secs(30);

/// Follows the journal until the engine stops.
pub(crate) async fn follow(inner: Arc<Inner>) {
    let mut wakes = inner.model.wakes.receiver().expect("an engine has one follower");
    let mut pause = Duration::from_millis(100);
    let mut complained = false;
    while !inner.stop.is_cancelled() {
        let started = Instant::now();
        match install(&inner).await {
            Ok(Some(feed)) => {
                let seconds = started.elapsed().as_secs_f64();
                let runs = inner.model.loaded();
                tracing::info!(
                    game.runs = runs.len(),
                    "Game `{}` installed in {seconds:.3}s.",
                    inner.game.slug()
                );
                inner.installed.send_replace(true);
                runs.into_iter().for_each(|run| inner.note(run, What::Started(None)));
                (pause, complained) = (Duration::from_millis(100), false);
                apply_all(&inner, feed, &mut wakes).await;
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

/// Loads the game and its runs; waits first when the game does not exist yet.
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

async fn apply_all(
    inner: &Arc<Inner>,
    mut feed: Box<dyn ChangeFeed>,
    wakes: &mut mpsc::Receiver<Wake>,
) {
    let mut round = tokio::time::interval(ROUND);
    loop {
        let changes = tokio::select! {
            () = inner.stop.cancelled() => return,
            changes = feed.next() => changes,
            Some(wake) = wakes.recv() => {
                match wake {
                    Wake::Run { run, even_inactive, done } => {
                        wake_up(inner, run, even_inactive, done).await;
                    }
                    Wake::Rest { done } => {
                        put_to_rest(inner, Duration::ZERO);
                        tell(done);
                    }
                }
                continue;
            }
            _ = round.tick(), if inner.options.rest_after.is_some() => {
                if let Some(after) = inner.options.rest_after {
                    put_to_rest(inner, after);
                }
                continue;
            }
        };
        // The store has closed its feed: the service ends, or the follower starts anew.
        let Some(changes) = changes else {
            inner.installed.send_replace(false);
            return;
        };
        apply(inner, &changes).await;
        for user in changes.iter().filter_map(locked_out) {
            inner.messages.dismiss(user).await;
        }
        note_applied(inner, &changes);
        inner.tell_observers(&changes);
        inner.show(&changes);
    }
}

/// Applies changes, and tells of them.
async fn apply(inner: &Inner, changes: &[Change]) {
    let mut telling = inner.telling.lock().await;
    let mut effects = Effects::default();
    for change in changes {
        inner.model.apply(change, &mut effects);
        if let Some(run) = effects.load.take() {
            inner.bring_about(std::mem::take(&mut effects)).await;
            // Reading it may take long, while others come and go.
            drop(telling);
            activate(inner, run).await;
            telling = inner.telling.lock().await;
            inner.model.announce_activation(run, &mut effects);
        }
    }
    inner.bring_about(effects).await;
}

/// Loads a run for which somebody waits, unless somebody else did before.
async fn wake_up(inner: &Inner, run: RunPk, even_inactive: bool, done: oneshot::Sender<()>) {
    if inner.model.run(run).is_some() {
        return tell(done);
    }
    match inner.store.load_run(run).await {
        Ok(snapshot) => {
            if inner.model.owns(&snapshot) && (even_inactive || is_active(&snapshot)) {
                inner.model.load(&snapshot);
                if let Some(run) = inner.model.run(run) {
                    inner.note(run, What::Started(None));
                }
            }
            tell(done);
        }
        Err(error) => tracing::warn!(run.pk = run.0, "could not load the run: {error}"),
    }
}

/// Whether the run that was read is active. It may have been deactivated by a change that the
/// follower has not come to yet, and that it will pass over as known.
fn is_active(snapshot: &RunSnapshot) -> bool {
    let mut runs = snapshot.objects.iter().filter_map(|stored| Run::from_record(&stored.record));
    runs.any(|run| run.active)
}

/// Tells whoever waits that it can go on.
fn tell(done: oneshot::Sender<()>) {
    if done.send(()).is_err() {
        tracing::debug!("nobody waits for it any more");
    }
}

/// Puts the runs to rest that nobody has used for so long.
fn put_to_rest(inner: &Arc<Inner>, after: Duration) {
    let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
    let since = Timestamp::from_micros(Timestamp::now().micros().saturating_sub(micros));
    for run in inner.model.put_to_rest(since) {
        tracing::debug!(run.pk = read(&run.tree).run().id.0, "the run rests until it is used");
        inner.note(run, What::Stopped(None));
    }
}

/// The user who may not log in any more after a change.
fn locked_out(change: &Change) -> Option<UserPk> {
    match &change.object.record {
        Record::User(user) if change.action == Action::Deleted || !user.is_active => Some(user.id),
        _ => None,
    }
}

/// Loads a run that has become active, however long the store takes, unless it no longer is.
async fn activate(inner: &Inner, run: RunPk) {
    let mut pause = Duration::from_millis(100);
    loop {
        match inner.store.load_run(run).await {
            Ok(snapshot) if is_active(&snapshot) => return inner.model.load(&snapshot),
            Ok(_) => return,
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
