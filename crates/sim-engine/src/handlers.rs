//! The handlers of one kind of scope, as an author declares them.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sim_games_types::{Run, RunUser, World};

use crate::call::CallData;
use crate::error::CallResult;
use crate::handler::{BoxFuture, Handler, Moment, Rpc};
use crate::moment::{
    Activated, Connected, Deactivated, Departed, Disconnected, Due, Moved, NewWorld, Newcomer,
    NextPhase, PreviousPhase, Started, Step, Stopped,
};
use crate::rules::Access;
use crate::scope::{HasData, InRun, Kind, Marker};

/// A registered procedure, its parameter types forgotten.
pub(crate) type Procedure =
    Arc<dyn Fn(Arc<CallData>) -> BoxFuture<CallResult<String>> + Send + Sync>;

/// A registered hook, its parameter types forgotten.
pub(crate) type Hook<P> =
    Arc<dyn Fn(Arc<CallData>, P) -> BoxFuture<CallResult<String>> + Send + Sync>;

/// What a procedure's declaration says.
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) procedure: Procedure,
    pub(crate) access: Option<Access>,
    pub(crate) replaces: bool,
}

/// The hooks that exist on one kind of scope only.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) advance: Vec<Hook<NextPhase>>,
    pub(crate) rollback: Vec<Hook<PreviousPhase>>,
    pub(crate) newcomer: Vec<Hook<Newcomer>>,
    pub(crate) departed: Vec<Hook<Departed>>,
    pub(crate) moved: Vec<Hook<Moved>>,
    pub(crate) new_world: Vec<Hook<NewWorld>>,
    pub(crate) activated: Vec<Hook<Activated>>,
    pub(crate) deactivated: Vec<Hook<Deactivated>>,
    pub(crate) connected: Vec<Hook<Connected>>,
    pub(crate) disconnected: Vec<Hook<Disconnected>>,
    pub(crate) step: Vec<Hook<Step>>,
}

impl Hooks {
    pub(crate) fn extend(&mut self, other: Self) {
        self.advance.extend(other.advance);
        self.rollback.extend(other.rollback);
        self.newcomer.extend(other.newcomer);
        self.departed.extend(other.departed);
        self.moved.extend(other.moved);
        self.new_world.extend(other.new_world);
        self.activated.extend(other.activated);
        self.deactivated.extend(other.deactivated);
        self.connected.extend(other.connected);
        self.disconnected.extend(other.disconnected);
        self.step.extend(other.step);
    }
}

/// The handlers of one kind of scope; made by [`Kind::handlers`].
///
/// A handler on the wrong kind of scope does not compile:
///
/// ```compile_fail
/// use sim_engine::{CallResult, Kind, Scope};
/// use sim_games_types::{Period, Run};
///
/// async fn of_a_period(period: Scope<Period>) -> CallResult<()> {
///     Ok(())
/// }
///
/// let handlers = Run::handlers().rpc("of_a_period", of_a_period);
/// ```
///
/// and neither does a hook where there is none:
///
/// ```compile_fail
/// use sim_engine::{CallResult, Kind, NextPhase};
/// use sim_games_types::Period;
///
/// async fn on_advance(next: NextPhase) -> CallResult<()> {
///     Ok(())
/// }
///
/// let handlers = Period::handlers().on_advance_phase(on_advance);
/// ```
pub struct Handlers<K> {
    pub(crate) methods: Vec<Declared>,
    pub(crate) topics: Vec<Declared>,
    pub(crate) timers: Vec<(String, Hook<Due>)>,
    pub(crate) started: Vec<Hook<Started>>,
    pub(crate) stopped: Vec<Hook<Stopped>>,
    pub(crate) hooks: Hooks,
    kind: Marker<K>,
}

impl<K: Kind> Handlers<K> {
    pub(crate) fn new() -> Self {
        Self {
            methods: Vec::new(),
            topics: Vec::new(),
            timers: Vec::new(),
            started: Vec::new(),
            stopped: Vec::new(),
            hooks: Hooks::default(),
            kind: PhantomData,
        }
    }

    /// Registers a procedure: members who may see the scope can call it.
    #[must_use]
    pub fn rpc<P>(self, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.declare(name, None, handler, false)
    }

    /// Registers a procedure for those whom a rule lets in, for example `leader()`.
    #[must_use]
    pub fn rpc_for<P>(self, access: Access, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.declare(name, Some(access), handler, false)
    }

    /// Registers a procedure in place of one that exists, for example of a built-in one.
    #[must_use]
    pub fn replace_rpc<P>(self, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.declare(name, None, handler, true)
    }

    fn declare<P>(
        mut self,
        name: &str,
        access: Option<Access>,
        handler: impl Handler<Rpc<K>, P>,
        replaces: bool,
    ) -> Self {
        let (name, procedure) = (name.to_owned(), erased(handler));
        self.methods.push(Declared { name, procedure, access, replaces });
        self
    }

    /// Calls a function when a browser publishes to the scope's topic of this name.
    ///
    /// It is handled as a call is, in its turn, but nobody gets an answer: a refusal is published on
    /// the user's error topic.
    #[must_use]
    pub fn subscribe<P>(self, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.listen(name, None, handler)
    }

    /// The same for messages of those whom a rule lets in.
    #[must_use]
    pub fn subscribe_for<P>(
        self,
        access: Access,
        name: &str,
        handler: impl Handler<Rpc<K>, P>,
    ) -> Self {
        self.listen(name, Some(access), handler)
    }

    fn listen<P>(
        mut self,
        name: &str,
        access: Option<Access>,
        handler: impl Handler<Rpc<K>, P>,
    ) -> Self {
        let (name, procedure) = (name.to_owned(), erased(handler));
        self.topics.push(Declared { name, procedure, access, replaces: false });
        self
    }
}

fn erased<K: Kind, P>(handler: impl Handler<Rpc<K>, P>) -> Procedure {
    Arc::new(move |call| handler.clone().handle(Rpc { call, kind: PhantomData }))
}

fn hook<K: Kind, T: Send + Sync + 'static, P>(handler: impl Handler<Moment<K, T>, P>) -> Hook<T> {
    Arc::new(move |call, payload| {
        handler.clone().handle(Moment { call, payload, kind: PhantomData })
    })
}

macro_rules! hooks {
    ($kind:ty: $($(#[$doc:meta])* $name:ident($field:ident: $payload:ty)),+ $(,)?) => {
        impl Handlers<$kind> {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name<P>(mut self, handler: impl Handler<Moment<$kind, $payload>, P>) -> Self {
                    self.hooks.$field.push(hook(handler));
                    self
                }
            )+
        }
    };
}

hooks! { Run:
    /// Calls a function when a run goes to its next phase.
    ///
    /// What it stages is stored together with the phase; when it fails, the phase stays.
    on_advance_phase(advance: NextPhase),
    /// Calls a function when a run goes back to its previous phase.
    ///
    /// What it stages is stored together with the phase; when it fails, the phase stays.
    on_rollback_phase(rollback: PreviousPhase),
    /// Calls a function when a member has come into a loaded run, whoever stored it.
    on_runuser_created(newcomer: Newcomer),
    /// Calls a function when a member has left a loaded run.
    on_runuser_deleted(departed: Departed),
    /// Calls a function when a member has been moved to another world.
    on_runuser_moved(moved: Moved),
    /// Calls a function when a world has come into a loaded run.
    on_world_created(new_world: NewWorld),
    /// Calls a function when a run has become active while the service runs.
    on_activated(activated: Activated),
    /// Calls a function when a run has stopped being active.
    on_deactivated(deactivated: Deactivated),
}

hooks! { RunUser:
    /// Calls a function when a member comes online, with the first of its sessions.
    on_connected(connected: Connected),
    /// Calls a function when a member goes offline, with the last of its sessions.
    on_disconnected(disconnected: Disconnected),
}

hooks! { World:
    /// Calls a function when the leader lets the world go on to its next round, by `world.{pk}.step`
    /// or by `run.{pk}.step`, in place of closing the round and opening the next one.
    on_step(step: Step),
}

impl<K: InRun> Handlers<K> {
    /// Calls a function when a scope has come into memory: when it was created, and for every one
    /// when its run is loaded. What it prepares it must look for first.
    #[must_use]
    pub fn on_start<P>(mut self, handler: impl Handler<Moment<K, Started>, P>) -> Self {
        self.started.push(hook(handler));
        self
    }

    /// Calls a function when a scope goes from memory: when it was deleted, and for every one when
    /// its run is unloaded.
    #[must_use]
    pub fn on_stop<P>(mut self, handler: impl Handler<Moment<K, Stopped>, P>) -> Self {
        self.stopped.push(hook(handler));
        self
    }
}

impl<K: InRun + HasData> Handlers<K> {
    /// Calls a function when a timer of this name is due, see [`Scope::set_timer`](crate::Scope).
    ///
    /// The timer goes with what the function stages, or stays when that cannot be stored now.
    #[must_use]
    pub fn on_timer<P>(mut self, name: &str, handler: impl Handler<Moment<K, Due>, P>) -> Self {
        self.timers.push((name.to_owned(), hook(handler)));
        self
    }
}

impl<K: Kind> fmt::Debug for Handlers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.methods.iter().map(|declared| &declared.name).collect();
        f.debug_struct("Handlers")
            .field("kind", &K::RESOURCE)
            .field("methods", &names)
            .finish_non_exhaustive()
    }
}
