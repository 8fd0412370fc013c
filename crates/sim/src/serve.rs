//! One game served with its default environment: the few lines that a small binary needs.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sim_engine::{Game, Runs};
use sim_games_client::Client;
use sim_games_server::{Database, StoreError};

use crate::core::Played;
use crate::figures::Figures;
use crate::realm::RouterConfig;
use crate::service::{Config, GamesApiConfig, Service, ServiceError};
use crate::setup::Setup;

/// The staff account of a new database.
pub const STAFF: (&str, &str) = ("simpl@simpl.world", "simpl");

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The game.
    pub game: Game,
    /// What an empty database is filled with.
    pub setup: Setup,
    /// Where browsers connect; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Where the Games API listens; port 0 lets the system choose.
    pub games_bind: SocketAddr,
    /// The directory of the database; it is created when needed.
    pub data_dir: PathBuf,
}

/// A game could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The service could not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The default environment could not be made.
    #[error("the default environment could not be created: {0}")]
    Environment(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The embedded Games API cannot be called.
    #[error("the embedded Games API cannot be called: {0}")]
    Client(#[from] sim_games_client::Error),
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory could not be written.
    #[error("cannot write `{}`: {error}", path.display())]
    DataDir {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// Serves a game under the root `world.simpl.sims.<slug>` in the realm `realm1`, and fills an empty
/// database with its default environment. Returns when the game can be played.
///
/// What needs more settings than these starts a [`Service`] itself.
///
/// # Errors
/// When an address is taken, the database cannot be used, the game is declared wrongly, or the
/// environment cannot be made. Nothing is left running then.
pub async fn serve(serving: Serving) -> Result<Service, ServeError> {
    let Serving { game, setup, bind, games_bind, data_dir } = serving;
    std::fs::create_dir_all(&data_dir).map_err(|error| unwritable(&data_dir, error))?;
    let database = data_dir.join(format!("{}.sqlite3", game.slug()));
    let marker = database.with_extension("seeding");
    let root_topic = format!("world.simpl.sims.{}", game.slug());
    // An author may have a recorder of their own: then that has the figures.
    let figures = Figures::install();
    let figures = figures.inspect_err(|error| tracing::warn!("no `/metrics`: {error}")).ok();
    let service = Service::start(Config {
        bind,
        games_api: GamesApiConfig::Embedded {
            bind: games_bind,
            database: Database::Sqlite(database),
        },
        load: Runs::Active,
        realm: "realm1".to_owned(),
        router: RouterConfig::default(),
        legacy_auth: false,
        games: vec![Played { game, root_topic }],
        figures,
    })
    .await?;
    let made = seed_once(&service, &marker, async |client| setup.apply(&client).await);
    if let Err(error) = made.await {
        service.stop().await;
        return Err(error);
    }
    service.ready().await;
    Ok(service)
}

/// Whether the service has a database of its own, in which nothing was ever stored but the staff
/// account.
///
/// # Errors
/// When the database cannot be read now.
pub async fn is_empty(service: &Service) -> Result<bool, StoreError> {
    match service.core().api() {
        Some(api) => Ok(api.last_seq().await? <= 1),
        None => Ok(false),
    }
}

/// Makes an environment in an empty database, or when an earlier start was killed while it made it.
/// Tells whether it did. `make` gets a client of the embedded Games API.
///
/// Making one takes many requests; the file `marker` tells the next start to finish it.
///
/// # Errors
/// When the environment cannot be made, or the marker cannot be written.
pub async fn seed_once<T, E>(
    service: &Service,
    marker: &Path,
    make: impl AsyncFnOnce(Client) -> Result<T, E>,
) -> Result<bool, ServeError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some(address) = service.games_address_for_clients() else { return Ok(false) };
    if !marker.exists() && !is_empty(service).await? {
        return Ok(false);
    }
    // With a database elsewhere its directory need not exist yet.
    let made = marker.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(marker, "")).map_err(|error| unwritable(marker, error))?;
    let url = format!("http://{address}/apis/");
    let client = Client::builder(url).basic(STAFF.0, STAFF.1).build()?;
    make(client).await.map_err(|error| ServeError::Environment(error.into()))?;
    std::fs::remove_file(marker).map_err(|error| unwritable(marker, error))?;
    Ok(true)
}

fn unwritable(path: &Path, error: io::Error) -> ServeError {
    ServeError::DataDir { path: path.to_owned(), error }
}
