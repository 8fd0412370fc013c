//! Where the service under test stores: in itself, in our Games API, or in the original; and
//! whether it has a router of its own.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;

use crate::apart::{Apart, has_crossbar};
use crate::binaries::Binaries;
use crate::database::{Database, OwnDatabase};
use crate::games::Games;
use crate::original::Original;
use crate::program::run_to_end;

/// Which Games API a service under test has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The one that is part of it, on an embedded database.
    Embedded,
    /// Our program, on a PostgreSQL database of its own.
    GamesApi,
    /// A stand-in for the original.
    Original,
    /// The one that is part of it; the router is another process, ours.
    SimRouter,
    /// The same with Crossbar.io as the router.
    Crossbar,
}

/// A Games API beside the service, which goes away and comes back at the same address.
#[derive(Debug)]
pub enum Elsewhere {
    /// Our program.
    GamesApi(Box<Games>),
    /// The stand-in for the original.
    Original(Original),
}

impl Target {
    /// Whether a test can run on it. Without the variable `TEST_DATABASE_URL` those that need
    /// PostgreSQL are skipped, and without `BLACK_BOX_CROSSBAR` those that need Crossbar.io; this has
    /// said so then.
    ///
    /// # Errors
    /// As [`Database::postgres_from_env`].
    pub fn is_available(self) -> Result<bool> {
        match self {
            Self::Embedded | Self::Original | Self::SimRouter => Ok(true),
            Self::Crossbar => has_crossbar(),
            Self::GamesApi => Ok(Database::postgres_from_env()?.is_some()),
        }
    }
}

impl Target {
    /// Starts the router beside the service, if it has none of its own.
    pub(crate) async fn router(self) -> Result<Option<Apart>> {
        Ok(match self {
            Self::Embedded | Self::GamesApi | Self::Original => None,
            Self::SimRouter => Some(Apart::ours().await?),
            Self::Crossbar => Some(Apart::crossbar().await?),
        })
    }
}

impl Elsewhere {
    /// Starts an empty one.
    ///
    /// # Errors
    /// When it does not start, or the target has it in the service itself.
    pub async fn start(target: Target) -> Result<Self> {
        match target {
            Target::Embedded | Target::SimRouter | Target::Crossbar => {
                bail!("the Games API is part of the service")
            }
            Target::Original => Ok(Self::Original(Original::start().await?)),
            Target::GamesApi => {
                let own = OwnDatabase::create(&server()?)?;
                Ok(Self::GamesApi(Box::new(Games::start_with(any_bind()?, own, None).await?)))
            }
        }
    }

    /// Starts one with the default environment.
    ///
    /// # Errors
    /// When it does not start, or the target has it in the service itself.
    pub async fn start_seeded(target: Target) -> Result<Self> {
        if target == Target::GamesApi {
            let template = seeded_database().await?;
            let copy = template.copy()?;
            let games = Games::start_with(any_bind()?, copy, Some(template)).await?;
            return Ok(Self::GamesApi(Box::new(games)));
        }
        let elsewhere = Self::start(target).await?;
        elsewhere.seed().await?;
        Ok(elsewhere)
    }

    /// The stand-in for the original.
    ///
    /// # Errors
    /// When it is our program.
    pub fn original(&mut self) -> Result<&mut Original> {
        match self {
            Self::GamesApi(_) => bail!("it is no stand-in"),
            Self::Original(original) => Ok(original),
        }
    }

    /// The base URL, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        match self {
            Self::GamesApi(games) => games.api_url(),
            Self::Original(original) => original.api_url(),
        }
    }

    /// Creates the default environment.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn seed(&self) -> Result<()> {
        let seeded =
            run_to_end(&Binaries::get()?.seed, &["--games-url", self.api_url()], "").await?;
        ensure!(seeded.code == Some(0), "{}", seeded.stderr);
        Ok(())
    }

    /// Ends as by a power cut.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn stop(&mut self) -> Result<()> {
        match self {
            Self::GamesApi(games) => games.kill9().await,
            Self::Original(original) => {
                original.stop().await;
                Ok(())
            }
        }
    }

    /// Comes back at the same address with all that was stored.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        match self {
            Self::GamesApi(games) => games.restart().await,
            Self::Original(original) => original.start_again().await,
        }
    }
}

/// A database with the default environment, made once for all tests that run at the same time: to
/// migrate and to hash passwords takes longer than to copy.
async fn seeded_database() -> Result<Arc<OwnDatabase>> {
    static SEEDED: tokio::sync::Mutex<Weak<OwnDatabase>> =
        tokio::sync::Mutex::const_new(Weak::new());
    let mut seeded = SEEDED.lock().await;
    if let Some(database) = seeded.upgrade() {
        return Ok(database);
    }
    let elsewhere = Elsewhere::start(Target::GamesApi).await?;
    elsewhere.seed().await?;
    let Elsewhere::GamesApi(games) = elsewhere else { bail!("it is not our program") };
    let database = Arc::new(games.into_database().await?);
    *seeded = Arc::downgrade(&database);
    Ok(database)
}

fn server() -> Result<Url> {
    match Database::postgres_from_env()? {
        Some(Database::Postgres(server)) => Ok(server),
        _ => bail!("there is no PostgreSQL"),
    }
}

fn any_bind() -> Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}

/// A port that is free now and that nobody gets who asks for any port, for one that ends and comes
/// back.
///
/// # Errors
/// When none is found.
pub fn free_port() -> Result<u16> {
    static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Systems choose from above.
    let mut ports = std::iter::repeat_with(|| rand::random_range(20_000..30_000)).take(1000);
    let is_free =
        |port: &u16| taken.insert(*port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).context("no port is free")
}
