//! The parts wired together, without listening sockets.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use sim_engine::{DeclarationError, Engine, Game, GamesStore, Options, Runs};
use sim_games_server::{Barrier, GamesApi};
use sim_wamp::{Limits, Router};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{Engines, Scopes, Users};
use crate::accounts::Accounts;
use crate::callback::Callback;
use crate::figures::Figures;
use crate::health::{Health, Probe};
use crate::messages::{OPERATOR, RealmMessages, offer, pump};
use crate::monitor::{FAILURES, Monitor};
use crate::pages::{Guesses, Pages};
use crate::remote::{Remote, RemoteGames, RemoteStore};
use crate::service::ServiceError;
use crate::store::EmbeddedStore;
use crate::tickets::Tickets;

/// A game and the root of its URIs.
#[derive(Clone, Debug)]
pub struct Played {
    /// The game.
    pub game: Game,
    /// The root, for example `world.simpl.sims.div`.
    pub root_topic: String,
}

/// How a core behaves.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// The name of the WAMP realm.
    pub realm: String,
    /// Whether browsers of the original may log in with its fixed secret.
    pub legacy_auth: bool,
    /// Which runs are loaded at the start.
    pub load: Runs,
    /// The router's limits.
    pub limits: Limits,
    /// The figures to show, if the program keeps any.
    pub figures: Option<Figures>,
}

/// Where the games are stored.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In the embedded Games API.
    Embedded(GamesApi),
    /// In a Games API of another process.
    Remote(RemoteGames),
}

impl From<GamesApi> for Storage {
    fn from(api: GamesApi) -> Self {
        Self::Embedded(api)
    }
}

/// The storage, once it is in use.
enum Games {
    Embedded(GamesApi),
    Remote { remote: Arc<Remote>, stores: Vec<Arc<RemoteStore>> },
}

/// The way to the Games API, the router, and one engine per game.
pub struct Core {
    games: Games,
    router: Router,
    pages: Arc<Pages>,
    health: Arc<Health>,
    engines: Vec<Engine>,
    pumps: Vec<JoinHandle<()>>,
    /// Cancelled when an engine has lost its session.
    failed: CancellationToken,
}

impl Core {
    /// Starts the router and the engines on a Games API. A remote one need not be there yet.
    ///
    /// # Errors
    /// When a game is declared wrongly, two games share a root, or a remote Games API has no
    /// usable address.
    pub async fn start(
        storage: impl Into<Storage>,
        config: CoreConfig,
        played: Vec<Played>,
    ) -> Result<Self, ServiceError> {
        let games = Games::open(storage.into())?;
        let engines: Engines = Arc::new(OnceLock::new());
        let tickets: Arc<Tickets> = Arc::default();
        let users = Users {
            accounts: games.accounts(),
            tickets: tickets.clone(),
            engines: engines.clone(),
            legacy_auth: config.legacy_auth,
        };
        let health = Health::new(engines.clone(), games.probe(), config.figures.clone());
        let health = Arc::new(health);
        let monitor = Arc::new(Monitor::new(engines.clone(), health.clone(), games.api()));
        let views = played
            .iter()
            .filter_map(|it| Some((it.game.slug().to_owned(), it.game.view_module()?)));
        let pages = Arc::new(Pages {
            accounts: games.accounts(),
            tickets,
            engines: engines.clone(),
            realm: config.realm.clone(),
            views: views.collect(),
            guesses: Guesses::default(),
            monitor: monitor.clone(),
            claims: tokio::sync::Mutex::default(),
        });
        let router = Router::builder()
            .realm(config.realm.as_str())
            .authenticator(Arc::new(users))
            .authorizer(Arc::new(Scopes { engines: engines.clone() }))
            .limits(config.limits.clone())
            .failures(FAILURES)
            .start();
        let failed = CancellationToken::new();
        let (own, pumps) = (Vec::new(), Vec::new());
        let mut core = Self { games, router, pages, health, engines: own, pumps, failed };
        if let Err(error) = monitor.join(&core.router, &config.realm).await {
            core.stop().await;
            return Err(ServiceError::Router(error));
        }
        let mut by_root = Vec::new();
        for played in played {
            let root = played.root_topic.clone();
            match core.start_engine(&config, played).await {
                Ok(engine) => by_root.push((root, engine)),
                Err(error) => {
                    core.stop().await;
                    return Err(error);
                }
            }
        }
        engines.set(by_root).expect("this is the only place that sets it");
        Ok(core)
    }

    async fn start_engine(
        &mut self,
        config: &CoreConfig,
        played: Played,
    ) -> Result<Engine, ServiceError> {
        let authid = format!("engine of {}", played.game.slug());
        let attached = self.router.attach(&config.realm, authid.as_str(), OPERATOR).await;
        let (session, incoming) = attached.map_err(ServiceError::Router)?.split();
        let messages = Arc::new(RealmMessages::new(session.clone(), self.router.clone()));
        let store = self.games.store(played.game.slug());
        let options = Options {
            load: config.load,
            rest_after: played.game.rests_after(),
            ..Options::new(&played.root_topic)
        };
        let engine = Engine::start(played.game, options, store, messages)?;
        self.engines.push(engine.clone());
        offer(&session, &engine)
            .await
            .map_err(|error| ServiceError::Root { root: played.root_topic, error })?;
        let (pumped, failed) = (engine.clone(), self.failed.clone().drop_guard());
        self.pumps.push(tokio::spawn(async move {
            pump(incoming, pumped).await;
            drop(failed);
        }));
        Ok(engine)
    }

    /// The embedded Games API, if the games are stored there.
    #[must_use]
    pub fn api(&self) -> Option<&GamesApi> {
        self.games.api()
    }

    /// The router.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The engine of a game, by the game's slug.
    #[must_use]
    pub fn engine(&self, slug: &str) -> Option<&Engine> {
        self.engines.iter().find(|engine| engine.slug() == slug)
    }

    /// The REST endpoints of the embedded Games API. A write answers once every engine has taken
    /// it, so that what was created can be called.
    pub fn games_router(&self) -> Option<axum::Router> {
        let api = self.api()?;
        Some(api.router(Some(Arc::new(AllEngines(self.engines.clone())))))
    }

    /// The pages in which people play and lead, at `/`. They connect to `/ws` of the same address.
    pub fn pages_router(&self) -> axum::Router {
        sim_ui::router(self.pages.clone())
    }

    /// What machines ask: `/healthz`, `/readyz` and `/metrics`.
    pub fn health_router(&self) -> axum::Router {
        self.health.router()
    }

    /// The place where a remote Games API sends webhooks: `/callback`. It must be served with the
    /// addresses of its clients.
    pub fn callback_router(&self) -> Option<axum::Router> {
        match &self.games {
            Games::Embedded(_) => None,
            Games::Remote { remote, stores } => {
                Some(Callback::router(remote.clone(), stores.clone()))
            }
        }
    }

    /// Waits until the trees of all games contain the journal up to a number.
    pub async fn reached(&self, seq: u64) {
        AllEngines(self.engines.clone()).reached(seq).await;
    }

    /// Waits until every game is installed.
    pub async fn installed(&self) {
        for engine in &self.engines {
            engine.installed().await;
        }
    }

    /// Waits until every hook has been called for what has happened so far.
    pub async fn settled(&self) {
        for engine in &self.engines {
            engine.settled().await;
        }
    }

    /// Waits until an engine has lost its session, which it cannot do without: the router ends an
    /// in-process session whose queue has overflowed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Puts all runs to rest that nobody uses at this moment.
    pub async fn rest_now(&self) {
        for engine in &self.engines {
            if !engine.rest_now().await {
                tracing::debug!("the runs of a game could not be put to rest");
            }
        }
    }

    /// Lets calls in flight finish, says goodbye to every session, and closes the store.
    pub async fn stop(self) {
        for engine in &self.engines {
            engine.stop().await;
        }
        self.router.shutdown().await;
        for pump in self.pumps {
            // The session has ended, so the pump has nothing left to wait for.
            if let Err(error) = pump.await {
                tracing::error!("the engine's session ended badly: {error}");
            }
        }
        self.games.close().await;
    }
}

impl Games {
    fn open(storage: Storage) -> Result<Self, ServiceError> {
        Ok(match storage {
            Storage::Embedded(api) => Self::Embedded(api),
            Storage::Remote(config) => {
                let remote = Remote::new(config).map_err(ServiceError::Remote)?;
                Self::Remote { remote: Arc::new(remote), stores: Vec::new() }
            }
        })
    }

    fn api(&self) -> Option<&GamesApi> {
        match self {
            Self::Embedded(api) => Some(api),
            Self::Remote { .. } => None,
        }
    }

    fn probe(&self) -> Probe {
        match self {
            Self::Embedded(api) => Probe::Embedded(api.clone()),
            Self::Remote { remote, .. } => Probe::Remote(remote.clone()),
        }
    }

    fn accounts(&self) -> Arc<dyn Accounts> {
        match self {
            Self::Embedded(api) => Arc::new(api.clone()),
            Self::Remote { remote, .. } => remote.accounts.clone(),
        }
    }

    /// The store port for one game.
    fn store(&mut self, slug: &str) -> Arc<dyn GamesStore> {
        match self {
            Self::Embedded(api) => Arc::new(EmbeddedStore::new(api.clone())),
            Self::Remote { remote, stores } => {
                let store = Arc::new(RemoteStore::new(remote.clone(), slug.to_owned()));
                stores.push(store.clone());
                store
            }
        }
    }

    async fn close(self) {
        match self {
            Self::Embedded(api) => api.close().await,
            Self::Remote { stores, .. } => {
                for store in stores {
                    store.close().await;
                }
            }
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("engines", &self.engines).finish_non_exhaustive()
    }
}

struct AllEngines(Vec<Engine>);

#[async_trait]
impl Barrier for AllEngines {
    async fn reached(&self, seq: u64) {
        for engine in &self.0 {
            engine.reached(seq).await;
        }
    }
}

impl From<DeclarationError> for ServiceError {
    fn from(error: DeclarationError) -> Self {
        Self::Declaration(error)
    }
}
