//! Handling one call: find the scope, wait for the turn, run the handler, commit, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use sim_games_types::{Idempotency, Reference, Resource, UnitOfWork, UserPk};
use tokio::sync::{OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use tokio::time::timeout;
use tracing::Instrument;

use crate::answer::{FirstAnswer, idempotency_key};
use crate::call::{Call, CallData, Place, Reach};
use crate::error::{CallError, CallResult};
use crate::events::Announcer;
use crate::game::{Method, Turn};
use crate::handler::BoxFuture;
use crate::inner::Inner;
use crate::model::LoadedRun;
use crate::ports::StoreError;
use crate::stage::{Announcement, Key};
use crate::sync::read;
use crate::tree::Owner;

/// How often a call is run again when others changed what it had read.
pub(crate) const ATTEMPTS: usize = 5;

/// Answers one call.
pub(crate) async fn handle(inner: &Inner, call: &Call) -> CallResult<String> {
    let root = &inner.options.root;
    if *call.uri == *root.ready() {
        return Ok(inner.installed.borrow().to_string());
    }
    let unknown = || CallError::no_such_procedure(&call.uri);
    if let Some(function) = root.name_of(&call.uri).and_then(|name| inner.game.free_procedure(name))
    {
        return guarded(inner, function(inner.game.clone(), call.clone(), ())).await;
    }
    let address = root.parse(&call.uri).ok_or_else(unknown)?;
    let method = inner.game.method(address.resource, address.name).ok_or_else(unknown)?;
    on_scope(inner, call, (address.resource, address.pk.unwrap_or(0)), method).await
}

/// Handles a message to a topic of a game's own, as a call to which nobody waits for an answer.
pub(crate) async fn listen(inner: &Inner, message: &Call) -> CallResult<()> {
    let root = &inner.options.root;
    if let Some(function) = root.name_of(&message.uri).and_then(|name| inner.game.free_topic(name))
    {
        let done = function(inner.game.clone(), message.clone(), ());
        return guarded(inner, done).await.map(drop);
    }
    let Some(address) = root.parse(&message.uri) else { return Ok(()) };
    let Some(method) = inner.game.topic(address.resource, address.name) else { return Ok(()) };
    let key = (address.resource, address.pk.unwrap_or(0));
    on_scope(inner, message, key, method).await.map(drop)
}

async fn on_scope(inner: &Inner, call: &Call, key: Key, method: &Method) -> CallResult<String> {
    let data = CallData::resolve(inner, call, key)?;
    if method.turn == Turn::None {
        return guarded(inner, checked(method)(Arc::new(data))).await;
    }
    let whole_run = method.turn == Turn::WholeRun;
    let _turn = turn(inner, data.place.as_ref(), whole_run).await?;
    let (owner, user) = (data.owner(), call.peer.user.ok_or_else(CallError::forbidden)?);
    let repeated = idempotency_key(call)?;
    if let Some(key) = &repeated {
        let first = inner.store.first_answer(user, &call.uri, key).await.map_err(not_saved)?;
        if let Some(first) = first {
            return FirstAnswer::read(&first);
        }
    }
    let resolve = || {
        // Rights are checked again inside the turn: the caller may have been moved meanwhile.
        let data = CallData::resolve(inner, call, key)?;
        if data.owner() != owner {
            return Err(CallError::conflict("not saved: the scope has moved meanwhile; try again"));
        }
        Ok(CallData { reach: reach(&data, whole_run), ..data })
    };
    let remember = |outcome: &CallResult<String>| {
        let key = repeated.clone()?;
        let answer = FirstAnswer::write(outcome)?;
        Some(Idempotency { user, scope: call.uri.to_string(), key, answer })
    };
    in_turn(inner, resolve, checked(method), remember).await
}

/// Something that the service does on its own account on a scope.
pub(crate) struct Deed<'a> {
    /// Where the scope lies; nowhere for the game itself.
    pub(crate) place: Option<Place>,
    /// The scope.
    pub(crate) key: Key,
    /// Whether it excludes all other calls into the run.
    pub(crate) whole_run: bool,
    /// What it is, for people who read the audit log.
    pub(crate) cause: &'a str,
    /// Who asked for it, if somebody did.
    pub(crate) by: Option<UserPk>,
}

impl<'a> Deed<'a> {
    /// Something that is done to a run as a whole.
    pub(crate) fn on_run(run: &Arc<LoadedRun>, cause: &'a str, by: UserPk) -> Self {
        let key = (Resource::Run, read(&run.tree).run().id.0);
        let place = Some(Place { run: run.clone(), owner: Owner::Run });
        Self { place, key, whole_run: true, cause, by: Some(by) }
    }
}

/// Does something on the service's own account, in the turn of the scope, and gives the answer.
///
/// Nothing happens when the scope has gone meanwhile.
pub(crate) async fn on_own_account(
    inner: &Inner,
    deed: &Deed<'_>,
    act: impl Fn(Arc<CallData>) -> BoxFuture<CallResult<String>>,
) -> CallResult<String> {
    let done = async {
        let _turn = turn(inner, deed.place.as_ref(), deed.whole_run).await?;
        let resolve = || {
            let data = CallData::of_service(inner, deed);
            let data = data.ok_or_else(|| CallError::not_found("the scope has gone"))?;
            Ok(CallData { reach: reach(&data, deed.whole_run), ..data })
        };
        in_turn(inner, resolve, act, |_| None).await
    };
    done.instrument(deed.span()).await
}

fn reach(data: &CallData, whole_run: bool) -> Reach {
    match &data.place {
        None => Reach::Game,
        Some(place) => {
            let run = read(&place.run.tree).run().id;
            if whole_run || place.owner == Owner::Run {
                Reach::Run(run)
            } else {
                Reach::Lane(run, place.owner)
            }
        }
    }
}

/// A method that first asks its rule.
fn checked(method: &Method) -> impl Fn(Arc<CallData>) -> BoxFuture<CallResult<String>> + use<> {
    let method = method.clone();
    move |data| {
        let method = method.clone();
        Box::pin(async move {
            if let Some(access) = &method.access {
                access.check(&data)?;
            }
            (method.procedure)(data).await
        })
    }
}

/// The right to be the only call on a world, a member, a whole run, or the game. Dropping it ends
/// the turn.
enum Held {
    Lane { _run: OwnedRwLockReadGuard<()>, _lane: OwnedMutexGuard<()> },
    Run { _run: OwnedRwLockWriteGuard<()> },
    Game { _game: OwnedMutexGuard<()> },
}

/// Waits for the turn. Locks are always taken in one order: the run, then the lane.
async fn turn(inner: &Inner, place: Option<&Place>, whole_run: bool) -> CallResult<Held> {
    let wait = async {
        let Some(place) = place else {
            return Held::Game { _game: inner.game_lane.clone().lock_owned().await };
        };
        let lane = read(&place.run.tree).lane(place.owner).filter(|_| !whole_run);
        let gate = place.run.gate.clone();
        match lane {
            Some(lane) => {
                Held::Lane { _run: gate.read_owned().await, _lane: lane.lock_owned().await }
            }
            None => Held::Run { _run: gate.write_owned().await },
        }
    };
    timeout(inner.options.call_timeout, wait.instrument(tracing::debug_span!("turn")))
        .await
        .map_err(|_| CallError::unavailable("not saved: others are being served; try again"))
}

/// Runs a writing call while it has the turn, until nobody has overtaken it.
async fn in_turn(
    inner: &Inner,
    resolve: impl Fn() -> CallResult<CallData>,
    act: impl Fn(Arc<CallData>) -> BoxFuture<CallResult<String>>,
    remember: impl Fn(&CallResult<String>) -> Option<Idempotency>,
) -> CallResult<String> {
    for _ in 0..ATTEMPTS {
        let data = Arc::new(resolve()?);
        let outcome = guarded(inner, act(data.clone())).await;
        let (unit, mut announcements) = unit_of(&data, &outcome, remember(&outcome));
        let Some(unit) = unit else {
            announce(inner, &data, announcements).await;
            return outcome;
        };
        let begun = Instant::now();
        let commit = inner.store.commit(unit, data.call.id());
        let committed = commit.instrument(tracing::debug_span!("commit")).await;
        inner.figures.committed(begun.elapsed());
        match committed {
            Ok(committed) => {
                visible(inner, committed.seq).await?;
                if let Some(first) = committed.replayed {
                    return FirstAnswer::read(&first);
                }
                let filled =
                    |text: &str| Reference::fill_in(text, &committed.references).into_owned();
                for announcement in &mut announcements {
                    announcement.args = filled(&announcement.args).into();
                }
                announce(inner, &data, announcements).await;
                return outcome.map(|answer| filled(&answer));
            }
            Err(StoreError::Conflict { seq }) => visible(inner, seq).await?,
            Err(error) => return Err(not_saved(error)),
        }
    }
    Err(CallError::conflict("not saved: others keep changing the same data; try again"))
}

/// Waits until what was stored is in the tree. A store that cannot be reached any more may not tell
/// of it for long, and must not keep others from the world meanwhile.
pub(crate) async fn visible(inner: &Inner, seq: u64) -> CallResult<()> {
    timeout(inner.options.call_timeout, inner.reached(seq)).await.map_err(|_| {
        CallError::unavailable("saved, but it cannot be shown at the moment")
            .because("the store does not tell of what it has stored")
    })
}

/// Waits for a handler; a panic, or one that does not return, is an error of this call.
pub(crate) async fn guarded(
    inner: &Inner,
    future: BoxFuture<CallResult<String>>,
) -> CallResult<String> {
    let future = AssertUnwindSafe(future.instrument(tracing::debug_span!("handler")));
    match timeout(inner.options.call_timeout, future.catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(panicked(&*panic)),
        Err(_) => Err(CallError::unavailable("not saved: the call took too long; try again")
            .because("the handler did not return in time")),
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> CallError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    CallError::internal(format!("panic: {text}"))
}

/// What is to be stored: what the handler staged, and the answer when the call carries a key.
/// Nothing at all when there is neither. What is to be announced stands beside it.
fn unit_of(
    data: &CallData,
    outcome: &CallResult<String>,
    idempotency: Option<Idempotency>,
) -> (Option<UnitOfWork>, Vec<Announcement>) {
    let (preconditions, operations, announcements) = match outcome {
        Ok(_) => data.take_stage().finish(),
        // A handler that fails writes nothing.
        Err(_) => Default::default(),
    };
    if operations.is_empty() && idempotency.is_none() {
        return (None, announcements);
    }
    let cause = Some(data.call.uri.to_string());
    let actor = data.call.peer.user;
    let unit = UnitOfWork { actor, cause, preconditions, operations, idempotency };
    (Some(unit), announcements)
}

/// Publishes a game's own events, to whoever may see the scopes now.
async fn announce(inner: &Inner, data: &CallData, announcements: Vec<Announcement>) {
    let Some(place) = data.place.as_ref().filter(|_| !announcements.is_empty()) else { return };
    let mut events = Vec::new();
    {
        let tree = read(&place.run.tree);
        let root = &inner.options.root;
        let mut announcer = Announcer { root, tree: &tree, out: &mut events };
        announcements.iter().for_each(|announcement| announcer.own(announcement));
    }
    inner.publish_all(events).await;
}

pub(crate) fn not_saved(error: StoreError) -> CallError {
    match error {
        StoreError::Unavailable(cause) => {
            tracing::warn!("the games store is not available: {cause}");
            CallError::unavailable("not saved, try again")
        }
        other => CallError::internal(other),
    }
}

#[cfg(test)]
mod tests;
