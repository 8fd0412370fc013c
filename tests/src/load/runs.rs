//! The scenario `runs`: what a decision costs when few and when many runs are loaded.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::classes::{self, Classes, Seat, start};
use super::measure::{Samples, rss_bytes};
use super::memory::settled;
use super::meter::{Meter, Used, add_disk, add_latency};
use super::pair::{Latency, Pair, on_all, seat};
use super::report::Row;
use super::stored::compare;
use super::{Place, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};

/// How long the rounds of a turn may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Options of the scenario `runs`.
#[derive(Debug, Args)]
pub struct RunsOptions {
    /// How many runs are loaded beside the default one, each with one world; the first is what the
    /// second is compared with
    #[arg(long, value_delimiter = ',', num_args = 1, default_value = "10,10000")]
    sizes: Vec<usize>,
    /// How many pairs play, each in a run of its own
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// How many decisions are made in all with either size
    #[arg(long, default_value_t = 40_000)]
    count: usize,
    /// In how many turns, so that what else the machine does meets both alike
    #[arg(long, default_value_t = 10)]
    turns: usize,
    #[command(flatten)]
    place: Place,
}

/// A service with some runs.
struct Side {
    size: usize,
    div: Div,
    environment: Environment,
    pid: u32,
    /// The memory after the start.
    memory: f64,
    pairs: Vec<Pair>,
    seats: Vec<Seat>,
    used: Option<Used>,
    latency: Samples,
    decisions: usize,
}

/// Runs the scenario.
///
/// # Errors
/// When a service fails, or lost or doubled an acknowledged decision.
pub async fn runs(options: &RunsOptions) -> Result<Report> {
    let [few, many] = options.sizes[..] else { anyhow::bail!("`--sizes` takes two numbers") };
    ensure!(options.pairs > 0 && options.pairs <= few.min(many), "every pair needs a run");
    ensure!(few < many, "the first of `--sizes` must be smaller");
    let mut sides = [Side::start(options, few).await?, Side::start(options, many).await?];
    for side in &mut sides {
        side.log_in().await?;
    }
    let rounds = options.count.div_ceil(2 * options.pairs * options.turns.max(1)).max(1);
    for turn in 0..options.turns.max(1) {
        // The first of two is now this one and now that one.
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            sides[side].turn(rounds).await?;
        }
    }
    let mut report = Report::new("runs");
    let mut costs = Vec::new();
    let mut read_back = 0;
    for side in &mut sides {
        report.add_row(side.row()?);
        costs.push((side.cost(), side.latency.quantile_ms(0.5)));
        read_back += side.read_back().await?;
    }
    let more = |one: f64, other: f64| (other / one - 1.0) * 100.0;
    let [(cpu, p50), (more_cpu, more_p50)] = costs[..] else { unreachable!("there are two sides") };
    report.add("pairs", "pairs, each in a run of its own", options.pairs as f64);
    report.add("cpu_more_percent", "more CPU per decision with many runs, %", more(cpu, more_cpu));
    report.add("p50_more_percent", "longer p50 with many runs, %", more(p50, more_p50));
    let each = (sides[1].memory - sides[0].memory) / (many - few) as f64 / 1e3;
    report.add("run_kb", "memory per loaded run, KB", each);
    report.add("few_rss_mb", "RSS after the start with few runs, MB", sides[0].memory / 1e6);
    report.add("many_rss_mb", "RSS after the start with many runs, MB", sides[1].memory / 1e6);
    let start = |side: &Side| side.div.service.startup().as_secs_f64() * 1e3;
    report.add("many_start_ms", "start with many runs, ms", start(&sides[1]));
    report.add("read_back", "decisions read back and compared", read_back as f64);
    Ok(report)
}

impl Side {
    async fn start(options: &RunsOptions, size: usize) -> Result<Self> {
        let binaries = Binaries::beside_this_program()?;
        let dir = options.place.data_dir().context("making the data directory")?;
        let mut div = start(&binaries, dir, 2, &["--legacy-auth"]).await?;
        let environment = div.environment("default").await?;
        let classes = Classes { name: "run", runs: size, worlds: 1 };
        let mut seats = classes::make(&div, &environment, classes).await?;
        // Afterwards both have loaded their runs in the same way.
        ensure!(div.service.sigterm().await? == Some(0), "the service did not stop in order");
        div.restart().await?;
        let pid = div.service.pid().context("the service has ended")?;
        let memory = settled(|| rss_bytes(pid)).await?;
        // The pairs play in runs from the first to the last.
        let step = size / options.pairs;
        seats = seats.into_iter().step_by(step).take(options.pairs).collect();
        let (pairs, used, latency) = (Vec::new(), None, Samples::default());
        Ok(Self { size, div, environment, pid, memory, pairs, seats, used, latency, decisions: 0 })
    }

    /// Logs the pairs in, once both services are there: a session that answers no ping is ended.
    async fn log_in(&mut self) -> Result<()> {
        self.pairs = seat(&self.div, &self.seats, self.environment.pair_of_roles()).await?;
        Ok(())
    }

    /// All pairs play some rounds.
    async fn turn(&mut self, rounds: usize) -> Result<()> {
        let pairs = std::mem::take(&mut self.pairs);
        self.decisions += 2 * rounds * pairs.len();
        let meter = Meter::start(&[self.pid])?;
        let playing = on_all(pairs, |_, pair| pair.closed_loop(rounds));
        let in_time = tokio::time::timeout(LIMIT, playing).await;
        self.pairs = in_time.context("some decisions were never answered")??;
        let used = meter.stop()?;
        self.used = Some(self.used.map_or(used, |before| before.and(used)));
        self.latency.extend(Latency::take(&mut self.pairs).ack);
        Ok(())
    }

    /// The CPU seconds of a decision.
    fn cost(&self) -> f64 {
        self.used.map_or(f64::NAN, |used| used.cpu_seconds() / self.decisions as f64)
    }

    fn row(&mut self) -> Result<Row> {
        let title = format!("decisions with {} runs", self.size);
        let mut row = Row::new(format!("runs_{}", self.size), title);
        if let Some(used) = self.used {
            used.add_rates(&mut row, self.decisions as f64);
            used.add_each(&mut row, self.decisions as f64);
        }
        add_latency(&mut row, &mut self.latency);
        add_disk(&mut row, self.div.service.dir())?;
        Ok(row)
    }

    async fn read_back(&self) -> Result<usize> {
        let acknowledged = self.pairs.iter().flat_map(|pair| &pair.acknowledged);
        let runs = self.seats.iter().map(|seat| seat.run);
        let stored =
            compare(&self.div, runs, self.environment.pair_of_roles(), acknowledged).await?;
        let made = self.decisions;
        ensure!(stored == made, "{stored} of {made} decisions are stored");
        Ok(stored)
    }
}
