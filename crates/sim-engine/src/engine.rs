//! The engine: takes calls and messages of sessions, in their order, and answers them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sim_games_types::{Resource, RunPk, UserPk};

use crate::access::Matching;
use crate::builtin::FROM_BROWSERS;
use crate::call::{Call, Peer};
use crate::error::CallResult;
use crate::game::Game;
use crate::handler::BoxFuture;
use crate::inner::{Inner, Work};
use crate::ports::{GamesStore, Messages, Runs};
use crate::roster::{Roster, rosters};
use crate::uri::Root;

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
    pub(crate) inner: Arc<Inner>,
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
        Ok(Self { inner: Inner::start(game, options, store, messages) })
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
        self.inner.enqueue(call.peer.session, Work::Call(call, answer, Instant::now()));
    }

    /// Handles a message that a session published: its topic stands in the place of a procedure.
    pub fn message(&self, message: Call) {
        self.inner.enqueue(message.peer.session, Work::Message(message));
    }

    /// Notes that a session has joined.
    pub fn joined(&self, peer: Peer) {
        self.inner.enqueue(peer.session, Work::Joined(peer));
    }

    /// Notes that a session has left.
    pub fn left(&self, peer: Peer) {
        self.inner.enqueue(peer.session, Work::Left(peer));
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
        self.inner.settled().await;
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

    /// Tells the figures how much work waits and how many runs are loaded, which change too often
    /// to be told each time: whoever shows the figures asks for it before.
    pub fn measure(&self) {
        self.inner.figures.measured(self.inner.waiting(), self.loaded_runs());
    }

    /// Whether a user is a member of a loaded run.
    #[must_use]
    pub fn is_member(&self, user: UserPk) -> bool {
        self.inner.model.is_member(user)
    }

    /// The runs that are in memory, with their worlds and members.
    #[must_use]
    pub fn rosters(&self) -> Vec<Roster> {
        rosters(&self.inner.model)
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
        self.inner.end().await;
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("game", &self.inner.game).finish_non_exhaustive()
    }
}
