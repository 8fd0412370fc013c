//! The figures of the process: who keeps them, and how they are read.
//!
//! The crates count through the `metrics` facade, which does nothing until a program installs a
//! recorder. This is the one that programs install.

mod process;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// The bounds of the buckets in which durations are counted, in seconds.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// The bounds of the buckets in which the sizes of commits are counted.
const UNITS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The figures of this process, if they were installed.
static INSTALLED: Mutex<Option<Figures>> = Mutex::new(None);

/// The figures of this process, as Prometheus reads them. Clones share them.
#[derive(Clone)]
pub struct Figures {
    handle: PrometheusHandle,
}

/// The figures of this process are kept by something else already.
#[derive(Debug, thiserror::Error)]
#[error("the figures of this process are kept by something else: {0}")]
pub struct FiguresTaken(#[source] BuildError);

impl Figures {
    /// Begins to keep the figures of this process; only a program may do so, and before it starts
    /// a service. Whoever comes second gets those that are kept already.
    ///
    /// # Errors
    /// When another recorder was installed.
    pub fn install() -> Result<Self, FiguresTaken> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = &*installed {
            return Ok(figures.clone());
        }
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let units = Matcher::Full("games_commit_units".to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(seconds, &SECONDS)
            .and_then(|it| it.set_buckets_for_metric(units, &UNITS))
            .map_err(FiguresTaken)?;
        let handle = builder.install_recorder().map_err(FiguresTaken)?;
        describe();
        Ok(installed.insert(Self { handle }).clone())
    }

    /// All figures in the text form of Prometheus.
    pub(crate) fn text(&self) -> String {
        process::measure();
        self.handle.render()
    }

    /// Puts what was recorded into its buckets. Without it the values lie in memory until somebody
    /// reads the figures.
    pub(crate) fn tidy_up(&self) {
        self.handle.run_upkeep();
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").finish_non_exhaustive()
    }
}

/// Says what the figures mean; docs/OPERATIONS.md has the same table for people.
fn describe() {
    for (name, text) in [
        ("engine_calls_total", "Calls that were answered, by procedure and outcome"),
        ("engine_events_total", "Events that the engine has published"),
        ("engine_hooks_failed_total", "Hooks of the game that failed, by kind"),
        ("games_commits_total", "Transactions of the writer, by outcome"),
        ("games_webhook_deliveries_total", "Attempts to deliver to webhooks, by outcome"),
        ("wamp_calls_total", "Calls that peers have made"),
        ("wamp_calls_failed_total", "Calls that were answered with an error"),
        ("wamp_publications_total", "Publications of peers"),
        ("wamp_events_total", "Events for subscribers, each counted once per subscriber"),
        ("wamp_events_dropped_total", "Events that did not reach their subscriber"),
        ("wamp_limited_total", "How often a bound was hit, by bound"),
        ("wamp_logins_refused_total", "Logins that were refused"),
    ] {
        describe_counter!(name, text);
    }
    for (name, unit, text) in [
        ("engine_work_waiting", Unit::Count, "Calls and messages that are not handled yet"),
        ("engine_runs_loaded", Unit::Count, "Runs in memory"),
        ("wamp_sessions", Unit::Count, "Sessions that have joined"),
        ("wamp_connections", Unit::Count, "Open connections"),
        ("process_cpu_seconds_total", Unit::Seconds, "Processor time, user and system"),
        ("process_resident_memory_bytes", Unit::Bytes, "Resident memory"),
        ("process_open_fds", Unit::Count, "Open file descriptors"),
        ("process_threads", Unit::Count, "Threads"),
        ("process_start_time_seconds", Unit::Seconds, "When the process started, since 1970"),
    ] {
        describe_gauge!(name, unit, text);
    }
    for (name, unit, text) in [
        ("engine_call_seconds", Unit::Seconds, "From a call's arrival to its answer"),
        ("engine_commit_seconds", Unit::Seconds, "How long the store takes for a unit of work"),
        ("games_commit_seconds", Unit::Seconds, "How long a transaction of the writer takes"),
        ("games_commit_units", Unit::Count, "Units of work that share a transaction"),
    ] {
        describe_histogram!(name, unit, text);
    }
}
