//! Handling one call: find the scope, wait for the turn, run the handler, commit, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sim_games_types::{Idempotency, Resource, UnitOfWork, UserPk};
use tokio::sync::{OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use tokio::time::timeout;

use crate::call::{Call, CallData};
use crate::engine::Inner;
use crate::error::{CallError, CallResult};
use crate::game::Method;
use crate::game_scope;
use crate::ports::StoreError;
use crate::sync::read;
use crate::tree::Owner;

/// How often a call is run again when others changed what it had read.
const ATTEMPTS: usize = 5;

/// The longest key of a repeatable call: it is stored with the answer.
const MAX_KEY: usize = 200;

/// Answers one call.
pub(crate) async fn handle(inner: &Inner, call: &Call) -> CallResult<String> {
    let root = &inner.options.root;
    if *call.uri == *root.ready() {
        return Ok(inner.installed.borrow().to_string());
    }
    let address = root.parse(&call.uri).ok_or_else(|| CallError::no_such_procedure(&call.uri))?;
    let (resource, Some(pk)) = (address.resource, address.pk) else {
        return game_scope::call(&inner.model, address, call.peer);
    };
    if matches!(resource, Resource::Phase | Resource::Role) {
        return game_scope::call(&inner.model, address, call.peer);
    }
    let method = inner
        .game
        .method(resource, address.name)
        .ok_or_else(|| CallError::no_such_procedure(&call.uri))?;
    let data = CallData::resolve(inner, call, resource, pk)?;
    if method.read_only {
        return run(inner, method, Arc::new(data)).await;
    }
    let _turn = turn(inner, &data).await?;
    in_turn(inner, method, call, (resource, pk), data.owner).await
}

/// The right to be the only call on a world, a member or a whole run. Dropping it ends the turn.
enum Turn {
    Lane { _run: OwnedRwLockReadGuard<()>, _lane: OwnedMutexGuard<()> },
    Run { _run: OwnedRwLockWriteGuard<()> },
}

/// Waits for the turn. Locks are always taken in one order: the run, then the lane.
async fn turn(inner: &Inner, data: &CallData) -> CallResult<Turn> {
    let lane = read(&data.run.tree).lane(data.owner);
    let gate = data.run.gate.clone();
    let wait = async {
        match lane {
            Some(lane) => {
                Turn::Lane { _run: gate.read_owned().await, _lane: lane.lock_owned().await }
            }
            None => Turn::Run { _run: gate.write_owned().await },
        }
    };
    timeout(inner.options.call_timeout, wait)
        .await
        .map_err(|_| CallError::unavailable("not saved: others are being served; try again"))
}

/// Runs a writing call while it has the turn.
async fn in_turn(
    inner: &Inner,
    method: &Method,
    call: &Call,
    (resource, pk): (Resource, i64),
    owner: Owner,
) -> CallResult<String> {
    let key = idempotency_key(call)?;
    let user = call.peer.user.ok_or_else(CallError::forbidden)?;
    if let Some(key) = &key {
        let first = inner.store.first_answer(user, &call.uri, key).await.map_err(not_saved)?;
        if let Some(first) = first {
            return FirstAnswer::read(&first);
        }
    }
    for _ in 0..ATTEMPTS {
        // Rights are checked again inside the turn: the caller may have been moved meanwhile.
        let data = Arc::new(CallData::resolve(inner, call, resource, pk)?);
        if data.owner != owner {
            return Err(CallError::conflict("not saved: the scope has moved meanwhile; try again"));
        }
        let outcome = run(inner, method, data.clone()).await;
        let Some(unit) = unit_of(&data, user, &outcome, key.as_deref()) else { return outcome };
        match inner.store.commit(unit).await {
            Ok(committed) => {
                inner.reached(committed.seq).await;
                let Some(first) = committed.replayed else { return outcome };
                return FirstAnswer::read(&first);
            }
            Err(StoreError::Conflict { seq }) => inner.reached(seq).await,
            Err(error) => return Err(not_saved(error)),
        }
    }
    Err(CallError::conflict("not saved: others keep changing the same data; try again"))
}

/// Runs the procedure itself; a panic or a handler that does not return is an error of this call.
async fn run(inner: &Inner, method: &Method, data: Arc<CallData>) -> CallResult<String> {
    let uri = data.call.uri.clone();
    let handler = AssertUnwindSafe(async move { (method.procedure)(data).await }).catch_unwind();
    match timeout(inner.options.call_timeout, handler).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(CallError::internal(format!("panic: {}", panic_text(&*panic)))),
        Err(_) => {
            tracing::error!(rpc.uri = &*uri, "a handler did not return in time");
            Err(CallError::unavailable("not saved: the call took too long; try again"))
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// What is to be stored: what the handler staged, and the answer when the call carries a key.
/// Nothing at all when there is neither.
fn unit_of(
    data: &CallData,
    user: UserPk,
    outcome: &CallResult<String>,
    key: Option<&str>,
) -> Option<UnitOfWork> {
    let idempotency = key.and_then(|key| {
        Some(Idempotency {
            user,
            scope: data.call.uri.to_string(),
            key: key.to_owned(),
            answer: FirstAnswer::write(outcome)?,
        })
    });
    let (preconditions, operations) = match outcome {
        Ok(_) => data.take_stage().finish(),
        // A handler that fails writes nothing.
        Err(_) => Default::default(),
    };
    if operations.is_empty() && idempotency.is_none() {
        return None;
    }
    let cause = Some(data.call.uri.to_string());
    Some(UnitOfWork { actor: Some(user), cause, preconditions, operations, idempotency })
}

fn not_saved(error: StoreError) -> CallError {
    match error {
        StoreError::Unavailable(cause) => {
            tracing::warn!("the games store is not available: {cause}");
            CallError::unavailable("not saved, try again")
        }
        other => CallError::internal(other),
    }
}

/// The key by which the caller recognizes a repetition, if the call carries one.
fn idempotency_key(call: &Call) -> CallResult<Option<String>> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(default)]
        idempotency_key: Value,
    }
    // The text is looked at first: hardly any call carries a key.
    if !call.kwargs.contains("idempotency_key") {
        return Ok(None);
    }
    // A fault elsewhere in the arguments is told when they are bound.
    match serde_json::from_str(&call.kwargs).map(|Keyed { idempotency_key: key }| key) {
        Ok(Value::Null) | Err(_) => Ok(None),
        Ok(Value::String(key)) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key)),
        Ok(_) => Err(CallError::invalid_argument(format!(
            "`idempotency_key` must be a text of 1 to {MAX_KEY} bytes"
        ))),
    }
}

/// An answer as it is stored, so that the same call, repeated, is answered alike.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FirstAnswer {
    Result(Box<serde_json::value::RawValue>),
    Error { uri: String, args: Vec<Value>, kwargs: Map<String, Value> },
}

impl FirstAnswer {
    /// The answer's stored form. Faults of the service are not remembered: a repetition may do
    /// better.
    fn write(outcome: &CallResult<String>) -> Option<String> {
        let answer = match outcome {
            Ok(answer) => {
                Self::Result(serde_json::value::RawValue::from_string(answer.clone()).ok()?)
            }
            Err(error) if is_fault(error) => return None,
            Err(error) => Self::Error {
                uri: error.uri().to_owned(),
                args: error.args().to_vec(),
                kwargs: error.kwargs().clone(),
            },
        };
        serde_json::to_string(&answer).ok()
    }

    fn read(stored: &str) -> CallResult<String> {
        match serde_json::from_str(stored)? {
            Self::Result(answer) => Ok(answer.get().to_owned()),
            Self::Error { uri, args, kwargs } => {
                Err(CallError::from_parts(uri.into(), args, kwargs))
            }
        }
    }
}

fn is_fault(error: &CallError) -> bool {
    matches!(error.uri(), "wamp.error.runtime_error" | "wamp.error.unavailable")
}

#[cfg(test)]
mod tests;
