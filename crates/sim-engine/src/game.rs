//! A game: what its author declares, as a value.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sim_games_types::{Resource, Run};

use crate::builtin;
use crate::call::CallData;
use crate::error::CallResult;
use crate::handler::{Advance, BoxFuture, Handler, Rollback, Rpc};
use crate::scope::{Kind, Marker};

/// A registered procedure, its parameter types forgotten.
pub(crate) type Procedure =
    Arc<dyn Fn(Arc<CallData>) -> BoxFuture<CallResult<String>> + Send + Sync>;

type Hook<C> = Arc<dyn Fn(C) -> BoxFuture<CallResult<String>> + Send + Sync>;

/// How a procedure is handled.
#[derive(Clone)]
pub(crate) struct Method {
    pub(crate) procedure: Procedure,
    /// Reads the tree and stages nothing: it waits for no other call.
    pub(crate) read_only: bool,
}

/// A simulation's handlers, collected by [`Game::scope`].
///
/// ```
/// use sim_engine::{CallResult, Game, Kind, Scope};
/// use sim_games_types::Period;
///
/// async fn order(period: Scope<Period>) -> CallResult<i64> {
///     Ok(period.order)
/// }
///
/// let game = Game::new("demo").scope(Period::handlers().rpc("get_order", order));
/// assert_eq!(game.slug(), "demo");
/// ```
#[derive(Clone)]
pub struct Game {
    slug: String,
    methods: HashMap<(Resource, String), Method>,
    advance: Vec<Hook<Advance>>,
    rollback: Vec<Hook<Rollback>>,
    problems: Vec<String>,
}

impl Game {
    /// A game without handlers of its own, whose objects lie under this slug.
    #[must_use]
    pub fn new(slug: impl Into<String>) -> Self {
        Self {
            slug: slug.into(),
            methods: builtin::methods(),
            advance: Vec::new(),
            rollback: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Adds the handlers of one kind of scope.
    #[must_use]
    pub fn scope<K: Kind>(mut self, handlers: Handlers<K>) -> Self {
        for declared in handlers.methods {
            let key = (K::RESOURCE, declared.name);
            if self.methods.contains_key(&key) != declared.replaces {
                let (resource, name) = &key;
                self.problems.push(if declared.replaces {
                    format!("`replace_rpc` found no `{name}` on {resource} to replace")
                } else {
                    format!(
                        "`{name}` is registered twice on {resource}; use `replace_rpc` to mean it"
                    )
                });
                continue;
            }
            self.methods.insert(key, Method { procedure: declared.procedure, read_only: false });
        }
        self.advance.extend(handlers.advance);
        self.rollback.extend(handlers.rollback);
        self
    }

    /// The slug of the game's object in the Games API.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// What is wrong with the declaration; all of it, for one report at start.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// All procedures on scopes: the engine's own and the author's.
    pub fn procedures(&self) -> impl Iterator<Item = (Resource, &str)> {
        self.methods.keys().map(|(resource, name)| (*resource, name.as_str()))
    }

    pub(crate) fn method(&self, resource: Resource, name: &str) -> Option<&Method> {
        self.methods.get(&(resource, name.to_owned()))
    }

    pub(crate) fn advance_hooks(&self) -> &[Hook<Advance>] {
        &self.advance
    }

    pub(crate) fn rollback_hooks(&self) -> &[Hook<Rollback>] {
        &self.rollback
    }
}

impl fmt::Debug for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Game")
            .field("slug", &self.slug)
            .field("procedures", &self.methods.len())
            .finish_non_exhaustive()
    }
}

struct Declared {
    name: String,
    procedure: Procedure,
    replaces: bool,
}

/// The handlers of one kind of scope; made by [`Kind::handlers`].
///
/// A handler on the wrong kind of scope does not compile:
///
/// ```compile_fail
/// use sim_engine::{CallResult, Kind, Scope};
/// use sim_games_types::{Period, Run};
///
/// async fn of_a_run(run: Scope<Run>) -> CallResult<()> {
///     Ok(())
/// }
///
/// let handlers = Period::handlers().rpc("of_a_run", of_a_run);
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
    methods: Vec<Declared>,
    advance: Vec<Hook<Advance>>,
    rollback: Vec<Hook<Rollback>>,
    kind: Marker<K>,
}

impl<K: Kind> Handlers<K> {
    pub(crate) fn new() -> Self {
        Self { methods: Vec::new(), advance: Vec::new(), rollback: Vec::new(), kind: PhantomData }
    }

    /// Registers a procedure: members who may see the scope can call it.
    #[must_use]
    pub fn rpc<P>(self, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.declare(name, handler, false)
    }

    /// Registers a procedure in place of one that exists, for example of a built-in one.
    #[must_use]
    pub fn replace_rpc<P>(self, name: &str, handler: impl Handler<Rpc<K>, P>) -> Self {
        self.declare(name, handler, true)
    }

    fn declare<P>(mut self, name: &str, handler: impl Handler<Rpc<K>, P>, replaces: bool) -> Self {
        let procedure: Procedure =
            Arc::new(move |call| handler.clone().handle(Rpc { call, kind: PhantomData }));
        self.methods.push(Declared { name: name.to_owned(), procedure, replaces });
        self
    }
}

impl Handlers<Run> {
    /// Calls a function when a run goes to its next phase.
    ///
    /// What it stages is stored together with the phase; when it fails, the phase stays.
    #[must_use]
    pub fn on_advance_phase<P>(mut self, handler: impl Handler<Advance, P>) -> Self {
        self.advance.push(Arc::new(move |context| handler.clone().handle(context)));
        self
    }

    /// Calls a function when a run goes back to its previous phase.
    ///
    /// What it stages is stored together with the phase; when it fails, the phase stays.
    #[must_use]
    pub fn on_rollback_phase<P>(mut self, handler: impl Handler<Rollback, P>) -> Self {
        self.rollback.push(Arc::new(move |context| handler.clone().handle(context)));
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
