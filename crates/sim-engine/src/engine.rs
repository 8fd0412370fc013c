//! The engine: takes calls and messages of sessions, in their order, and answers them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use sim_games_types::{Resource, UserPk};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Matching;
use crate::call::{Call, Peer};
use crate::error::{CallError, CallResult};
use crate::events::Announcer;
use crate::follower;
use crate::game::Game;
use crate::game_scope;
use crate::handler::BoxFuture;
use crate::model::Model;
use crate::ports::{Event, GamesStore, Messages, Runs};
use crate::sync::{lock, read};
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
    /// Which runs are loaded at the start.
    pub load: Runs,
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
    /// How far the journal has been applied, its events queued.
    pub(crate) applied: watch::Sender<u64>,
    pub(crate) installed: watch::Sender<bool>,
    pub(crate) stop: CancellationToken,
    queues: Mutex<HashMap<u64, VecDeque<Work>>>,
    /// The tasks that work off the sessions' queues.
    sessions: TaskTracker,
    /// The task that follows the store.
    follower: TaskTracker,
}

/// What a session asks for, in the order in which it asked.
enum Work {
    Call(Call, Answer),
    Message { peer: Peer, topic: Arc<str> },
    Joined(Peer),
    Left(Peer),
}

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
        let inner = Arc::new(Inner {
            game: Arc::new(game),
            model: Arc::new(Model::new(options.root.clone())),
            options,
            store,
            messages,
            applied: watch::Sender::new(0),
            installed: watch::Sender::new(false),
            stop: CancellationToken::new(),
            queues: Mutex::default(),
            sessions: TaskTracker::new(),
            follower: TaskTracker::new(),
        });
        inner.follower.spawn(follower::follow(inner.clone()));
        Ok(Self { inner })
    }

    /// All procedures of the engine: one per resource and name, however many scopes there are.
    #[must_use]
    pub fn procedures(&self) -> Vec<Procedure> {
        let root = &self.inner.options.root;
        let mut procedures: Vec<_> = self
            .inner
            .game
            .procedures()
            .map(|(resource, name)| Procedure { uri: root.of_all(resource, name), wildcard: true })
            .collect();
        for resource in [Resource::Phase, Resource::Role] {
            procedures.extend(
                game_scope::OF_PHASE_AND_ROLE
                    .map(|name| Procedure { uri: root.of_all(resource, name), wildcard: true }),
            );
        }
        procedures.extend(
            game_scope::OF_GAME.map(|name| Procedure { uri: root.of_game(name), wildcard: false }),
        );
        procedures.push(Procedure { uri: root.ready(), wildcard: false });
        procedures
    }

    /// The topics on which browsers send messages to the engine.
    #[must_use]
    pub fn topics(&self) -> Vec<Procedure> {
        let root = &self.inner.options.root;
        let presence = crate::uri::SCOPES.into_iter().skip(1).flat_map(|resource| {
            ["connected", "disconnected"].map(|name| (root.of_all(resource, name), true))
        });
        presence
            .chain([(root.of_game("hello_game"), false)])
            .map(|(uri, wildcard)| Procedure { uri, wildcard })
            .collect()
    }

    /// Handles a call when the session's earlier ones are done.
    pub fn call(&self, call: Call, answer: Answer) {
        self.enqueue(call.peer.session, Work::Call(call, answer));
    }

    /// Handles a message that a session published.
    pub fn message(&self, peer: Peer, topic: Arc<str>) {
        self.enqueue(peer.session, Work::Message { peer, topic });
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
    #[must_use]
    pub fn may_subscribe(&self, peer: Peer, topic: &str, matching: Matching) -> bool {
        self.inner.model.may_subscribe(peer, topic, matching)
    }

    /// Whether a session may publish to a topic.
    #[must_use]
    pub fn may_publish(&self, peer: Peer, topic: &str) -> bool {
        self.inner.model.may_publish(peer, topic)
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
        let Inner { sessions, follower, stop, options, .. } = &*self.inner;
        // Calls need the follower to see their writes applied, so it ends last.
        sessions.close();
        if tokio::time::timeout(options.call_timeout, sessions.wait()).await.is_err() {
            tracing::warn!("calls were still being handled when the engine stopped");
        }
        stop.cancel();
        follower.close();
        follower.wait().await;
    }

    /// Queues what a session asks for. When its queue is full, a call is refused and a presence
    /// message is dropped; that it joined or left is always noted.
    fn enqueue(&self, session: u64, work: Work) {
        let mut queues = lock(&self.inner.queues);
        let Some(queue) = queues.get_mut(&session) else {
            queues.insert(session, VecDeque::new());
            drop(queues);
            self.inner.sessions.spawn(drain(self.inner.clone(), session, work));
            return;
        };
        let full = queue.len() >= self.inner.options.session_queue;
        match work {
            Work::Call(_, answer) if full => {
                drop(queues);
                let error = CallError::unavailable("too many calls of this session are waiting");
                self.inner.sessions.spawn(answer(Err(error)));
            }
            Work::Message { .. } if full => {
                tracing::debug!(session.id = session, "dropped a message: too many are waiting");
            }
            work => queue.push_back(work),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("game", &self.inner.game).finish_non_exhaustive()
    }
}

/// Works off what a session asks for, one after the other, and ends when nothing is left: an idle
/// session costs no task.
async fn drain(inner: Arc<Inner>, session: u64, first: Work) {
    let mut work = first;
    loop {
        // The engine's own code is not supposed to panic; if it does, the session goes on.
        if AssertUnwindSafe(inner.process(work)).catch_unwind().await.is_err() {
            tracing::error!(session.id = session, "the engine panicked; the session goes on");
        }
        let mut queues = lock(&inner.queues);
        let Some(next) = queues.get_mut(&session).and_then(VecDeque::pop_front) else {
            queues.remove(&session);
            return;
        };
        work = next;
    }
}

impl Inner {
    async fn process(&self, work: Work) {
        let events = match work {
            Work::Call(call, answer) => {
                let (uri, user) = (call.uri.clone(), call.peer.user);
                let outcome = work::handle(self, &call).await;
                let event = outcome.as_ref().err().and_then(|error| {
                    log_internal(error, &call);
                    self.error_event(user?, error)
                });
                tracing::debug!(rpc.uri = &*uri, rpc.ok = outcome.is_ok(), "handled a call");
                answer(outcome).await;
                event.into_iter().collect()
            }
            Work::Message { peer, topic } => self.handle_message(peer, &topic),
            Work::Joined(peer) => self.for_user(peer, Model::arrive),
            Work::Left(peer) => self.for_user(peer, Model::leave),
        };
        if !events.is_empty() {
            self.messages.publish(events).await;
        }
    }

    fn for_user(&self, peer: Peer, note: fn(&Model, UserPk, u64) -> Vec<Event>) -> Vec<Event> {
        peer.user.map(|user| note(&self.model, user, peer.session)).unwrap_or_default()
    }

    fn handle_message(&self, peer: Peer, topic: &str) -> Vec<Event> {
        let (Some(user), Some(address)) = (peer.user, self.options.root.parse(topic)) else {
            return Vec::new();
        };
        match (address.name, address.pk) {
            ("connected", Some(pk)) => {
                let mut events = self.model.arrive(user, peer.session);
                if let Some(run) = self.model.run_with(address.resource, pk) {
                    let tree = read(&run.tree);
                    let mut announcer =
                        Announcer { root: &self.options.root, tree: &tree, out: &mut events };
                    if let Some(member) = tree.member(user) {
                        announcer.connected((address.resource, pk), member.entry.id);
                    }
                }
                events
            }
            ("disconnected", Some(_)) => self.model.leave(user, peer.session),
            ("hello_game", None) => {
                let email = self.model.email(user).unwrap_or_default();
                tracing::info!(user.pk = user.0, "hello from {email}");
                Vec::new()
            }
            _ => Vec::new(),
        }
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
