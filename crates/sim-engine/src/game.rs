//! A game: what its author declares, as a value.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sim_games_types::Resource;

use crate::builtin;
use crate::call::Call;
use crate::error::CallResult;
use crate::handler::{BoxFuture, Free, Handler};
use crate::handlers::{Declared, Handlers, Hook, Hooks, Procedure};
use crate::moment::{Due, Happened, Started, Stopped};
use crate::rules::Access;
use crate::scope::Kind;

/// A function that belongs to no scope, its parameter types forgotten.
type FreeFunction<P> =
    Arc<dyn Fn(Arc<Game>, Call, P) -> BoxFuture<CallResult<String>> + Send + Sync>;

/// How long a procedure keeps others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Not at all: it only reads.
    None,
    /// While it handles the scope's world or member.
    Own,
    /// While it handles the run.
    WholeRun,
}

/// A procedure, and how it is handled.
#[derive(Clone)]
pub(crate) struct Method {
    pub(crate) procedure: Procedure,
    pub(crate) access: Option<Access>,
    pub(crate) turn: Turn,
}

impl Method {
    fn new(declared: Declared) -> (String, bool, Self) {
        let whole_run = declared.access.as_ref().is_some_and(Access::needs_whole_run);
        let turn = if whole_run { Turn::WholeRun } else { Turn::Own };
        let Declared { name, procedure, access, replaces } = declared;
        (name, replaces, Self { procedure, access, turn })
    }
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
    seed: u64,
    rest_after: Option<Duration>,
    view: Option<&'static str>,
    world_scenario: Option<&'static str>,
    methods: HashMap<(Resource, String), Method>,
    topics: HashMap<(Resource, String), Method>,
    timers: HashMap<(Resource, String), Hook<Due>>,
    started: HashMap<Resource, Vec<Hook<Started>>>,
    stopped: HashMap<Resource, Vec<Hook<Stopped>>>,
    hooks: Hooks,
    procedures: HashMap<String, FreeFunction<()>>,
    subscribers: HashMap<String, FreeFunction<()>>,
    observers: Vec<(String, FreeFunction<Happened>)>,
    state: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    problems: Vec<String>,
}

impl Game {
    /// A game without handlers of its own, whose objects lie under this slug.
    #[must_use]
    pub fn new(slug: impl Into<String>) -> Self {
        Self {
            slug: slug.into(),
            seed: rand::random(),
            rest_after: None,
            view: None,
            world_scenario: None,
            methods: builtin::methods(),
            topics: HashMap::new(),
            timers: HashMap::new(),
            started: HashMap::new(),
            stopped: HashMap::new(),
            hooks: Hooks::default(),
            procedures: HashMap::new(),
            subscribers: HashMap::new(),
            observers: Vec::new(),
            state: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// Adds the handlers of one kind of scope.
    #[must_use]
    pub fn scope<K: Kind>(mut self, handlers: Handlers<K>) -> Self {
        for declared in handlers.methods {
            let (name, replaces, mut method) = Method::new(declared);
            let key = (K::RESOURCE, name);
            if self.methods.contains_key(&key) != replaces {
                self.problems.push(misdeclared(&key, replaces));
                continue;
            }
            if K::RESOURCE == Resource::Run {
                method.turn = Turn::WholeRun;
            }
            self.methods.insert(key, method);
        }
        for declared in handlers.topics {
            let (name, _, method) = Method::new(declared);
            if builtin::FROM_BROWSERS.contains(&&*name) || name.is_empty() {
                let problem =
                    format!("the topic `{name}` of a {} is the engine's own", K::RESOURCE);
                self.problems.push(problem);
                continue;
            }
            self.unique(K::RESOURCE, &name, |game, key| game.topics.insert(key, method).is_some());
        }
        for (name, timer) in handlers.timers {
            self.unique(K::RESOURCE, &name, |game, key| game.timers.insert(key, timer).is_some());
        }
        self.started.entry(K::RESOURCE).or_default().extend(handlers.started);
        self.stopped.entry(K::RESOURCE).or_default().extend(handlers.stopped);
        self.hooks.extend(handlers.hooks);
        self
    }

    fn unique(
        &mut self,
        resource: Resource,
        name: &str,
        insert: impl FnOnce(&mut Self, (Resource, String)) -> bool,
    ) {
        if insert(self, (resource, name.to_owned())) {
            self.problems.push(format!("`{name}` is declared twice on {resource}"));
        }
    }

    /// Gives all handlers a value that they share, as `State<T>`.
    #[must_use]
    pub fn state<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.state.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Makes `Random` repeatable, for tests; otherwise the seed is chosen at start.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Lets a run give back its memory when nobody has used it for so long, until it is used again.
    #[must_use]
    pub fn rest_after(mut self, unused: Duration) -> Self {
        self.rest_after = Some(unused);
        self
    }

    /// Gives the game a module of its own for the pages: a text of JavaScript, which says how its
    /// decisions and results are shown. The engine only keeps it.
    #[must_use]
    pub fn view(mut self, module: &'static str) -> Self {
        self.view = Some(module);
        self
    }

    /// Gives every world that a leader opens on the pages a scenario of this name with a first
    /// round. Worlds that are stored by other ways come with what they are stored with.
    #[must_use]
    pub fn world_scenario(mut self, name: &'static str) -> Self {
        self.world_scenario = Some(name);
        self
    }

    /// Registers a procedure that belongs to no scope: `<root>.<name>`. Every user who has logged in
    /// may call it; it writes nothing.
    #[must_use]
    pub fn procedure<P>(mut self, name: &str, handler: impl Handler<Free<()>, P>) -> Self {
        let taken = name == "ready" || reserved(name);
        if taken || self.procedures.insert(name.to_owned(), free(handler)).is_some() {
            self.problems.push(format!("the procedure `{name}` is declared twice or reserved"));
        }
        self
    }

    /// Calls a function when a user publishes to a topic that belongs to no scope: `<root>.<name>`.
    #[must_use]
    pub fn subscriber<P>(mut self, name: &str, handler: impl Handler<Free<()>, P>) -> Self {
        if reserved(name) || self.subscribers.insert(name.to_owned(), free(handler)).is_some() {
            self.problems.push(format!("the topic `{name}` is declared twice or reserved"));
        }
        self
    }

    /// Calls a function after a change of the game's objects was stored and applied, whoever made it.
    ///
    /// The name is that of a webhook event without the game's slug, for example `run.changed`, or
    /// `user.changed`.
    #[must_use]
    pub fn on_event<P>(mut self, name: &str, handler: impl Handler<Free<Happened>, P>) -> Self {
        if name.parse::<sim_games_types::EventName>().is_err()
            && format!("{}.{name}", self.slug).parse::<sim_games_types::EventName>().is_err()
        {
            self.problems.push(format!("`{name}` is no event such as `run.changed`"));
        }
        self.observers.push((name.to_owned(), free(handler)));
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

    /// The topics on scopes to which browsers may publish, besides the engine's own.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (Resource, &str)> {
        self.topics.keys().map(|(resource, name)| (*resource, name.as_str()))
    }

    pub(crate) fn free_procedures(&self) -> impl Iterator<Item = &str> {
        self.procedures.keys().map(String::as_str)
    }

    pub(crate) fn free_topics(&self) -> impl Iterator<Item = &str> {
        self.subscribers.keys().map(String::as_str)
    }

    pub(crate) fn method(&self, resource: Resource, name: &str) -> Option<&Method> {
        self.methods.get(&(resource, name.to_owned()))
    }

    pub(crate) fn topic(&self, resource: Resource, name: &str) -> Option<&Method> {
        self.topics.get(&(resource, name.to_owned()))
    }

    pub(crate) fn free_procedure(&self, name: &str) -> Option<&FreeFunction<()>> {
        self.procedures.get(name)
    }

    pub(crate) fn free_topic(&self, name: &str) -> Option<&FreeFunction<()>> {
        self.subscribers.get(name)
    }

    /// The functions that want to hear of an event.
    pub(crate) fn observers(&self, event: &str) -> impl Iterator<Item = &FreeFunction<Happened>> {
        self.observers.iter().filter(move |(name, _)| name == event).map(|(_, function)| function)
    }

    pub(crate) fn has_observers(&self) -> bool {
        !self.observers.is_empty()
    }

    pub(crate) fn timer(&self, resource: Resource, name: &str) -> Option<&Hook<Due>> {
        self.timers.get(&(resource, name.to_owned()))
    }

    pub(crate) fn has_timers(&self, resource: Resource) -> bool {
        self.timers.keys().any(|(of, _)| *of == resource)
    }

    pub(crate) fn started(&self, resource: Resource) -> &[Hook<Started>] {
        self.started.get(&resource).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn stopped(&self, resource: Resource) -> &[Hook<Stopped>] {
        self.stopped.get(&resource).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(crate) fn shared<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.state.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    /// After what time an unused run gives back its memory; never, when there is none.
    #[must_use]
    pub fn rests_after(&self) -> Option<Duration> {
        self.rest_after
    }

    /// The game's own module for the pages, if it has one.
    #[must_use]
    pub fn view_module(&self) -> Option<&'static str> {
        self.view
    }

    pub(crate) fn scenario_of_worlds(&self) -> Option<&'static str> {
        self.world_scenario
    }

    pub(crate) fn seed_number(&self) -> u64 {
        self.seed
    }
}

fn free<T: Send + Sync + 'static, P>(handler: impl Handler<Free<T>, P>) -> FreeFunction<T> {
    Arc::new(move |game, call, payload| handler.clone().handle(Free { game, call, payload }))
}

/// Whether a name below the root belongs to the engine.
fn reserved(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    name.split('.').any(str::is_empty) || ["model", "error"].contains(&first)
}

fn misdeclared((resource, name): &(Resource, String), replaces: bool) -> String {
    match replaces {
        true => format!("`replace_rpc` found no `{name}` on {resource} to replace"),
        false => {
            format!("`{name}` is registered twice on {resource}; use `replace_rpc` to mean it")
        }
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
