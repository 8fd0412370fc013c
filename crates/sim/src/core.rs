//! The parts wired together, without listening sockets.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use sim_engine::{DeclarationError, Engine, Game, Options};
use sim_games_server::{Barrier, GamesApi};
use sim_wamp::{Limits, Router};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{Engines, Scopes, Users};
use crate::messages::{OPERATOR, RealmMessages, offer, pump};
use crate::service::ServiceError;
use crate::store::EmbeddedStore;

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
    /// The router's limits.
    pub limits: Limits,
}

/// The embedded Games API, the router, and one engine per game.
pub struct Core {
    api: GamesApi,
    router: Router,
    engines: Vec<Engine>,
    pumps: Vec<JoinHandle<()>>,
    /// Cancelled when an engine has lost its session.
    failed: CancellationToken,
}

impl Core {
    /// Starts the router and the engines on a Games API.
    ///
    /// # Errors
    /// When a game is declared wrongly, or two games share a root.
    pub async fn start(
        api: GamesApi,
        config: CoreConfig,
        games: Vec<Played>,
    ) -> Result<Self, ServiceError> {
        let engines: Engines = Arc::new(OnceLock::new());
        let users =
            Users { api: api.clone(), engines: engines.clone(), legacy_auth: config.legacy_auth };
        let router = Router::builder()
            .realm(config.realm.as_str())
            .authenticator(Arc::new(users))
            .authorizer(Arc::new(Scopes { engines: engines.clone() }))
            .limits(config.limits)
            .start();
        let failed = CancellationToken::new();
        let mut core = Self { api, router, engines: Vec::new(), pumps: Vec::new(), failed };
        let mut by_root = Vec::new();
        for played in games {
            let root = played.root_topic.clone();
            match core.start_engine(&config.realm, played).await {
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

    async fn start_engine(&mut self, realm: &str, played: Played) -> Result<Engine, ServiceError> {
        let authid = format!("engine of {}", played.game.slug());
        let attached = self.router.attach(realm, authid.as_str(), OPERATOR).await;
        let (session, incoming) = attached.map_err(ServiceError::Router)?.split();
        let messages = Arc::new(RealmMessages::new(session.clone(), self.router.clone()));
        let store = Arc::new(EmbeddedStore::new(self.api.clone()));
        let options = Options::new(&played.root_topic);
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

    /// The embedded Games API.
    #[must_use]
    pub fn api(&self) -> &GamesApi {
        &self.api
    }

    /// The router.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The REST endpoints of the Games API. A write answers once every engine has taken it, so that
    /// what was created can be called.
    pub fn games_router(&self) -> axum::Router {
        self.api.router(Some(Arc::new(AllEngines(self.engines.clone()))))
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

    /// Waits until an engine has lost its session, which it cannot do without: the router ends an
    /// in-process session whose queue has overflowed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
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
        self.api.close().await;
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
