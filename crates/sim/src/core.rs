//! The parts wired together, without listening sockets.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use sim_engine::{DeclarationError, Engine, Game, GamesStore, Options, Runs};
use sim_games_server::{Barrier, GamesApi};
use sim_wamp::Router;

use crate::access::{Engines, Scopes, Users};
use crate::accounts::Accounts;
use crate::callback::Callback;
use crate::figures::Figures;
use crate::health::{Health, Probe};
use crate::link::Doors;
use crate::monitor::Monitor;
use crate::pages::{Guesses, Pages};
use crate::realm::{Realm, RouterConfig};
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
    /// The router in which browsers meet the engines.
    pub router: RouterConfig,
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
    realm: Realm,
    pages: Arc<Pages>,
    health: Arc<Health>,
    engines: Vec<Engine>,
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
        let for_browsers = match &config.router {
            RouterConfig::Own(_) => None,
            RouterConfig::Elsewhere(router) => router.for_browsers.clone(),
        };
        let doors = Doors { users, scopes: Scopes { engines: engines.clone() } };
        let realm = Realm::open(&config.realm, config.router.clone(), doors, engines.clone());
        let figures = config.figures.clone();
        let health = Health::new(engines.clone(), games.probe(), realm.link().cloned(), figures);
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
            router: for_browsers,
            views: views.collect(),
            guesses: Guesses::default(),
            monitor: monitor.clone(),
            claims: tokio::sync::Mutex::default(),
        });
        let mut core = Self { games, realm, pages, health, engines: Vec::new() };
        match core.start_engines(&config, played, &monitor).await {
            Ok(by_root) => {
                engines.set(by_root).expect("this is the only place that sets it");
                core.realm.begin();
                Ok(core)
            }
            Err(error) => {
                core.stop().await;
                Err(error)
            }
        }
    }

    async fn start_engines(
        &mut self,
        config: &CoreConfig,
        played: Vec<Played>,
        monitor: &Monitor,
    ) -> Result<Vec<(String, Engine)>, ServiceError> {
        monitor.look_through(self.realm.window().await?);
        let mut by_root = Vec::new();
        for played in played {
            let root = played.root_topic.clone();
            by_root.push((root, self.start_engine(config, played).await?));
        }
        Ok(by_root)
    }

    async fn start_engine(
        &mut self,
        config: &CoreConfig,
        played: Played,
    ) -> Result<Engine, ServiceError> {
        let (messages, entrance) = self.realm.port(played.game.slug()).await?;
        let store = self.games.store(played.game.slug());
        let options = Options {
            load: config.load,
            rest_after: played.game.rests_after(),
            ..Options::new(&played.root_topic)
        };
        let engine = Engine::start(played.game, options, store, messages)?;
        self.engines.push(engine.clone());
        self.realm
            .let_in(&engine, entrance)
            .await
            .map_err(|error| ServiceError::Root { root: played.root_topic, error })?;
        Ok(engine)
    }

    /// The embedded Games API, if the games are stored there.
    #[must_use]
    pub fn api(&self) -> Option<&GamesApi> {
        self.games.api()
    }

    /// The router, if it is of this process.
    #[must_use]
    pub fn router(&self) -> Option<&Router> {
        self.realm.router()
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

    /// Waits until every game is installed, and browsers can reach it.
    pub async fn installed(&self) {
        for engine in &self.engines {
            engine.installed().await;
        }
        self.realm.opened().await;
    }

    /// Waits until every hook has been called for what has happened so far.
    pub async fn settled(&self) {
        for engine in &self.engines {
            engine.settled().await;
        }
    }

    /// Why browsers cannot reach the engines through a router of another process; nothing when they
    /// can.
    #[must_use]
    pub fn router_problem(&self) -> Option<String> {
        self.realm.link()?.problem()
    }

    /// Waits until the engines cannot be reached any more and never will be, and tells why.
    pub async fn failed(&self) -> &ServiceError {
        self.realm.broken().await
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
        self.realm.close().await;
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
