//! The engine: takes calls and messages of sessions, in their order, and answers them.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sim_games_types::{Change, Resource, RunPk, UserPk};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Matching;
use crate::builtin::FROM_BROWSERS;
use crate::call::{Call, Peer};
use crate::error::{CallError, CallResult};
use crate::events::Announcer;
use crate::follower;
use crate::game::Game;
use crate::handler::BoxFuture;
use crate::lines::Lines;
use crate::model::{Effects, LoadedRun, Model};
use crate::occasion::{self, Occasion, What};
use crate::ports::{Event, GamesStore, Messages, Runs};
use crate::stage::Key;
use crate::sync::read;
use crate::timers;
use crate::uri::Root;
use crate::work;

/// How an engine behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The root of all URIs, for example `world.simpl.sims.div`.
    pub root: Root,
    /// How long a call may wait for its turn, and how long its handler may then take.
    pub call_timeout: Duration,
    /// How many calls and messages of one session may wait.
    pub session_queue: usize,
    /// Which runs are in memory: those that are active, or all.
    pub load: Runs,
    /// After what time a run that nobody uses gives back its memory until it is used again; never,
    /// when there is none.
    pub rest_after: Option<Duration>,
}

impl Options {
    /// The usual behavior under a root.
    #[must_use]
    pub fn new(root: &str) -> Self {
        Self {
            root: Root::new(root),
            call_timeout: Duration::from_secs(10),
            session_queue: 1024,
            load: Runs::Active,
            rest_after: None,
        }
    }
}

/// A game was declared wrongly.
#[derive(Debug, thiserror::Error)]
#[error("the game `{slug}` is declared wrongly: {}", problems.join("; "))]
#[non_exhaustive]
pub struct DeclarationError {
    /// The game.
    pub slug: String,
    /// All that is wrong with it.
    pub problems: Vec<String>,
}

/// A procedure that the engine answers, for the router to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// The URI, or a pattern with an empty component for the key.
    pub uri: String,
    /// Whether it is such a pattern.
    pub wildcard: bool,
}

/// What answers a call with JSON text; called exactly once, and awaited before the session's next
/// call is handled.
pub type Answer = Box<dyn FnOnce(CallResult<String>) -> BoxFuture<()> + Send>;

/// A running engine for one game. Clones share it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) game: Arc<Game>,
    pub(crate) options: Options,
    pub(crate) model: Arc<Model>,
    pub(crate) store: Arc<dyn GamesStore>,
    pub(crate) messages: Arc<dyn Messages>,
    /// Held while the model changes and while that is told, so that the last which is told of
    /// anything is how it is.
    pub(crate) telling: tokio::sync::Mutex<()>,
    /// How far the journal has been applied, its events queued.
    pub(crate) applied: watch::Sender<u64>,
    pub(crate) installed: watch::Sender<bool>,
    pub(crate) stop: CancellationToken,
    /// Itself, for the tasks that it lets run.
    me: Weak<Self>,
    /// The turn of calls on the game itself.
    pub(crate) game_lane: Arc<tokio::sync::Mutex<()>>,
    /// What the sessions ask for, by session.
    sessions: Arc<Lines<u64, Work>>,
    /// What has happened, for the game's hooks: by run; and under none for those who observe.
    hooks: Arc<Lines<Option<RunPk>, Happening>>,
    /// The tasks that follow the store and the clock.
    watchers: TaskTracker,
}

/// What a session asks for, in the order in which it asked.
enum Work {
    Call(Call, Answer),
    Message(Call),
    Joined(Peer),
    Left(Peer),
}

/// What hooks are called for.
enum Happening {
    Occasion(Occasion),
    Change(Arc<Change>),
}

/// How many occasions of one run may wait for their hooks.
const OCCASIONS: usize = 10_000;

impl Engine {
    /// Starts to follow the store. Calls are answered once the game is installed.
    ///
    /// # Errors
    /// When the game is declared wrongly; all problems are named together.
    pub fn start(
        game: Game,
        options: Options,
        store: Arc<dyn GamesStore>,
        messages: Arc<dyn Messages>,
    ) -> Result<Self, DeclarationError> {
        if !game.problems().is_empty() {
            let (slug, problems) = (game.slug().to_owned(), game.problems().to_vec());
            return Err(DeclarationError { slug, problems });
        }
        let inner = Arc::new_cyclic(|me| Inner {
            model: Arc::new(Model::new(options.root.clone(), options.load, &game)),
            game: Arc::new(game),
            sessions: Arc::new(Lines::new(options.session_queue)),
            hooks: Arc::new(Lines::new(OCCASIONS)),
            options,
            store,
            messages,
            telling: tokio::sync::Mutex::default(),
            applied: watch::Sender::new(0),
            installed: watch::Sender::new(false),
            stop: CancellationToken::new(),
            game_lane: Arc::default(),
            me: me.clone(),
            watchers: TaskTracker::new(),
        });
        inner.watchers.spawn(follower::follow(inner.clone()));
        inner.watchers.spawn(timers::watch(inner.clone()));
        Ok(Self { inner })
    }

    /// The slug of the game that it plays.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.inner.game.slug()
    }

    /// All procedures of the engine: one per resource and name, however many scopes there are.
    #[must_use]
    pub fn procedures(&self) -> Vec<Procedure> {
        let root = &self.inner.options.root;
        let on_scopes = self.inner.game.procedures().map(|(resource, name)| {
            let wildcard = resource != Resource::Game;
            let uri = if wildcard { root.of_all(resource, name) } else { root.of_game(name) };
            Procedure { uri, wildcard }
        });
        let free = self.inner.game.free_procedures().map(|name| root.of_name(name));
        let exact = free.chain([root.ready()]).map(|uri| Procedure { uri, wildcard: false });
        on_scopes.chain(exact).collect()
    }

    /// The topics on which browsers send messages to the engine.
    #[must_use]
    pub fn topics(&self) -> Vec<Procedure> {
        let root = &self.inner.options.root;
        let presence = crate::uri::SCOPES
            .into_iter()
            .skip(1)
            .flat_map(|resource| FROM_BROWSERS.map(|name| (root.of_all(resource, name), true)));
        let own = self.inner.game.topics().map(|(resource, name)| match resource {
            Resource::Game => (root.of_game(name), false),
            _ => (root.of_all(resource, name), true),
        });
        let free = self.inner.game.free_topics().map(|name| (root.of_name(name), false));
        presence
            .chain([(root.of_game("hello_game"), false)])
            .chain(own)
            .chain(free)
            .map(|(uri, wildcard)| Procedure { uri, wildcard })
            .collect()
    }

    /// Handles a call when the session's earlier ones are done.
    pub fn call(&self, call: Call, answer: Answer) {
        self.enqueue(call.peer.session, Work::Call(call, answer));
    }

    /// Handles a message that a session published: its topic stands in the place of a procedure.
    pub fn message(&self, message: Call) {
        self.enqueue(message.peer.session, Work::Message(message));
    }

    /// Notes that a session has joined.
    pub fn joined(&self, peer: Peer) {
        self.enqueue(peer.session, Work::Joined(peer));
    }

    /// Notes that a session has left.
    pub fn left(&self, peer: Peer) {
        self.enqueue(peer.session, Work::Left(peer));
    }

    /// Whether a session may subscribe to a topic.
    pub async fn may_subscribe(&self, peer: Peer, topic: &str, matching: Matching) -> bool {
        self.inner.awaken(topic).await.is_ok()
            && self.inner.model.may_subscribe(peer, topic, matching)
    }

    /// Whether a session may publish to a topic.
    pub async fn may_publish(&self, peer: Peer, topic: &str) -> bool {
        self.inner.awaken(topic).await.is_ok()
            && self.inner.model.may_publish(&self.inner.game, peer, topic)
    }

    /// Waits until all hooks have been called for what has happened so far.
    pub async fn settled(&self) {
        self.inner.hooks.settled().await;
    }

    /// Loads a run, active or not; tells whether this game has it.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn restore_run(&self, run: RunPk) -> CallResult<bool> {
        self.inner.model.wakes.restore(run).await?;
        Ok(self.inner.model.run(run).is_some())
    }

    /// Puts all runs to rest that nobody uses at this moment, however short a time that may be;
    /// tells whether it could be done.
    pub async fn rest_now(&self) -> bool {
        self.inner.model.wakes.rest().await
    }

    /// How many runs are in memory.
    #[must_use]
    pub fn loaded_runs(&self) -> usize {
        self.inner.model.loaded().len()
    }

    /// Whether a user is a member of a loaded run.
    #[must_use]
    pub fn is_member(&self, user: UserPk) -> bool {
        self.inner.model.is_member(user)
    }

    /// Waits until the journal has been applied up to a number and its events are queued.
    pub async fn reached(&self, seq: u64) {
        self.inner.reached(seq).await;
    }

    /// Waits until the game is installed.
    pub async fn installed(&self) {
        let mut installed = self.inner.installed.subscribe();
        // The sender lives as long as this engine, so waiting cannot fail.
        drop(installed.wait_for(|installed| *installed).await);
    }

    /// Whether the game is installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        *self.inner.installed.borrow()
    }

    /// Lets the calls in flight finish, then stops following the store.
    pub async fn stop(&self) {
        let Inner { sessions, hooks, watchers, stop, options, .. } = &*self.inner;
        // Calls and hooks need the follower to see their writes applied, so it ends last.
        let ended = async {
            sessions.end().await;
            hooks.end().await;
        };
        if tokio::time::timeout(options.call_timeout, ended).await.is_err() {
            tracing::warn!("calls were still being handled when the engine stopped");
        }
        stop.cancel();
        watchers.close();
        watchers.wait().await;
    }

    /// Queues what a session asks for. When its queue is full, a call is refused and a message is
    /// dropped; that it joined or left is always noted.
    fn enqueue(&self, session: u64, work: Work) {
        let must = matches!(work, Work::Joined(_) | Work::Left(_));
        let inner = self.inner.clone();
        let act = move |work| {
            let inner = inner.clone();
            async move { inner.process(work).await }
        };
        match self.inner.sessions.push(session, work, must, act) {
            Some(Work::Call(_, answer)) => {
                let error = CallError::unavailable("too many calls of this session are waiting");
                self.inner.sessions.beside(answer(Err(error)));
            }
            Some(_) => {
                tracing::debug!(session.id = session, "dropped a message: too many are waiting");
            }
            None => {}
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("game", &self.inner.game).finish_non_exhaustive()
    }
}

impl Inner {
    async fn process(&self, work: Work) {
        match work {
            Work::Call(call, answer) => {
                let outcome = self.handle(&call).await;
                tracing::debug!(rpc.uri = &*call.uri, rpc.ok = outcome.is_ok(), "handled a call");
                let complaint = self.complaint(&call, &outcome);
                answer(outcome).await;
                self.publish(complaint).await;
            }
            Work::Message(message) => {
                let outcome = self.handle_message(&message).await.map(|()| String::new());
                self.publish(self.complaint(&message, &outcome)).await;
            }
            Work::Joined(Peer { user: Some(user), session, .. }) => {
                self.tell(|effects| self.model.arrive(user, session, effects)).await;
            }
            Work::Left(Peer { user: Some(user), session, .. }) => {
                self.tell(|effects| self.model.leave(user, session, effects)).await;
            }
            Work::Joined(_) | Work::Left(_) => {}
        }
    }

    async fn publish(&self, event: Option<Event>) {
        if let Some(event) = event {
            self.messages.publish(vec![event]).await;
        }
    }

    /// Changes the model, and tells of it before anybody else changes it.
    async fn tell(&self, change: impl FnOnce(&mut Effects)) {
        let _telling = self.telling.lock().await;
        let mut effects = Effects::default();
        change(&mut effects);
        self.bring_about(effects).await;
    }

    async fn handle(&self, call: &Call) -> CallResult<String> {
        self.awaken(&call.uri).await?;
        work::handle(self, call).await
    }

    /// Loads the run in which a URI's scope lies, if the run rests.
    async fn awaken(&self, uri: &str) -> CallResult<()> {
        let Some(address) = self.options.root.parse(uri) else { return Ok(()) };
        let Some(pk) = address.pk else { return Ok(()) };
        if let Some(run) = self.model.run_with(address.resource, pk) {
            run.touch();
            return Ok(());
        }
        match self.model.resting_run_with(address.resource, pk) {
            Some(run) => {
                tokio::time::timeout(self.options.call_timeout, self.model.wakes.wake(run))
                    .await
                    .unwrap_or_else(|_| {
                        Err(CallError::unavailable("the run is loading, try again"))
                    })
            }
            None => Ok(()),
        }
    }

    /// Publishes events, and lets hooks be called. Whoever asks for it has the right to tell.
    pub(crate) async fn bring_about(&self, effects: Effects) {
        if !effects.events.is_empty() {
            self.messages.publish(effects.events).await;
        }
        for Occasion { run, what } in effects.occasions {
            self.note(run, what);
        }
    }

    /// Lets the hooks be called that the game has for an occasion.
    pub(crate) fn note(&self, run: Arc<LoadedRun>, what: What) {
        if what.concerns(&self.game) {
            let pk = read(&run.tree).run().id;
            self.attend(Some(pk), Happening::Occasion(Occasion { run, what }));
        }
    }

    /// Lets the functions be called that the game has for changes of this name.
    pub(crate) fn tell_observers(&self, changes: &[Change]) {
        if self.game.has_observers() {
            let game = read(&self.model.game).game.as_ref().map(|game| game.id);
            let own = |change: &&Change| change.game.is_none() || change.game == game;
            for change in changes.iter().filter(own) {
                self.attend(None, Happening::Change(Arc::new(change.clone())));
            }
        }
    }

    fn attend(&self, run: Option<RunPk>, happening: Happening) {
        let Some(inner) = self.me.upgrade() else { return };
        let act = move |happening| {
            let inner = inner.clone();
            async move {
                match happening {
                    Happening::Occasion(occasion) => occasion::attend(inner, occasion).await,
                    Happening::Change(change) => occasion::observe(inner, change).await,
                }
            }
        };
        if self.hooks.push(run, happening, false, act).is_some() {
            let run = run.map(|run| run.0);
            tracing::error!(run.pk = run, "a hook was not called: too many are waiting");
        }
    }

    async fn handle_message(&self, message: &Call) -> CallResult<()> {
        let Peer { user: Some(user), session, .. } = message.peer else { return Ok(()) };
        self.awaken(&message.uri).await?;
        let address = self.options.root.parse(&message.uri);
        match address.map(|address| (address.name, address.pk, address.resource)) {
            Some(("connected", Some(pk), resource)) => {
                self.tell(|effects| self.connected(user, session, (resource, pk), effects)).await;
            }
            Some(("disconnected", Some(_), _)) => {
                self.tell(|effects| self.model.leave(user, session, effects)).await;
            }
            Some(("hello_game", None, _)) => {
                let email = self.model.email(user).unwrap_or_default();
                tracing::info!(user.pk = user.0, "hello from {email}");
            }
            _ => work::listen(self, message).await?,
        }
        Ok(())
    }

    /// A page says that it is there, and wants to hear so on a scope's topic.
    fn connected(&self, user: UserPk, session: u64, scope: Key, effects: &mut Effects) {
        self.model.arrive(user, session, effects);
        let Some(run) = self.model.run_with(scope.0, scope.1) else { return };
        let tree = read(&run.tree);
        if let Some(member) = tree.member(user) {
            let (root, out) = (&self.options.root, &mut effects.events);
            Announcer { root, tree: &tree, out }.connected(scope, member.entry.id);
        }
    }

    /// Logs what failed by the service's fault, and tells the user's pages of any failure.
    fn complaint(&self, call: &Call, outcome: &CallResult<String>) -> Option<Event> {
        let error = outcome.as_ref().err()?;
        log_internal(error, call);
        self.error_event(call.peer.user?, error)
    }

    /// The event that tells a user's pages about a failed call.
    fn error_event(&self, user: UserPk, error: &CallError) -> Option<Event> {
        let authid: Arc<str> = user.to_string().into();
        let mut kwargs = error.kwargs().clone();
        kwargs.insert("error".to_owned(), error.uri().into());
        Some(Event {
            topic: self.options.root.error(&authid),
            args: serde_json::to_string(error.args()).ok()?.into(),
            kwargs: serde_json::to_string(&kwargs).ok()?.into(),
            audience: [authid].into(),
        })
    }

    pub(crate) async fn reached(&self, seq: u64) {
        if *self.applied.borrow() >= seq {
            return;
        }
        let mut applied = self.applied.subscribe();
        tokio::select! {
            // The sender lives as long as this engine, so waiting cannot fail.
            _ = applied.wait_for(|applied| *applied >= seq) => {}
            // Nobody applies anything any more; what was committed stays committed.
            () = self.stop.cancelled() => {}
        }
    }
}

fn log_internal(error: &CallError, call: &Call) {
    if let Some(cause) = error.cause() {
        let user = call.peer.user.map(|user| user.0);
        tracing::error!(rpc.uri = &*call.uri, user.pk = user, "a call failed: {cause}");
    }
}
