//! What happens to a game by itself, and the hooks that are called for it.
//!
//! The follower notes what has happened; each run's occasions are then worked off one after the
//! other, apart from the journal, which never waits for a hook.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sim_games_types::{Change, Resource, RunPk, RunUser, RunUserPk, Stored, Timestamp, WorldPk};

use crate::call::{Call, CallData, Place};
use crate::error::{CallError, CallResult};
use crate::game::Game;
use crate::handler::BoxFuture;
use crate::handlers::Hook;
use crate::inner::Inner;
use crate::model::LoadedRun;
use crate::moment::{
    Activated, Connected, Deactivated, Departed, Disconnected, Due, Happened, Moved, NewWorld,
    Newcomer, Started, Stopped,
};
use crate::scope::{Kind, Scope};
use crate::stage::Key;
use crate::sync::read;
use crate::timers::without_timer;
use crate::tree::Owner;
use crate::work::{Deed, guarded, on_own_account};

/// The longest pause before a hook is tried again whose writes the store could not take.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Something that has happened in a run.
#[derive(Debug)]
pub(crate) struct Occasion {
    pub(crate) run: Arc<LoadedRun>,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Newcomer(RunUserPk),
    Departed(Box<RunUser>),
    Moved(RunUserPk, Option<WorldPk>),
    NewWorld(WorldPk),
    Activated,
    Deactivated,
    /// One scope, or all of the run.
    Started(Option<Key>),
    /// One scope, as it was; or all of the run.
    Stopped(Option<Arc<Stored>>),
    Connected(RunUserPk),
    Disconnected(RunUserPk),
    Due(Key, String),
}

impl What {
    /// Whether the game has anything to do with it.
    pub(crate) fn concerns(&self, game: &Game) -> bool {
        let hooks = game.hooks();
        let any = |of: fn(&Game, Resource) -> bool| Resource::ALL.iter().any(|it| of(game, *it));
        match self {
            Self::Newcomer(_) => !hooks.newcomer.is_empty(),
            Self::Departed(_) => !hooks.departed.is_empty(),
            Self::Moved(..) => !hooks.moved.is_empty(),
            Self::NewWorld(_) => !hooks.new_world.is_empty(),
            Self::Activated => !hooks.activated.is_empty(),
            Self::Deactivated => !hooks.deactivated.is_empty(),
            Self::Started(Some((resource, _))) => !game.started(*resource).is_empty(),
            Self::Stopped(Some(stored)) => !game.stopped(stored.record.resource()).is_empty(),
            Self::Started(None) => any(|game, it| !game.started(it).is_empty()),
            Self::Stopped(None) => any(|game, it| !game.stopped(it).is_empty()),
            Self::Connected(_) => !hooks.connected.is_empty(),
            Self::Disconnected(_) => !hooks.disconnected.is_empty(),
            Self::Due(..) => true,
        }
    }

    /// What kind of occasion it is, as the hooks are named.
    fn label(&self) -> &'static str {
        match self {
            Self::Newcomer(_) => "on_runuser_created",
            Self::Departed(_) => "on_runuser_deleted",
            Self::Moved(..) => "on_runuser_moved",
            Self::NewWorld(_) => "on_world_created",
            Self::Activated => "on_activated",
            Self::Deactivated => "on_deactivated",
            Self::Started(_) => "on_start",
            Self::Stopped(_) => "on_stop",
            Self::Connected(_) => "on_connected",
            Self::Disconnected(_) => "on_disconnected",
            Self::Due(..) => "timer",
        }
    }

    /// For people who read the audit log and the service's own.
    fn name(&self) -> String {
        match self {
            Self::Due(_, name) => format!("timer {name}"),
            other => other.label().to_owned(),
        }
    }
}

/// Calls the hooks for an occasion, again while the store cannot take what they write.
pub(crate) async fn attend(inner: Arc<Inner>, occasion: Occasion) {
    let run = read(&occasion.run.tree).run().id;
    let name = occasion.what.name();
    let mut pause = Duration::from_millis(100);
    loop {
        let Err(error) = call_hooks(&inner, &occasion, run, &name).await else { return };
        // What has a cause is a fault of the hook's, or was stored nevertheless.
        if error.uri() != CallError::UNAVAILABLE || error.cause().is_some() {
            let cause = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
            if error.uri() != CallError::NOT_FOUND {
                inner.figures.hook_failed(occasion.what.label());
                tracing::error!(run.pk = run.0, hook = name, "a hook failed: {cause}");
            }
            return;
        }
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

async fn call_hooks(
    inner: &Arc<Inner>,
    Occasion { run, what }: &Occasion,
    pk: RunPk,
    name: &str,
) -> CallResult<()> {
    let (key, whole_run) = match what {
        What::Connected(member) | What::Disconnected(member) => {
            ((Resource::RunUser, member.0), false)
        }
        What::Due(key, _) => (*key, false),
        _ => ((Resource::Run, pk.0), true),
    };
    let owner = read(&run.tree).owner(key.0, key.1).unwrap_or(Owner::Run);
    let place = Some(Place { run: run.clone(), owner });
    let cause = format!("{name} of {} {}", key.0, key.1);
    let what = what.clone();
    let act = move |data: Arc<CallData>| -> BoxFuture<CallResult<String>> {
        Box::pin(hooks_for(data, what.clone()))
    };
    let deed = Deed { place, key, whole_run, cause: &cause, by: None };
    on_own_account(inner, &deed, act).await.map(drop)
}

/// Calls all hooks of an occasion, in the order in which they were declared.
async fn hooks_for(data: Arc<CallData>, what: What) -> CallResult<String> {
    let game = data.game.clone();
    let hooks = game.hooks();
    match what {
        What::Newcomer(pk) => {
            let newcomer = Newcomer(still_there(&data, pk.0)?);
            all(&hooks.newcomer, &data, newcomer).await
        }
        What::Departed(member) => all(&hooks.departed, &data, Departed(*member)).await,
        What::Moved(pk, from) => {
            let moved = Moved { member: still_there(&data, pk.0)?, from };
            all(&hooks.moved, &data, moved).await
        }
        What::NewWorld(pk) => {
            let world = NewWorld(still_there(&data, pk.0)?);
            all(&hooks.new_world, &data, world).await
        }
        What::Activated => all(&hooks.activated, &data, Activated).await,
        What::Deactivated => all(&hooks.deactivated, &data, Deactivated).await,
        What::Connected(_) => all(&hooks.connected, &data, Connected).await,
        What::Disconnected(_) => all(&hooks.disconnected, &data, Disconnected).await,
        What::Started(Some(key)) => started(&data, key).await,
        What::Started(None) => {
            for key in all_of_run(&data)? {
                started(&data, key).await?;
            }
            Ok(NOTHING.to_owned())
        }
        What::Stopped(Some(stored)) => stopped(&data, stored).await,
        What::Stopped(None) => {
            for (resource, pk) in all_of_run(&data)?.into_iter().rev() {
                let stored = read(&data.loaded_run()?.tree).find(resource, pk).cloned();
                if let Some(stored) = stored {
                    stopped(&data, stored).await?;
                }
            }
            Ok(NOTHING.to_owned())
        }
        What::Due(_, name) => due(&data, &name).await,
    }
}

/// Whom or what a hook is about. That it has gone again meanwhile is no fault of anybody's.
fn still_there<K: Kind>(data: &Arc<CallData>, pk: i64) -> CallResult<Scope<K>> {
    Scope::find(data, pk).map_err(|_| CallError::not_found("it has gone meanwhile"))
}

const NOTHING: &str = "null";

async fn all<P: Clone>(hooks: &[Hook<P>], data: &Arc<CallData>, payload: P) -> CallResult<String> {
    for hook in hooks {
        hook(data.clone(), payload.clone()).await?;
    }
    Ok(NOTHING.to_owned())
}

async fn started(data: &Arc<CallData>, (resource, pk): Key) -> CallResult<String> {
    let game = data.game.clone();
    let hooks = game.started(resource);
    let stored = match hooks.is_empty() {
        true => None,
        false => read(&data.loaded_run()?.tree).find(resource, pk).cloned(),
    };
    // A scope may have gone again before its hooks were called.
    let Some(stored) = stored else { return Ok(NOTHING.to_owned()) };
    all(hooks, &Arc::new(data.on(stored)?), Started).await
}

async fn stopped(data: &Arc<CallData>, stored: Arc<Stored>) -> CallResult<String> {
    let game = data.game.clone();
    let hooks = game.stopped(stored.record.resource());
    if hooks.is_empty() {
        return Ok(NOTHING.to_owned());
    }
    let data = CallData { scope: stored, ..(**data).clone() };
    all(hooks, &Arc::new(data), Stopped).await
}

async fn due(data: &Arc<CallData>, name: &str) -> CallResult<String> {
    let game = data.game.clone();
    let Some(hook) = game.timer(data.key().0, name) else { return Ok(NOTHING.to_owned()) };
    // It may have been set anew or taken back since it was due.
    let Some(rest) = without_timer(data, name, Timestamp::now())? else {
        return Ok(NOTHING.to_owned());
    };
    data.change_scope([("data".to_owned(), Value::Object(rest))].into_iter().collect())?;
    hook(data.clone(), Due).await
}

/// The scopes of the run, parents before children.
fn all_of_run(data: &CallData) -> CallResult<Vec<Key>> {
    Ok(read(&data.loaded_run()?.tree).all_keys())
}

/// Tells those who want to hear of a change.
pub(crate) async fn observe(inner: Arc<Inner>, change: Arc<Change>) {
    let record = &change.object.record;
    let name = format!("{}.{}", record.resource(), change.action);
    let call = Call::of_service(&name, None);
    for function in inner.game.observers(&name) {
        let done = function(inner.game.clone(), call.clone(), Happened(change.clone()));
        if let Err(error) = guarded(&inner, done).await {
            let cause = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
            inner.figures.hook_failed("observer");
            tracing::error!(event = name, "a function that observes failed: {cause}");
        }
    }
}
