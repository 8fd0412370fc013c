//! The scenario `slow`: subscribers that read, beside one that does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::Report;
use super::super::measure::MIB;
use super::super::memory::settled;
use super::super::meter::{Meter, add_latency};
use super::super::report::Row;
use super::code;
use super::memory::Peak;
use super::router::{Router, RouterOptions};
use super::session::Session;
use super::text::{head, numbers};
use super::topic::{Heard, Pace, Topic};

const URI: &str = "bench.slow";

/// The receive buffer of the one that does not read: the least that systems take.
const RECEIVE_BUFFER: u32 = 4096;

/// How long nothing more must come until nothing more is expected.
const SILENCE: Duration = Duration::from_secs(3);

/// Options of the scenario `slow`.
#[derive(Debug, Args)]
pub struct SlowOptions {
    #[command(flatten)]
    router: RouterOptions,
    /// How many subscribers read
    #[arg(long, default_value_t = 10)]
    readers: usize,
    /// How many bytes an event has, about
    #[arg(long, default_value_t = 1000)]
    bytes: usize,
    /// How many milliseconds lie between two events
    #[arg(long, default_value_t = 1.0)]
    every_ms: f64,
    /// How long each of the two parts publishes, in seconds
    #[arg(long, default_value_t = 12)]
    seconds: u64,
}

/// What became of the one that did not read.
#[derive(Debug, Default)]
struct Fate {
    /// Whether the router ended the connection.
    ended: bool,
    /// What could be read afterwards.
    events: u64,
    bytes: u64,
    /// Events that were missing between those that came.
    gaps: u64,
}

/// Runs the scenario.
///
/// # Errors
/// When the router fails, or a reader does not receive every event in its order.
pub async fn slow(options: &SlowOptions) -> Result<Report> {
    ensure!(options.every_ms > 0.0, "there must be time between two events");
    let router = Arc::new(options.router.open().await?);
    let mut report = Report::new("slow");
    let row = Row::new("without", "events delivered to the readers alone");
    report.add_row(options.publish(&router, &options.topic(), row).await?);

    let mut session = Session::join_with(&router, Some(RECEIVE_BUFFER)).await?;
    session.subscribe(URI).await?;
    let topic = options.topic();
    let watch = Watch::start(&router, session.id, &topic).await?;
    let before =
        if router.pids.is_empty() { None } else { Some(settled(|| router.rss_bytes()).await?) };
    let peak = Peak::watch(&router);
    let row = Row::new("with", "the same beside one that does not read");
    report.add_row(options.publish(&router, &topic, row).await?);
    if let Some(before) = before {
        let growth = (peak.bytes() - before) / MIB;
        report.add("rss_growth_mib", "growth of the router's RSS at its peak, MiB", growth);
    }
    drop(peak);
    let fate = read_at_last(session).await?;
    add_fate(&mut report, &fate, watch.noticed(), topic.published());
    Ok(report)
}

impl SlowOptions {
    fn topic(&self) -> Arc<Topic> {
        let pace = Pace::Every(Duration::from_secs_f64(self.every_ms / 1e3));
        let topic = Topic::new(URI, pace, u64::MAX, Duration::from_secs(self.seconds));
        Arc::new(topic.with_filler(self.bytes))
    }

    /// Publishes to new readers.
    async fn publish(&self, router: &Router, topic: &Arc<Topic>, mut row: Row) -> Result<Row> {
        let mut readers = Session::join_many(router, self.readers).await?;
        for reader in &mut readers {
            reader.subscribe(URI).await?;
        }
        let publisher = Session::join(router).await?;
        let meter = Meter::start(&router.pids)?;
        let mut outcome = topic.run(publisher, readers).await?;
        meter.stop()?.add_rates(&mut row, outcome.delivered as f64);
        add_latency(&mut row, &mut outcome.latency);
        Ok(row)
    }
}

/// Notes how many events were published when a session left.
#[derive(Debug)]
struct Watch {
    noticed: Arc<AtomicU64>,
    task: JoinHandle<Result<()>>,
}

impl Watch {
    /// Begins to watch; a router that does not tell who leaves is not waited for.
    async fn start(router: &Router, session: u64, topic: &Arc<Topic>) -> Result<Self> {
        let mut watcher = Session::join(router).await?;
        let subscribed = watcher.subscribe("wamp.session.on_leave").await;
        let (noticed, topic) = (Arc::new(AtomicU64::new(0)), Arc::clone(topic));
        let note = Arc::clone(&noticed);
        let task = tokio::spawn(async move {
            subscribed?;
            loop {
                let text = watcher.socket.receive().await?;
                let is_event = matches!(head(text), Some((code::EVENT, _)));
                if is_event && numbers(text).is_some_and(|(left, _)| left == session) {
                    note.store(topic.published(), Ordering::Relaxed);
                }
            }
        });
        Ok(Self { noticed, task })
    }

    fn noticed(&self) -> Option<u64> {
        Some(self.noticed.load(Ordering::Relaxed)).filter(|published| *published > 0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads what the router has kept for a session that did not read so far.
async fn read_at_last(mut session: Session) -> Result<Fate> {
    let mut fate = Fate::default();
    let mut expected = 0;
    while let Ok(text) = timeout(SILENCE, session.socket.try_receive()).await {
        let Some(text) = text? else {
            fate.ended = true;
            break;
        };
        fate.bytes += text.len() as u64;
        // A goodbye is about the connection's end, which follows.
        if matches!(head(text), Some((code::GOODBYE, _))) {
            continue;
        }
        let Heard::Event(number, _) = Topic::hear(text)? else { break };
        fate.events += 1;
        fate.gaps += number.saturating_sub(expected);
        expected = number + 1;
    }
    Ok(fate)
}

fn add_fate(report: &mut Report, fate: &Fate, noticed: Option<u64>, published: u64) {
    let ended = if fate.ended { 1.0 } else { 0.0 };
    report.add("published", "events published", published as f64);
    report.add("disconnected", "the one that did not read was disconnected (1: yes)", ended);
    if let Some(noticed) = noticed {
        let title = "… after so many events were published";
        report.add("disconnected_after", title, noticed as f64);
    }
    report.add("slow_events", "… events that it could read afterwards", fate.events as f64);
    report.add("slow_mib", "… the same in MiB", fate.bytes as f64 / MIB);
    report.add("slow_gaps", "… events that were missing in between", fate.gaps as f64);
    if !fate.ended {
        let lost = published - fate.events;
        report.add("slow_lost", "… events that it never received", lost as f64);
    }
}
