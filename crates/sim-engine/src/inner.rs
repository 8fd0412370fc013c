//! What all parts of a running engine share, and the way of work through it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use sim_games_types::{Change, Resource, RunPk, UserPk};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::builtin::seating::opens;
use crate::call::{Call, Peer};
use crate::counters::Figures;
use crate::engine::{Answer, Options};
use crate::error::{CallError, CallResult};
use crate::events::Announcer;
use crate::game::Game;
use crate::lines::Lines;
use crate::model::{Effects, LoadedRun, Model};
use crate::occasion::{self, Occasion, What};
use crate::ports::{Event, GamesStore, Messages};
use crate::stage::Key;
use crate::sync::read;
use crate::{follower, timers, work};

/// A running engine, without its handle.
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
    pub(crate) figures: Figures,
    /// The changes that were applied, for those who look on.
    pub(crate) seen: broadcast::Sender<Arc<Change>>,
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
pub(crate) enum Work {
    Call(Call, Answer, Instant),
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

/// How many changes an onlooker may be behind.
const SEEN: usize = 1024;

impl Inner {
    /// Begins to follow the store and the clock.
    pub(crate) fn start(
        game: Game,
        options: Options,
        store: Arc<dyn GamesStore>,
        messages: Arc<dyn Messages>,
    ) -> Arc<Self> {
        let inner = Arc::new_cyclic(|me| Self {
            figures: Figures::new(&game),
            seen: broadcast::Sender::new(SEEN),
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
        inner
    }

    /// Lets what has begun finish, and then ends.
    pub(crate) async fn end(&self) {
        let Self { sessions, hooks, watchers, stop, options, .. } = self;
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

    /// Waits until all hooks have been called for what has happened so far.
    pub(crate) async fn settled(&self) {
        self.hooks.settled().await;
    }

    /// Queues what a session asks for. When its queue is full, a call is refused and a message is
    /// dropped; that it joined or left is always noted.
    pub(crate) fn enqueue(self: &Arc<Self>, session: u64, work: Work) {
        let must = matches!(work, Work::Joined(_) | Work::Left(_));
        let inner = self.clone();
        let act = move |work| {
            let inner = inner.clone();
            async move { inner.process(work).await }
        };
        match self.sessions.push(session, work, must, act) {
            Some(Work::Call(call, answer, arrived)) => {
                let error = CallError::unavailable("too many calls of this session are waiting");
                let refused = Err(error);
                self.span(&call).in_scope(|| self.answered(&call, arrived, &refused));
                self.sessions.beside(answer(refused));
            }
            Some(_) => {
                tracing::debug!(session.id = session, "dropped a message: too many are waiting");
            }
            None => {}
        }
    }

    async fn process(&self, work: Work) {
        match work {
            Work::Call(call, answer, arrived) => {
                let span = self.span(&call);
                self.serve(call, answer, arrived).instrument(span).await;
            }
            Work::Message(message) => {
                let span = self.span(&message);
                self.hear(message).instrument(span).await;
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

    async fn serve(&self, call: Call, answer: Answer, arrived: Instant) {
        let outcome = self.handle(&call).await;
        self.answered(&call, arrived, &outcome);
        let complaint = self.complaint(&call, &outcome);
        answer(outcome).await;
        self.publish(complaint).await;
    }

    async fn hear(&self, message: Call) {
        let outcome = self.handle_message(&message).await.map(|()| String::new());
        self.publish(self.complaint(&message, &outcome)).await;
    }

    /// Counts a call, and logs what became of it.
    fn answered(&self, call: &Call, arrived: Instant, outcome: &CallResult<String>) {
        self.figures.answered(&self.options.root, &call.uri, arrived, outcome);
        tracing::debug!(
            outcome = outcome.as_ref().map_or_else(CallError::uri, |_| "ok"),
            elapsed_ms = arrived.elapsed().as_micros() as f64 / 1000.0,
            "answered"
        );
    }

    async fn publish(&self, event: Option<Event>) {
        if let Some(event) = event {
            self.publish_all(vec![event]).await;
        }
    }

    /// Publishes events, in this order and after all earlier ones.
    pub(crate) async fn publish_all(&self, events: Vec<Event>) {
        self.figures.published(events.len());
        self.messages.publish(events).await;
    }

    /// How much of the sessions' work is not done.
    pub(crate) fn waiting(&self) -> usize {
        self.sessions.open()
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
    pub(crate) async fn awaken(&self, uri: &str) -> CallResult<()> {
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

    /// The active run that a join code opens, loaded if it rests. The code begins with its key.
    pub(crate) async fn opened(&self, code: &str) -> Option<Arc<LoadedRun>> {
        let pk: i64 = code.split_once('-')?.0.parse().ok()?;
        if self.model.resting_run_with(Resource::Run, pk).is_some() {
            self.model.wakes.wake(pk.into()).await.ok()?;
        }
        let run = self.model.run(pk.into())?;
        let is_open = {
            let tree = read(&run.tree);
            tree.run().active && opens(&tree.run().data, code)
        };
        is_open.then_some(run)
    }

    /// Publishes events, and lets hooks be called. Whoever asks for it has the right to tell.
    pub(crate) async fn bring_about(&self, effects: Effects) {
        if !effects.events.is_empty() {
            self.publish_all(effects.events).await;
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

    /// Shows changes that were applied to those who look on, if anybody does.
    pub(crate) fn show(&self, changes: &[Change]) {
        if self.seen.receiver_count() > 0 {
            for change in changes {
                // Whoever looked on may have gone a moment ago.
                drop(self.seen.send(Arc::new(change.clone())));
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
        if let Some(cause) = error.cause() {
            tracing::error!(
                call = call.shown_id(),
                procedure = &*call.uri,
                user.pk = call.peer.user.map(|user| user.0),
                "a call failed: {cause}"
            );
        }
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
