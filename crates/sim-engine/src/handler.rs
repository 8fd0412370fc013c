//! Handlers: plain async functions whose parameters say what they need.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sim_games_types::{Phase, Run};

use crate::args::{Args, ArgsError, bind};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::scope::{Caller, CurrentPhase, Kind, Marker, Scope};

/// The future of a handler: owned, so that it can be stored and cancelled.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// A call of a procedure on a scope of kind `K`.
#[derive(Debug)]
pub struct Rpc<K> {
    pub(crate) call: Arc<CallData>,
    pub(crate) kind: Marker<K>,
}

/// A run is about to go to its next phase.
#[derive(Debug)]
pub struct Advance {
    pub(crate) call: Arc<CallData>,
    pub(crate) phase: Phase,
}

/// A run is about to go back to its previous phase.
#[derive(Debug)]
pub struct Rollback {
    pub(crate) call: Arc<CallData>,
    pub(crate) phase: Phase,
}

/// An occasion on which handlers are called.
pub trait Context: sealed::Sealed + Send + Sync + 'static {}

mod sealed {
    use std::sync::Arc;

    use crate::call::CallData;

    /// Keeps the call's inside inside this crate.
    pub trait Sealed {
        #[expect(private_interfaces, reason = "the trait is sealed: no one outside can name it")]
        fn call(&self) -> &Arc<CallData>;
    }
}

macro_rules! contexts {
    ($([$($generics:tt)*] $name:ty),+ $(,)?) => {$(
        impl<$($generics)*> sealed::Sealed for $name {
            #[expect(private_interfaces, reason = "the trait is sealed: no one outside can name it")]
            fn call(&self) -> &Arc<CallData> {
                &self.call
            }
        }
        impl<$($generics)*> Context for $name {}
    )+};
}

contexts! { [K: Kind] Rpc<K>, [] Advance, [] Rollback }

/// Something that a handler can take as a parameter on an occasion `C`.
#[diagnostic::on_unimplemented(
    message = "a handler for `{C}` cannot take `{Self}`",
    label = "not available here",
    note = "a procedure takes `Scope<K>` of its own kind, `Caller`, `CurrentPhase`, `Args<T>` or \
            `Result<Args<T>, ArgsError>`; a phase hook takes `Scope<Run>`, `Caller` and \
            `NextPhase` or `PreviousPhase`"
)]
pub trait Extract<C>: Sized + Send {
    /// Draws the value from the call.
    ///
    /// # Errors
    /// The error that answers the call when it does not have what the handler needs.
    fn extract(context: &C) -> CallResult<Self>;
}

impl<K: Kind> Extract<Rpc<K>> for Scope<K> {
    fn extract(context: &Rpc<K>) -> CallResult<Self> {
        Self::of(&context.call)
    }
}

impl<K: Kind, T: DeserializeOwned + Send> Extract<Rpc<K>> for Args<T> {
    fn extract(context: &Rpc<K>) -> CallResult<Self> {
        arguments(&context.call)?.map_err(|error| CallError::invalid_argument(error.to_string()))
    }
}

impl<K: Kind, T: DeserializeOwned + Send> Extract<Rpc<K>> for Result<Args<T>, ArgsError> {
    fn extract(context: &Rpc<K>) -> CallResult<Self> {
        arguments(&context.call)
    }
}

/// Binds the call's arguments; too many of them is an error whatever the handler takes.
fn arguments<T: DeserializeOwned>(call: &CallData) -> CallResult<Result<Args<T>, ArgsError>> {
    match bind(&call.call.args, &call.call.kwargs) {
        Err(error @ ArgsError::Surplus { .. }) => {
            Err(CallError::invalid_argument(error.to_string()))
        }
        bound => Ok(bound.map(Args)),
    }
}

impl<C: Context> Extract<C> for Caller {
    fn extract(context: &C) -> CallResult<Self> {
        Ok(Self::of(context.call()))
    }
}

impl<C: Context> Extract<C> for CurrentPhase {
    fn extract(context: &C) -> CallResult<Self> {
        Ok(Self::of(context.call()))
    }
}

/// The phase to which the run goes.
#[derive(Clone, Debug)]
pub struct NextPhase(pub Phase);

impl Extract<Advance> for NextPhase {
    fn extract(context: &Advance) -> CallResult<Self> {
        Ok(Self(context.phase.clone()))
    }
}

impl Extract<Advance> for Scope<Run> {
    fn extract(context: &Advance) -> CallResult<Self> {
        Self::of(&context.call)
    }
}

/// The phase to which the run goes back.
#[derive(Clone, Debug)]
pub struct PreviousPhase(pub Phase);

impl Extract<Rollback> for PreviousPhase {
    fn extract(context: &Rollback) -> CallResult<Self> {
        Ok(Self(context.phase.clone()))
    }
}

impl Extract<Rollback> for Scope<Run> {
    fn extract(context: &Rollback) -> CallResult<Self> {
        Self::of(&context.call)
    }
}

/// An async function that can handle an occasion `C`.
///
/// Implemented for functions of up to six parameters that are all [`Extract<C>`] and that return
/// `CallResult<impl Serialize>`. `P` only tells the implementations apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler for `{C}`",
    label = "not a handler for this occasion",
    note = "a handler is an `async fn` whose parameters all can be extracted from `{C}` and which \
            returns `CallResult<impl Serialize>`"
)]
pub trait Handler<C, P>: Clone + Send + Sync + 'static {
    /// Calls the function and gives its answer as JSON text.
    fn handle(self, context: C) -> BoxFuture<CallResult<String>>;
}

macro_rules! handlers {
    ($($parameter:ident)*) => {
        impl<C, F, Fut, R, $($parameter),*> Handler<C, ($($parameter,)*)> for F
        where
            C: Context,
            F: Fn($($parameter),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = CallResult<R>> + Send,
            R: Serialize,
            $($parameter: Extract<C>,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "one macro for any number")]
            fn handle(self, context: C) -> BoxFuture<CallResult<String>> {
                Box::pin(async move {
                    $(let $parameter = $parameter::extract(&context)?;)*
                    let answer = self($($parameter),*).await?;
                    Ok(serde_json::to_string(&answer)?)
                })
            }
        }
    };
}

handlers! {}
handlers! { A1 }
handlers! { A1 A2 }
handlers! { A1 A2 A3 }
handlers! { A1 A2 A3 A4 }
handlers! { A1 A2 A3 A4 A5 }
handlers! { A1 A2 A3 A4 A5 A6 }
