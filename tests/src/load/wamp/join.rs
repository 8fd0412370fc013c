//! The scenario `join`: sessions that connect, log in, join and leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use tokio::task::JoinSet;

use super::super::Report;
use super::super::measure::Samples;
use super::super::meter::{Meter, add_latency};
use super::super::report::Row;
use super::GRACE;
use super::router::{Router, RouterOptions};
use super::session::Session;

/// Options of the scenario `join`.
#[derive(Debug, Args)]
pub struct JoinOptions {
    #[command(flatten)]
    router: RouterOptions,
    /// How many sessions join at most
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// How many of them at the same time
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// How long new ones join at most, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// Runs the scenario.
///
/// # Errors
/// When the router fails or refuses a session.
pub async fn join(options: &JoinOptions) -> Result<Report> {
    let router = Arc::new(options.router.open().await?);
    let length = Duration::from_secs(options.seconds);
    let left = Arc::new(AtomicUsize::new(options.count));
    let mut row = Row::new("joins", "connect, log in, join and leave (latency: up to joined)");

    let meter = Meter::start(&router.pids)?;
    let end = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for _ in 0..options.clients {
        tasks.spawn(come_and_go(Arc::clone(&router), Arc::clone(&left), end));
    }
    let mut latency = Samples::default();
    let finish = async {
        while let Some(done) = tasks.join_next().await {
            latency.extend(done??);
        }
        Ok::<_, anyhow::Error>(())
    };
    let in_time = tokio::time::timeout(length + GRACE, finish).await;
    in_time.context("some sessions could not join or leave")??;
    meter.stop()?.add_rates(&mut row, latency.len() as f64);
    add_latency(&mut row, &mut latency);
    let mut report = Report::new("join");
    report.add_row(row);
    Ok(report)
}

/// Joins and leaves as long as there are sessions left and time.
async fn come_and_go(router: Arc<Router>, left: Arc<AtomicUsize>, end: Instant) -> Result<Samples> {
    let mut samples = Samples::default();
    let take_one = |left: usize| left.checked_sub(1);
    while Instant::now() < end
        && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_ok()
    {
        let begin = Instant::now();
        let session = Session::join(&router).await?;
        samples.push(begin.elapsed());
        session.leave().await?;
    }
    Ok(samples)
}
