//! The figures of a router, through the `metrics` facade.
//!
//! What is counted at every message has its counter looked up once, when a realm starts.

use metrics::Counter;

/// Counts the calls that peers make.
pub(crate) fn calls() -> Counter {
    metrics::counter!("wamp_calls_total")
}

/// Counts the calls that are answered with an error.
pub(crate) fn failed_calls() -> Counter {
    metrics::counter!("wamp_calls_failed_total")
}

/// Counts what peers publish.
pub(crate) fn publications() -> Counter {
    metrics::counter!("wamp_publications_total")
}

/// Counts the events that this makes: one for each subscriber.
pub(crate) fn events() -> Counter {
    metrics::counter!("wamp_events_total")
}

/// Counts that a bound was hit.
pub(crate) fn limited(limit: &'static str) {
    metrics::counter!("wamp_limited_total", "limit" => limit).increment(1);
}

/// Counts an event that was dropped: its subscriber reads too slowly, or in a serialization that
/// cannot carry it.
pub(crate) fn dropped() {
    metrics::counter!("wamp_events_dropped_total").increment(1);
}

/// Changes how many sessions there are.
pub(crate) fn sessions(change: f64) {
    metrics::gauge!("wamp_sessions").increment(change);
}

/// Changes how many connections there are.
pub(crate) fn connections(change: f64) {
    metrics::gauge!("wamp_connections").increment(change);
}

/// Counts a refused authentication.
pub(crate) fn refused() {
    metrics::counter!("wamp_logins_refused_total").increment(1);
}
