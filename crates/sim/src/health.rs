//! What the machines around a service ask of it: whether it lives, whether it can be played, and
//! its figures.

use std::error::Error as _;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sim_games_client::Error;
use sim_games_server::GamesApi;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::access::Engines;
use crate::figures::Figures;
use crate::link::Link;
use crate::remote::Remote;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long its answer is good for, however many ask.
const FRESH: Duration = Duration::from_millis(500);

/// The store as it is asked whether it is there.
pub(crate) enum Probe {
    Embedded(GamesApi),
    Remote(Arc<Remote>),
}

/// Whether a service is in order.
pub(crate) struct Health {
    engines: Engines,
    probe: Probe,
    /// The way to the router, if it is of another process.
    link: Option<Arc<Link>>,
    figures: Option<Figures>,
    /// What the store answered last: nothing, or why it cannot be used.
    store: Mutex<Option<(Instant, Option<String>)>>,
}

impl Health {
    pub(crate) fn new(
        engines: Engines,
        probe: Probe,
        link: Option<Arc<Link>>,
        figures: Option<Figures>,
    ) -> Self {
        Self { engines, probe, link, figures, store: Mutex::default() }
    }

    /// Why the games cannot be played now; nothing when they can.
    pub(crate) async fn problems(&self) -> Vec<String> {
        let engines = self.engines.get().into_iter().flatten();
        let missing = engines.filter(|(_, engine)| !engine.is_installed());
        let missing =
            missing.map(|(_, it)| format!("the game \"{}\" is not installed yet", it.slug()));
        let link = self.link.as_ref().and_then(|link| link.problem());
        missing.chain(link).chain(self.store_problem().await).collect()
    }

    async fn store_problem(&self) -> Option<String> {
        let mut last = self.store.lock().await;
        if let Some((at, problem)) = &*last
            && at.elapsed() < FRESH
        {
            return problem.clone();
        }
        let problem = match timeout(PATIENCE, self.probe.ask()).await {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some(unreached(format!("it did not answer within {} s", PATIENCE.as_secs()))),
        };
        *last = Some((Instant::now(), problem.clone()));
        problem
    }

    /// The figures in the text form of Prometheus, if the program keeps any.
    pub(crate) fn figures(&self) -> Option<String> {
        let figures = self.figures.as_ref()?;
        for (_, engine) in self.engines.get().into_iter().flatten() {
            engine.measure();
        }
        Some(figures.text())
    }

    /// The addresses at which all this is asked.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/healthz", get(async || plain(StatusCode::OK, "ok\n")))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self.clone())
    }
}

impl Probe {
    /// Asks the store for something that it has to look up, and whether it can be written.
    async fn ask(&self) -> Result<(), String> {
        match self {
            Self::Embedded(api) => {
                api.last_seq().await.map_err(unreached)?;
                api.check_writable().await.map_err(|error| {
                    // What callers are told does not say why.
                    let cause =
                        error.source().map_or_else(|| error.to_string(), ToString::to_string);
                    format!("the store cannot be written: {cause}")
                })
            }
            Self::Remote(remote) => match remote.client.last_seq(0).await {
                // The original has no journal, and says so.
                Ok(_) | Err(Error::NotFound { .. } | Error::Refused { status: 404 | 405, .. }) => {
                    Ok(())
                }
                Err(error) => Err(unreached(error)),
            },
        }
    }
}

fn unreached(cause: impl Display) -> String {
    format!("the store cannot be reached: {cause}")
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let problems = health.problems().await;
    if problems.is_empty() {
        return plain(StatusCode::OK, "ready\n");
    }
    let lines: String = problems.iter().map(|it| format!("{it}\n")).collect();
    plain(StatusCode::SERVICE_UNAVAILABLE, lines)
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    match health.figures() {
        Some(text) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (kind, text).into_response()
        }
        None => plain(StatusCode::NOT_FOUND, "this program keeps no figures\n"),
    }
}

/// A text that is true for this moment only.
fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text.into()).into_response()
}
