//! The scenario `events`: how soon others hear of a decision.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::classes::start;
use super::decisions::leader;
use super::measure::{Probe, Samples};
use super::meter::{Meter, add_beyond, add_disk, add_disk_samples, add_latency};
use super::pair::{Acknowledged, Latency, Pair, log_in, on_all};
use super::player::{Heard, Player};
use super::report::Row;
use super::stored::compare;
use super::{Place, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};

/// How long the leader may take to hear of the last decisions.
const GRACE: Duration = Duration::from_secs(10);

/// Operands of a pair begin at its number times this, so that no two pairs have the same.
const OPERANDS: u32 = 1_000_000;

/// Options of the scenario `events`.
#[derive(Debug, Args)]
pub struct EventsOptions {
    /// How many worlds the leader follows
    #[arg(long, default_value_t = 100)]
    worlds: usize,
    /// Decisions per second of the one pair, between which the disk is measured
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Decisions per second in all worlds together
    #[arg(long, default_value_t = 200.0)]
    all_rate: f64,
    /// How long each part lasts, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(flatten)]
    place: Place,
}

/// A decision that somebody heard of.
struct Event {
    operand: f64,
    at: Instant,
}

/// A running benchmark.
struct Bench<'a> {
    options: &'a EventsOptions,
    div: Div,
    environment: Environment,
    report: Report,
}

/// Runs the scenario.
///
/// # Errors
/// When the service fails, an event does not arrive, or an acknowledged decision is lost or
/// doubled.
pub async fn events(options: &EventsOptions) -> Result<Report> {
    ensure!(options.worlds > 1, "there must be more than one world");
    ensure!(options.rate > 0.0 && options.all_rate > 0.0, "rates must not be 0");
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let div = start(&binaries, dir, options.worlds, &[]).await?;
    let environment = div.environment("default").await?;
    let report = Report::new("events");
    Bench { options, div, environment, report }.run().await
}

impl Bench<'_> {
    async fn run(mut self) -> Result<Report> {
        let mut pairs = log_in(&self.div, &self.environment, self.options.worlds).await?;
        for (pair, number) in pairs.iter_mut().zip(0..) {
            pair.operand = number * OPERANDS;
        }
        self.one_pair(&mut pairs[0]).await?;
        let pairs = self.all_pairs(pairs).await?;
        let acknowledged = pairs.iter().flat_map(|pair| &pair.acknowledged);
        let roles = self.environment.pair_of_roles();
        let stored = compare(&self.div, [self.environment.run], roles, acknowledged).await?;
        self.report.add("worlds", "worlds that the leader follows", self.options.worlds as f64);
        self.report.add("read_back", "decisions read back and compared", stored as f64);
        Ok(self.report)
    }

    fn meter(&self) -> Result<Meter> {
        Meter::start(&[self.div.service.pid().context("the service has ended")?])
    }

    /// One pair decides, nobody else; the disk is measured after every decision.
    async fn one_pair(&mut self, pair: &mut Pair) -> Result<()> {
        let (meter, mut disk) = (self.meter()?, Samples::default());
        let mut probe = Probe::create(self.div.service.dir())?;
        let every = Duration::from_secs_f64(1.0 / self.options.rate);
        let mut due = Instant::now();
        let end = due + Duration::from_secs(self.options.seconds);
        for turn in (0..2).cycle() {
            if due >= end && turn == 0 {
                break;
            }
            pair.decide_when_due(turn, due).await?;
            disk.push(probe.write()?);
            due += every;
        }
        let used = meter.stop()?;
        let Latency { mut ack, mut partner } = Latency::take(std::slice::from_mut(pair));
        let rows = [
            ("pair_partner", "one pair: the partner's socket", &mut partner),
            ("pair_ack", "one pair: the own answer", &mut ack),
        ];
        for (key, title, samples) in rows {
            let mut row = Row::new(key, title);
            used.add_rates(&mut row, samples.len() as f64);
            add_latency(&mut row, samples);
            add_disk_samples(&mut row, &mut disk);
            add_beyond(&mut row, samples, &mut disk);
            self.report.add_row(row);
        }
        Ok(())
    }

    /// Pairs in all worlds decide, and the leader hears of all of it.
    async fn all_pairs(&mut self, pairs: Vec<Pair>) -> Result<Vec<Pair>> {
        let (leader, count) = listen(leader(&self.div, &self.environment).await?);
        let before: usize = pairs.iter().map(|pair| pair.acknowledged.len()).sum();
        let (meter, worlds) = (self.meter()?, pairs.len() as f64);
        let every = Duration::from_secs_f64(worlds / self.options.all_rate);
        let begin = Instant::now();
        let length = Duration::from_secs(self.options.seconds);
        let mut pairs = on_all(pairs, |index, pair| {
            pair.open_loop(begin + every.mul_f64(index as f64 / worlds), every, begin + length)
        })
        .await?;
        let used = meter.stop()?;
        let all: usize = pairs.iter().map(|pair| pair.acknowledged.len()).sum();
        count.send(all - before).ok();
        let heard = tokio::time::timeout(GRACE, leader).await;
        let heard = heard.context("the leader did not hear of all decisions")???;
        let acknowledged = pairs.iter().flat_map(|pair| &pair.acknowledged);
        let mut leader = heard_after(&heard, acknowledged, begin)?;
        let Latency { mut ack, mut partner } = Latency::take(&mut pairs);
        let rows = [
            ("all_leader", "all worlds: the leader's socket", &mut leader),
            ("all_partner", "all worlds: the partner's socket", &mut partner),
            ("all_ack", "all worlds: the own answer", &mut ack),
        ];
        for (key, title, samples) in rows {
            let mut row = Row::new(key, title);
            used.add_rates(&mut row, samples.len() as f64);
            add_latency(&mut row, samples);
            add_disk(&mut row, self.div.service.dir())?;
            self.report.add_row(row);
        }
        Ok(pairs)
    }
}

/// Notes when the leader hears of each decision, until it has heard of as many as it is told.
fn listen(mut leader: Player) -> (JoinHandle<Result<Vec<Event>>>, oneshot::Sender<usize>) {
    let (sender, mut count) = oneshot::channel();
    let task = tokio::spawn(async move {
        let (mut heard, mut wanted) = (Vec::new(), None);
        while wanted.is_none_or(|wanted| heard.len() < wanted) {
            tokio::select! {
                told = &mut count, if wanted.is_none() => wanted = Some(told?),
                event = leader.hear() => {
                    if let Heard::Decision(operand) = event? {
                        heard.push(Event { operand, at: Instant::now() });
                    }
                }
            }
        }
        Ok(heard)
    });
    (task, sender)
}

/// How long after each decision since `begin` it was heard of; fails unless each was heard of once.
fn heard_after<'a>(
    heard: &[Event],
    acknowledged: impl Iterator<Item = &'a Acknowledged>,
    begin: Instant,
) -> Result<Samples> {
    let made = acknowledged.filter(|it| it.begin >= begin);
    let mut made: BTreeMap<u32, Instant> = made.map(|it| (it.operand, it.begin)).collect();
    let mut samples = Samples::default();
    for Event { operand, at } in heard {
        let begin = made.remove(&(*operand as u32));
        let begin = begin.with_context(|| format!("heard of {operand} twice or without reason"))?;
        samples.push(at.duration_since(begin));
    }
    ensure!(made.is_empty(), "the leader never heard of {made:?}");
    Ok(samples)
}
