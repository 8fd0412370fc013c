//! One run of the service, from its settings to its end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use div_game::Rules;
use sim::{Config, Database, Played, Service};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Settings, greeting, seeding};

/// The database file in the data directory.
pub(crate) const DATABASE: &str = "div.sqlite3";

/// How long an orderly stop may take.
const STOPPING: Duration = Duration::from_secs(10);

/// Serves until the process is told to stop.
///
/// # Errors
/// When the service cannot start; the text is one line that says why and what to do.
pub async fn run(settings: Settings) -> Result<()> {
    let started = Instant::now();
    let mut signals = Signals::new()?;
    if let Some(url) = &settings.games_url {
        bail!(
            "the Games API at `{url}` cannot be used: only the embedded one is supported so far; \
             unset SIMPL_GAMES_URL (or leave out --games-url)"
        );
    }
    let service = Service::start(config(&settings)).await?;
    say(&greeting::addresses(&service))?;
    if settings.legacy_auth {
        tracing::warn!(
            "--legacy-auth is on: whoever reaches this service can be any of its players"
        );
    }
    let serve = async {
        open(&service, &settings, started).await?;
        service.core().failed().await;
        bail!("the engine was cut off from the router by an overload; start the service again")
    };
    let outcome = tokio::select! {
        outcome = serve => outcome,
        () = signals.next() => Ok(()),
    };
    tracing::info!("stopping");
    if tokio::time::timeout(STOPPING, service.stop()).await.is_err() {
        tracing::warn!("some sessions were cut off: they did not end in time");
    }
    outcome
}

/// Makes the game playable, and says so.
async fn open(service: &Service, settings: &Settings, started: Instant) -> Result<()> {
    let seeded = seeding::seed_if_empty(service, settings).await?;
    if !seeded && seeding::is_empty(service).await? {
        say(&format!(
            "waiting for the game `{}`: create it with `div-seed`, no restart is needed\n",
            settings.game_slug
        ))?;
    }
    service.ready().await;
    let seconds = started.elapsed().as_secs_f64();
    say(&greeting::help(service, settings, seeded))?;
    say(&format!("ready after {seconds:.3} s, stop with Ctrl-C\n"))?;
    greeting::warn_of_known_passwords(service).await;
    Ok(())
}

fn config(settings: &Settings) -> Config {
    let rules = Rules { step_periods: settings.step_periods };
    Config {
        bind: settings.bind,
        games_bind: settings.games_bind,
        database: match &settings.database_url {
            Some(url) => Database::Postgres(url.clone()),
            None => Database::Sqlite(settings.data_dir.join(DATABASE)),
        },
        realm: settings.realm.clone(),
        legacy_auth: settings.legacy_auth,
        games: vec![Played {
            game: div_game::game(&settings.game_slug, rules),
            root_topic: settings.root_topic.clone(),
        }],
    }
}

/// Prints at once: whoever started the service may be reading through a pipe.
fn say(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next of them.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
