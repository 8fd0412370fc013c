//! The scenario `pubsub`: one publisher and many subscribers, back to back and by the clock.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::super::Report;
use super::super::meter::{Meter, add_latency};
use super::super::report::Row;
use super::router::{Router, RouterOptions};
use super::session::Session;
use super::topic::{Pace, Topic, Window};

/// Options of the scenario `pubsub`.
#[derive(Debug, Args)]
pub struct PubsubOptions {
    #[command(flatten)]
    router: RouterOptions,
    /// How many subscribers there are, back to back
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    subscribers: Vec<usize>,
    /// How many subscribers there are when published by the clock
    #[arg(long, value_delimiter = ',', default_value = "100")]
    paced_subscribers: Vec<usize>,
    /// How many events are delivered at most, back to back
    #[arg(long, default_value_t = 3_000_000)]
    count: usize,
    /// How long each part publishes at most, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// By how many events a subscriber may lag behind, back to back; a router that drops events of
    /// slow subscribers needs less
    #[arg(long, default_value_t = 1024)]
    window: usize,
    /// How many milliseconds lie between two events by the clock
    #[arg(long, default_value_t = 2.0)]
    every_ms: f64,
}

/// Runs the scenario.
///
/// # Errors
/// When the router fails, or a subscriber does not receive every event in its order.
pub async fn pubsub(options: &PubsubOptions) -> Result<Report> {
    ensure!(options.every_ms > 0.0, "there must be time between two events");
    let router = options.router.open().await?;
    let mut report = Report::new("pubsub");
    for subscribers in &options.subscribers {
        let row = Row::new(
            format!("back_to_back_{subscribers}"),
            format!("events delivered, 1 to {subscribers}, back to back"),
        );
        let window = Window::new(options.window, *subscribers);
        let count = options.count.div_ceil((*subscribers).max(1)) as u64;
        let pace = Pace::BackToBack(window);
        report.add_row(options.measure(&router, row, *subscribers, pace, count).await?);
    }
    for subscribers in &options.paced_subscribers {
        let row = Row::new(
            format!("paced_{subscribers}"),
            format!("the same, 1 to {subscribers}, one every {} ms", options.every_ms),
        );
        let pace = Pace::Every(Duration::from_secs_f64(options.every_ms / 1e3));
        report.add_row(options.measure(&router, row, *subscribers, pace, u64::MAX).await?);
    }
    Ok(report)
}

impl PubsubOptions {
    async fn measure(
        &self,
        router: &Router,
        mut row: Row,
        subscribers: usize,
        pace: Pace,
        count: u64,
    ) -> Result<Row> {
        let uri = "bench.topic";
        let mut sessions = Session::join_many(router, subscribers).await?;
        for session in &mut sessions {
            session.subscribe(uri).await?;
        }
        let publisher = Session::join(router).await?;
        let topic = Arc::new(Topic::new(uri, pace, count, Duration::from_secs(self.seconds)));
        let meter = Meter::start(&router.pids)?;
        let mut outcome = topic.run(publisher, sessions).await?;
        meter.stop()?.add_rates(&mut row, outcome.delivered as f64);
        if outcome.latency.len() > 0 {
            add_latency(&mut row, &mut outcome.latency);
        }
        Ok(row)
    }
}
