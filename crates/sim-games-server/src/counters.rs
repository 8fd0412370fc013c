//! The figures of a Games API, through the `metrics` facade.

use std::time::Duration;

/// Counts a transaction of the writer: how many units of work shared it, how long it took, and
/// whether the database kept it.
pub(crate) fn committed(units: usize, took: Duration, is_kept: bool) {
    let outcome = if is_kept { "ok" } else { "failed" };
    metrics::counter!("games_commits_total", "outcome" => outcome).increment(1);
    metrics::histogram!("games_commit_units").record(units as f64);
    metrics::histogram!("games_commit_seconds").record(took);
}

/// Counts an attempt to deliver an event to a webhook's subscriber.
pub(crate) fn delivered(has_arrived: bool) {
    let outcome = if has_arrived { "ok" } else { "failed" };
    metrics::counter!("games_webhook_deliveries_total", "outcome" => outcome).increment(1);
}
