//! One run of the service, from its settings to its end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use div_game::Rules;
use sim::engine::Engine;
use sim::{
    Config, Database, Figures, GamesApiConfig, Played, RemoteGames, RemoteRouter, RouterConfig,
    Runs, Service,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Settings, files, greeting, seeding};

/// The database file in the data directory.
pub(crate) const DATABASE: &str = "div.sqlite3";

/// How long an orderly stop may take.
const STOPPING: Duration = Duration::from_secs(10);

/// How long a remote Games API may take before it is said that it is waited for.
const GRACE: Duration = Duration::from_secs(2);

/// How often everything is compared with a Games API that has no journal to follow.
const RESYNC: Duration = Duration::from_secs(60);

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything was stopped in order.
    InOrder,
    /// It was told to stop once more while it stopped; the number is the exit code for that.
    AtOnce(u8),
}

/// Serves until the process is told to stop.
///
/// # Errors
/// When the service cannot start; the text is one line that says why and what to do.
pub async fn run(settings: Settings) -> Result<Ended> {
    let started = Instant::now();
    let mut signals = Signals::new()?;
    files::raise_limit();
    let service = Service::start(config(&settings, Figures::install()?)).await?;
    say(&greeting::addresses(&service, &settings))?;
    if settings.legacy_auth {
        tracing::warn!(
            "--legacy-auth is on: whoever reaches this service can be any of its players"
        );
    }
    let serve = async {
        let opening = async {
            open(&service, &settings, started).await?;
            std::future::pending().await
        };
        tokio::select! {
            failed = opening => failed,
            error = service.core().failed() => bail!("{error}"),
        }
    };
    let outcome = tokio::select! {
        outcome = serve => outcome,
        _ = signals.next() => Ok(Ended::InOrder),
    };
    tracing::info!("stopping");
    tokio::select! {
        stopped = tokio::time::timeout(STOPPING, service.stop()) => {
            if stopped.is_err() {
                tracing::warn!("some sessions were cut off: they did not end in time");
            }
            outcome
        }
        (name, code) = signals.next() => {
            tracing::warn!("ending at once: {name} came while the service was stopping");
            Ok(Ended::AtOnce(code))
        }
    }
}

/// Makes the game playable, and says so.
async fn open(service: &Service, settings: &Settings, started: Instant) -> Result<()> {
    let seeded = seeding::seed_if_empty(service, settings).await?;
    if !seeded && sim::is_empty(service).await? {
        say(&format!(
            "waiting for the game `{}`: create it with `div-seed`, no restart is needed\n",
            settings.game_slug
        ))?;
    }
    let is_apart = settings.games_url.is_some() || settings.router.is_some();
    if is_apart && tokio::time::timeout(GRACE, service.ready()).await.is_err() {
        say(&waiting(service, settings))?;
    }
    service.ready().await;
    let seconds = started.elapsed().as_secs_f64();
    say(&greeting::help(service, settings, seeded))?;
    say(&format!("ready after {seconds:.3} s, stop with Ctrl-C\n"))?;
    greeting::warn_of_known_passwords(service).await;
    Ok(())
}

/// What the service waits for that is of other processes.
fn waiting(service: &Service, settings: &Settings) -> String {
    let mut text = String::new();
    let slug = &settings.game_slug;
    let is_installed = service.core().engine(slug).is_some_and(Engine::is_installed);
    if let Some(url) = settings.games_url.as_ref().filter(|_| !is_installed) {
        text += &format!(
            "waiting for the game `{slug}` in the Games API at {url}; no restart is needed\n"
        );
    }
    if let Some(problem) = service.core().router_problem() {
        text += &format!("waiting, {problem}; no restart is needed\n");
    }
    text
}

fn config(settings: &Settings, figures: Figures) -> Config {
    let rules = Rules { step_periods: settings.step_periods };
    let mut game = div_game::game(&settings.game_slug, rules);
    if settings.rest_after > 0 {
        game = game.rest_after(Duration::from_secs(60 * u64::from(settings.rest_after)));
    }
    Config {
        bind: settings.bind,
        games_api: games_api(settings),
        load: if settings.load_active_runs { Runs::Active } else { Runs::All },
        realm: settings.realm.clone(),
        router: router(settings),
        legacy_auth: settings.legacy_auth,
        games: vec![Played { game, root_topic: settings.root_topic.clone() }],
        figures: Some(figures),
    }
}

fn router(settings: &Settings) -> RouterConfig {
    let Some(url) = &settings.router else { return RouterConfig::default() };
    let is_websocket = url.starts_with("ws");
    let same = is_websocket.then(|| url.clone());
    RouterConfig::Elsewhere(RemoteRouter {
        url: url.clone(),
        user: settings.router_user.clone(),
        ticket: settings.router_ticket.clone(),
        for_browsers: settings.browser_ws.clone().or(same),
    })
}

fn games_api(settings: &Settings) -> GamesApiConfig {
    let Some(url) = &settings.games_url else {
        return GamesApiConfig::Embedded {
            bind: settings.games_bind,
            database: match &settings.database_url {
                Some(url) => Database::Postgres(url.clone()),
                None => Database::Sqlite(settings.data_dir.join(DATABASE)),
            },
        };
    };
    GamesApiConfig::Remote(RemoteGames {
        url: url.clone(),
        user: settings.games_user.clone(),
        password: settings.games_password.clone(),
        callback_url: callback_url(settings),
        callback_secret: settings.callback_secret.clone(),
        callback_from: settings.callback_from.clone(),
        pending_dir: settings.data_dir.join("pending"),
        resync_every: RESYNC,
    })
}

/// The address for webhooks; none when its placeholders stand for nothing. The port on which the
/// service listens is filled in once it does.
fn callback_url(settings: &Settings) -> Option<String> {
    let filled = |text: &Option<String>| text.clone().filter(|it| !it.trim().is_empty());
    let mut url = settings.callback_url.clone();
    if url.contains("{hostname}") {
        url = url.replace("{hostname}", filled(&settings.hostname)?.trim());
    }
    match filled(&settings.port) {
        Some(port) => Some(url.replace("{port}", port.trim())),
        None => Some(url),
    }
}

/// Prints at once: whoever started the service may be reading through a pipe.
pub(crate) fn say(text: &str) -> Result<()> {
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

    /// Waits for the next of them; the answer is its name, and the exit code of what it ends.
    async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 130),
            _ = self.terminate.recv() => ("SIGTERM", 143),
        }
    }
}
