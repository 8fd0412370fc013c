//! What handlers can take as parameters.

use std::any::{Any, type_name};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;

use crate::args::{Args, ArgsError, bind};
use crate::call::Call;
use crate::caller::{Caller, CurrentPhase, Visitor};
use crate::error::{CallError, CallResult};
use crate::handler::{Context, Extract, Moment, OnScope, Rpc, WithArguments};
use crate::moment::Called;
use crate::scope::{InRun, Kind, Scope, Within};

impl<C: OnScope, P: Kind> Extract<C> for Scope<P>
where
    C::Kind: Within<P>,
{
    fn extract(context: &C) -> CallResult<Self> {
        Self::above(context.call())
    }
}

impl<C: WithArguments, T: DeserializeOwned + Send> Extract<C> for Args<T> {
    fn extract(context: &C) -> CallResult<Self> {
        arguments(context.raw())?.map_err(|error| CallError::invalid_argument(error.to_string()))
    }
}

impl<C: WithArguments, T: DeserializeOwned + Send> Extract<C> for Result<Args<T>, ArgsError> {
    fn extract(context: &C) -> CallResult<Self> {
        arguments(context.raw())
    }
}

/// Binds the call's arguments; too many of them is an error whatever the handler takes.
fn arguments<T: DeserializeOwned>(call: &Call) -> CallResult<Result<Args<T>, ArgsError>> {
    match bind(&call.args, &call.kwargs) {
        Err(error @ ArgsError::Surplus { .. }) => {
            Err(CallError::invalid_argument(error.to_string()))
        }
        bound => Ok(bound.map(Args)),
    }
}

impl<K: InRun> Extract<Rpc<K>> for Caller {
    fn extract(context: &Rpc<K>) -> CallResult<Self> {
        Self::of(&context.call)
    }
}

impl<K: InRun, P: Called> Extract<Moment<K, P>> for Caller {
    fn extract(context: &Moment<K, P>) -> CallResult<Self> {
        Self::of(&context.call)
    }
}

impl<C: OnScope> Extract<C> for CurrentPhase
where
    C::Kind: InRun,
{
    fn extract(context: &C) -> CallResult<Self> {
        Self::of(context.call())
    }
}

impl<C: Context> Extract<C> for Visitor {
    fn extract(context: &C) -> CallResult<Self> {
        Ok(Self::new(context.raw().peer))
    }
}

/// A value that all handlers of a game share, given by [`Game::state`](crate::Game::state).
///
/// It lives as long as the process: what must outlive it belongs into the objects' data.
pub struct State<T>(pub Arc<T>);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.0).finish()
    }
}

impl<C: Context, T: Any + Send + Sync> Extract<C> for State<T> {
    fn extract(context: &C) -> CallResult<Self> {
        context.game().shared::<T>().map(Self).ok_or_else(|| {
            let name = type_name::<T>();
            CallError::internal(format!("the game has no state `{name}`, give it by `Game::state`"))
        })
    }
}

/// Random numbers for one call: a generator of the crate `rand`.
///
/// What comes out follows from the game's seed ([`Game::seed`](crate::Game::seed), otherwise chosen
/// at start), the scope, and how far its run had come. A call that is run again because others
/// overtook it draws anew.
#[derive(Debug)]
pub struct Random(StdRng);

impl Deref for Random {
    type Target = StdRng;

    fn deref(&self) -> &StdRng {
        &self.0
    }
}

impl DerefMut for Random {
    fn deref_mut(&mut self) -> &mut StdRng {
        &mut self.0
    }
}

impl<C: OnScope> Extract<C> for Random {
    fn extract(context: &C) -> CallResult<Self> {
        let call = context.call();
        let (resource, pk) = call.key();
        let at = call.place.as_ref().map_or(0, |place| place.run.at());
        let words = [call.game.seed_number(), resource as u64, pk.unsigned_abs(), at];
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Ok(Self(StdRng::from_seed(seed)))
    }
}
