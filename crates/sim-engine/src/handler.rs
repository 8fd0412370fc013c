//! Handlers: plain async functions whose parameters say what they need.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;

use crate::call::{Call, CallData};
use crate::error::CallResult;
use crate::game::Game;
use crate::scope::{Kind, Marker};

/// The future of a handler: owned, so that it can be stored and cancelled.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// A call of a procedure on a scope of kind `K`, or a message to a topic of one.
#[derive(Debug)]
pub struct Rpc<K> {
    pub(crate) call: Arc<CallData>,
    pub(crate) kind: Marker<K>,
}

/// Something happened to a scope of kind `K`; `P` tells what.
#[derive(Debug)]
pub struct Moment<K, P> {
    pub(crate) call: Arc<CallData>,
    pub(crate) payload: P,
    pub(crate) kind: Marker<K>,
}

/// A call of a procedure that belongs to no scope, or something that happened anywhere in the game.
#[derive(Debug)]
pub struct Free<P> {
    pub(crate) game: Arc<Game>,
    pub(crate) call: Call,
    pub(crate) payload: P,
}

/// An occasion on which handlers are called.
pub trait Context: sealed::Sealed + Send + Sync + 'static {}

/// An occasion that concerns a scope.
pub trait OnScope: Context + sealed::Scoped {
    /// The scope's kind.
    type Kind: Kind;
}

/// An occasion that carries arguments.
pub trait WithArguments: Context {}

pub(crate) mod sealed {
    use std::sync::Arc;

    use crate::call::{Call, CallData};
    use crate::game::Game;

    /// Keeps the inside of an occasion inside this crate.
    pub trait Sealed {
        fn game(&self) -> &Arc<Game>;
        fn raw(&self) -> &Call;
    }

    /// The same for occasions that concern a scope.
    #[expect(private_interfaces, reason = "the trait is sealed: no one outside can name it")]
    pub trait Scoped {
        fn call(&self) -> &Arc<CallData>;
    }
}

macro_rules! on_scope {
    ($([$($generics:tt)*] $name:ty => $kind:ty),+ $(,)?) => {$(
        impl<$($generics)*> sealed::Sealed for $name {
            fn game(&self) -> &Arc<Game> {
                &self.call.game
            }

            fn raw(&self) -> &Call {
                &self.call.call
            }
        }

        impl<$($generics)*> sealed::Scoped for $name {
            #[expect(private_interfaces, reason = "the trait is sealed: no one outside can name it")]
            fn call(&self) -> &Arc<CallData> {
                &self.call
            }
        }

        impl<$($generics)*> Context for $name {}

        impl<$($generics)*> OnScope for $name {
            type Kind = $kind;
        }
    )+};
}

on_scope! { [K: Kind] Rpc<K> => K, [K: Kind, P: Send + Sync + 'static] Moment<K, P> => K }

impl<P> sealed::Sealed for Free<P> {
    fn game(&self) -> &Arc<Game> {
        &self.game
    }

    fn raw(&self) -> &Call {
        &self.call
    }
}

impl<P: Send + Sync + 'static> Context for Free<P> {}
impl<K: Kind> WithArguments for Rpc<K> {}
impl WithArguments for Free<()> {}

/// Something that a handler can take as a parameter on an occasion `C`.
#[diagnostic::on_unimplemented(
    message = "a handler for `{C}` cannot take `{Self}`",
    label = "not available here",
    note = "a procedure takes `Scope<K>` of its own kind or of one in which it lies, `Caller`, \
            `CurrentPhase`, `Args<T>` or `Result<Args<T>, ArgsError>`, `State<T>`, `Random` and \
            `Visitor`; a hook takes scopes, `State<T>`, `Random` and what its occasion tells"
)]
pub trait Extract<C>: Sized + Send {
    /// Draws the value from the occasion.
    ///
    /// # Errors
    /// The error that answers the call when it does not have what the handler needs.
    fn extract(context: &C) -> CallResult<Self>;
}

/// An async function that can handle an occasion `C`.
///
/// Implemented for functions of up to eight parameters that are all [`Extract<C>`] and that return
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
handlers! { A1 A2 A3 A4 A5 A6 A7 }
handlers! { A1 A2 A3 A4 A5 A6 A7 A8 }
