//! A whole service: the core and its two listening sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::serve::ListenerExt;
use sim_engine::{DeclarationError, Runs};
use sim_games_server::{Database, GamesApi, Options, StoreError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::core::{Core, CoreConfig, Played, Storage};
use crate::figures::Figures;
use crate::realm::RouterConfig;
use crate::remote::RemoteGames;

/// How often the figures are sorted when nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a service is made of. Nothing has a default here: the binary's settings have.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers connect; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// The Games API in which the games are stored.
    pub games_api: GamesApiConfig,
    /// Which runs are loaded at the start.
    pub load: Runs,
    /// The name of the WAMP realm.
    pub realm: String,
    /// The router in which browsers meet the engines.
    pub router: RouterConfig,
    /// Whether browsers of the original may log in with its fixed secret.
    pub legacy_auth: bool,
    /// The games and their roots.
    pub games: Vec<Played>,
    /// The figures to show at `/metrics`, if the program keeps any.
    pub figures: Option<Figures>,
}

/// The Games API in which a service stores its games.
#[derive(Clone, Debug)]
pub enum GamesApiConfig {
    /// The service serves it itself.
    Embedded {
        /// Where it listens; port 0 lets the system choose.
        bind: SocketAddr,
        /// Where the data is.
        database: Database,
    },
    /// Another process serves it.
    Remote(RemoteGames),
}

/// A service could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A listening socket could not be opened.
    #[error("cannot listen on `{address}`, choose another address with `{setting}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that chooses it.
        setting: &'static str,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A remote Games API cannot be used.
    #[error("the Games API cannot be used: {0}")]
    Remote(#[source] sim_games_client::Error),
    /// A game is declared wrongly.
    #[error(transparent)]
    Declaration(DeclarationError),
    /// The router did not take the engine.
    #[error("the engine could not join the realm: {0}")]
    Router(#[source] sim_wamp::Error),
    /// The router of another process does not let the service in.
    #[error(
        "the router at {url} refuses this service, check `--router-user`, `--router-ticket` and \
         `--realm`: {error}"
    )]
    Refused {
        /// Its URL.
        url: String,
        /// What it said.
        #[source]
        error: sim_wamp::Error,
    },
    /// The router of this process has cut the engine off.
    #[error("the engine was cut off from the router by an overload; start the service again")]
    CutOff,
    /// The game's URIs cannot be offered.
    #[error("the procedures under the root topic `{root}` cannot be offered: {error}")]
    Root {
        /// The root.
        root: String,
        /// What the router said.
        error: sim_wamp::CallError,
    },
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    core: Core,
    address: SocketAddr,
    games_address: Option<SocketAddr>,
    servers: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Service {
    /// Opens the sockets and the database, and starts everything.
    ///
    /// # Errors
    /// When an address is taken, the database cannot be used, or a game is declared wrongly.
    /// Nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, ServiceError> {
        // The sockets come first: a second service on the same ports must not touch the database.
        let listener = listen(config.bind, "--bind").await?;
        let address = local(&listener)?;
        let (storage, games_listener) = open(config.games_api, address.port()).await?;
        let core_config = CoreConfig {
            realm: config.realm,
            legacy_auth: config.legacy_auth,
            load: config.load,
            router: config.router,
            figures: config.figures.clone(),
        };
        let core = Core::start(storage, core_config, config.games).await?;
        let stop = CancellationToken::new();
        let games_address = games_listener.as_ref().map(local).transpose()?;
        let mut pages = core.pages_router().merge(core.health_router());
        if let Some(router) = core.router() {
            pages = pages.route("/ws", router.websocket());
        }
        if let Some(callback) = core.callback_router() {
            pages = pages.merge(callback);
        }
        let mut servers = vec![tokio::spawn(serve(listener, pages, stop.clone()))];
        if let Some(figures) = config.figures {
            servers.push(tokio::spawn(keep_tidy(figures)));
        }
        if let Some((listener, router)) = games_listener.zip(core.games_router()) {
            servers.push(tokio::spawn(serve(listener, router, stop.clone())));
        }
        Ok(Self { core, address, games_address, servers, stop })
    }

    /// Where browsers connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the embedded Games API listens, if there is one.
    #[must_use]
    pub fn games_address(&self) -> Option<SocketAddr> {
        self.games_address
    }

    /// Where clients on this machine reach the embedded Games API, if there is one.
    #[must_use]
    pub fn games_address_for_clients(&self) -> Option<SocketAddr> {
        let mut address = self.games_address?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Some(address)
    }

    /// The parts behind the sockets.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Waits until every game is installed.
    pub async fn ready(&self) {
        self.core.installed().await;
    }

    /// Stops accepting, lets calls in flight finish, says goodbye to every session, and closes the
    /// database.
    pub async fn stop(self) {
        self.stop.cancel();
        self.core.stop().await;
        for server in self.servers {
            // Keep-alive connections may idle for long: by now nothing is left that they could do.
            server.abort();
            drop(server.await);
        }
    }
}

/// Opens the embedded Games API with its socket, or names the remote one, which calls back at
/// `port`.
async fn open(
    config: GamesApiConfig,
    port: u16,
) -> Result<(Storage, Option<TcpListener>), ServiceError> {
    let (bind, database) = match config {
        GamesApiConfig::Embedded { bind, database } => (bind, database),
        GamesApiConfig::Remote(mut remote) => {
            remote.callback_url =
                remote.callback_url.map(|url| url.replace("{port}", &port.to_string()));
            return Ok((Storage::Remote(remote), None));
        }
    };
    let listener = listen(bind, "--games-bind").await?;
    let api = GamesApi::open(Options::of(database)).await?;
    api.start_webhooks().await?;
    Ok((Storage::Embedded(api), Some(listener)))
}

async fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address).await.map_err(|error| ServiceError::Listen {
        address,
        setting,
        error,
    })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, ServiceError> {
    listener.local_addr().map_err(|error| ServiceError::Listen {
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
        setting: "--bind",
        error,
    })
}

/// Sorts what the figures have recorded, until it is aborted.
async fn keep_tidy(figures: Figures) {
    let mut round = tokio::time::interval(UPKEEP);
    loop {
        round.tick().await;
        figures.tidy_up();
    }
}

async fn serve(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection keeps its delay: {error}");
        }
    });
    // Failed logins are counted by address as well.
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!("a listening socket failed: {error}");
    }
}
