//! The figures of an engine, through the `metrics` facade. All of them have the label `game`.
//!
//! What is counted at every call has its counter looked up once: procedures when they are first
//! called, the others when the engine starts.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram, SharedString};
use sim_games_types::Resource;

use crate::error::{CallError, CallResult};
use crate::game::Game;
use crate::uri::Root;

/// What stands in place of a procedure that the game does not have.
const OTHER: &str = "other";

/// The longest last component of an error's URI that becomes a label.
const LONGEST_OUTCOME: usize = 40;

/// The figures of one engine.
pub(crate) struct Figures {
    game: SharedString,
    on_scopes: HashMap<Resource, HashMap<String, OfProcedure>>,
    free: HashMap<String, OfProcedure>,
    other: OfProcedure,
    events: Counter,
    commits: Histogram,
}

/// The figures of one procedure.
struct OfProcedure {
    /// The resource and the name, or the name alone.
    name: SharedString,
    handles: OnceLock<Handles>,
}

struct Handles {
    ok: Counter,
    seconds: Histogram,
}

impl Figures {
    pub(crate) fn new(game: &Game) -> Self {
        let slug = SharedString::from(game.slug().to_owned());
        let mut on_scopes: HashMap<Resource, HashMap<String, OfProcedure>> = HashMap::new();
        for (resource, name) in game.procedures() {
            let figures = OfProcedure::new(format!("{resource}.{name}"));
            on_scopes.entry(resource).or_default().insert(name.to_owned(), figures);
        }
        let free = game.free_procedures().chain(["ready"]);
        Self {
            on_scopes,
            free: free.map(|name| (name.to_owned(), OfProcedure::new(name.to_owned()))).collect(),
            other: OfProcedure::new(OTHER.to_owned()),
            events: metrics::counter!("engine_events_total", "game" => slug.clone()),
            commits: metrics::histogram!("engine_commit_seconds", "game" => slug.clone()),
            game: slug,
        }
    }

    /// Counts a call that is answered now.
    pub(crate) fn answered(
        &self,
        root: &Root,
        uri: &str,
        arrived: Instant,
        outcome: &CallResult<String>,
    ) {
        let procedure = self.procedure(root, uri);
        let (game, name) = (&self.game, &procedure.name);
        let handles = procedure.handles.get_or_init(|| {
            let (game, procedure) = (game.clone(), name.clone());
            let seconds = metrics::histogram!(
                "engine_call_seconds", "game" => game, "procedure" => procedure
            );
            Handles { ok: calls(&self.game, name, "ok".into()), seconds }
        });
        handles.seconds.record(arrived.elapsed());
        match outcome {
            Ok(_) => handles.ok.increment(1),
            Err(error) => calls(game, name, outcome_of(error)).increment(1),
        }
    }

    fn procedure(&self, root: &Root, uri: &str) -> &OfProcedure {
        let on_scope = root.parse(uri).and_then(|address| {
            let of_resource = self.on_scopes.get(&address.resource)?;
            of_resource.get(address.name)
        });
        let free = || self.free.get(root.name_of(uri)?);
        on_scope.or_else(free).unwrap_or(&self.other)
    }

    /// Counts events that are published.
    pub(crate) fn published(&self, events: usize) {
        self.events.increment(events as u64);
    }

    /// Notes how long the store took for a commit.
    pub(crate) fn committed(&self, took: Duration) {
        self.commits.record(took);
    }

    /// Counts a hook, or a function that observes, that failed.
    pub(crate) fn hook_failed(&self, hook: &str) {
        let (game, hook) = (self.game.clone(), hook.to_owned());
        metrics::counter!("engine_hooks_failed_total", "game" => game, "hook" => hook).increment(1);
    }

    /// Sets what is looked at rather than counted.
    pub(crate) fn measured(&self, waiting: usize, runs: usize) {
        metrics::gauge!("engine_work_waiting", "game" => self.game.clone()).set(waiting as f64);
        metrics::gauge!("engine_runs_loaded", "game" => self.game.clone()).set(runs as f64);
    }
}

impl OfProcedure {
    fn new(name: String) -> Self {
        Self { name: name.into(), handles: OnceLock::new() }
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").field("game", &self.game).finish_non_exhaustive()
    }
}

fn calls(game: &SharedString, procedure: &SharedString, outcome: SharedString) -> Counter {
    let (game, procedure) = (game.clone(), procedure.clone());
    metrics::counter!(
        "engine_calls_total", "game" => game, "procedure" => procedure, "outcome" => outcome
    )
}

/// The last component of an error's URI. Games choose their own, and there must not be many.
fn outcome_of(error: &CallError) -> SharedString {
    let last = error.uri().rsplit('.').next().unwrap_or_default();
    let is_name = last.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    match is_name && (1..=LONGEST_OUTCOME).contains(&last.len()) {
        true => last.to_owned().into(),
        false => OTHER.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_the_last_component_of_the_error() {
        let of = |uri: &str| outcome_of(&CallError::application(uri, Vec::new())).to_string();
        assert_eq!(of("wamp.error.not_authorized"), "not_authorized");
        assert_eq!(of("full"), "full");
        for uri in ["game.error.17", "game.error.", &format!("game.{}", "x".repeat(41))] {
            assert_eq!(of(uri), OTHER, "{uri}");
        }
    }
}
