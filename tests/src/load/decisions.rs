//! The scenario `decisions`: many pairs play round after round, each in a world of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};

use super::measure::{Samples, cpu_seconds, disk};
use super::player::Player;
use super::{DecisionsOptions, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};
use crate::program::run_to_end;
use crate::service::Service;
use crate::tables::Tables;

/// Two players and what they have played.
struct Pair {
    root: String,
    players: [Player; 2],
    roles: [u64; 2],
    period: u64,
    /// Counts up, so that no two decisions of a player are alike.
    operand: u32,
    /// The acknowledged decisions: period, role, operand.
    acknowledged: Vec<(u64, u64, u32)>,
    latency: Latency,
}

/// What the open loop measures.
#[derive(Debug, Default)]
struct Latency {
    ack: Samples,
    partner: Samples,
}

/// Runs the scenario.
///
/// # Errors
/// When the service fails, or lost or doubled an acknowledged decision.
pub async fn decisions(options: &DecisionsOptions) -> Result<Report> {
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let div = start(&binaries, dir, options.pairs).await?;
    let environment = div.environment("default").await?;
    let pid = div.service.pid().context("the service has ended")?;
    let leader = spawn_leader(&div, &environment).await?;
    let pairs = log_in(&div, &environment, options.pairs).await?;

    let mut report = Report::new("decisions");
    report.add("pairs", "pairs", options.pairs as f64);
    let (cpu, start) = (cpu_seconds(pid)?, Instant::now());
    let rounds = options.count.div_ceil(2 * options.pairs).max(1);
    let pairs = on_all(pairs, |_, pair| pair.closed_loop(rounds)).await?;
    let elapsed = start.elapsed().as_secs_f64();
    let used = cpu_seconds(pid)? - cpu;
    let count = (rounds * 2 * options.pairs) as f64;
    report.add("decisions", "decisions in the closed loop", count);
    report.add("decisions_per_s", "decisions per second", count / elapsed);
    report.add("decisions_per_cpu_s", "decisions per CPU second of the service", count / used);
    report.add("service_cores", "cores used by the service", used / elapsed);

    let rate = options.rate.unwrap_or(count / elapsed / 2.0);
    let interval = Duration::from_secs_f64(options.pairs as f64 / rate);
    let length = Duration::from_secs(options.seconds);
    let begin = Instant::now();
    let mut pairs = on_all(pairs, |index, pair| {
        // The arrivals of all pairs together are evenly spread.
        let first = begin + interval.mul_f64(index as f64 / options.pairs as f64);
        pair.open_loop(first, interval, begin + length)
    })
    .await?;
    let mut latency = Latency::default();
    for pair in &mut pairs {
        latency.ack.extend(std::mem::take(&mut pair.latency.ack));
        latency.partner.extend(std::mem::take(&mut pair.latency.partner));
    }
    report.add("open_loop_per_s", "decisions per second, open loop", rate);
    report.add("ack_p50_ms", "ack p50, ms", latency.ack.quantile_ms(0.5));
    report.add("ack_p99_ms", "ack p99, ms", latency.ack.quantile_ms(0.99));
    report.add("partner_p50_ms", "partner's socket p50, ms", latency.partner.quantile_ms(0.5));
    report.add("partner_p99_ms", "partner's socket p99, ms", latency.partner.quantile_ms(0.99));
    let mut disk = disk(div.service.dir())?;
    report.add("disk_p50_ms", "disk: 4 KiB + fdatasync p50, ms", disk.quantile_ms(0.5));
    report.add("disk_p99_ms", "disk: 4 KiB + fdatasync p99, ms", disk.quantile_ms(0.99));

    leader.abort();
    let stored = read_back(&div, &environment, &pairs).await?;
    report.add("read_back", "decisions read back and compared", stored as f64);
    Ok(report)
}

async fn start(binaries: &Binaries, dir: TempDir, worlds: usize) -> Result<Div> {
    let service = Service::start_in(&binaries.service, dir, &["--no-seed"]).await?;
    let div = Div::on(service)?;
    let worlds = worlds.to_string();
    let args = ["--games-url", div.service.api_url(), "--worlds", &worlds];
    let seeded = run_to_end(&binaries.seed, &args, "").await?;
    ensure!(seeded.code == Some(0), "seeding failed: {}", seeded.stderr);
    Ok(div)
}

/// Logs the leader in, who follows every world and reads for as long as the task lives.
async fn spawn_leader(div: &Div, environment: &Environment) -> Result<JoinHandle<Result<()>>> {
    let mut leader = Player::login(div.service.ws_url(), "leader@div.edu").await?;
    for world in &environment.worlds {
        leader.follow(&div.uri(&format!("world.{}", world.world))).await?;
    }
    Ok(tokio::spawn(async move { leader.watch().await }))
}

async fn log_in(div: &Div, environment: &Environment, count: usize) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for (index, world) in environment.worlds.iter().take(count).enumerate() {
        let mut players = Vec::new();
        for number in [2 * index + 1, 2 * index + 2] {
            let email = format!("s{number}@div.edu");
            let mut player = Player::login(div.service.ws_url(), &email).await?;
            let runuser = &environment.runusers[&email]["id"];
            player.follow(&div.uri(&format!("runuser.{runuser}"))).await?;
            player.follow(&div.uri(&format!("world.{}", world.world))).await?;
            players.push(player);
        }
        let players = players.try_into().ok().context("a pair is two")?;
        pairs.push(Pair {
            root: div.root.clone(),
            players,
            roles: [environment.roles["Dividend"], environment.roles["Divisor"]],
            period: world.period,
            operand: 0,
            acknowledged: Vec::new(),
            latency: Latency::default(),
        });
    }
    Ok(pairs)
}

/// Lets all pairs do something at the same time and returns them.
async fn on_all<F>(pairs: Vec<Pair>, work: impl Fn(usize, Pair) -> F) -> Result<Vec<Pair>>
where
    F: Future<Output = Result<Pair>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, pair) in pairs.into_iter().enumerate() {
        tasks.spawn(work(index, pair));
    }
    let mut done = Vec::new();
    while let Some(pair) = tasks.join_next().await {
        done.push(pair??);
    }
    Ok(done)
}

impl Pair {
    /// Plays so many rounds, both players at once, each round as soon as the one before is over.
    async fn closed_loop(mut self, rounds: usize) -> Result<Self> {
        for _ in 0..rounds {
            self.operand += 1;
            let [dividend, divisor] = &mut self.players;
            dividend.submit(&self.root, self.period, self.operand).await?;
            divisor.submit(&self.root, self.period, self.operand).await?;
            tokio::try_join!(dividend.acknowledged(), divisor.acknowledged())?;
            for role in self.roles {
                self.acknowledged.push((self.period, role, self.operand));
            }
            self.step()?;
        }
        Ok(self)
    }

    /// Submits a decision on every tick, the players in turn, whether or not the last is over.
    async fn open_loop(mut self, first: Instant, every: Duration, end: Instant) -> Result<Self> {
        let mut due = first;
        // Finishes the round, so that every period but the last of a world is complete.
        for turn in (0..2).cycle() {
            if due >= end && turn == 0 {
                break;
            }
            // A timer wakes up late; only waiting for the decision before counts as latency.
            let begin = if Instant::now() < due {
                tokio::time::sleep_until(due.into()).await;
                Instant::now()
            } else {
                due
            };
            self.timed_decision(turn, begin).await?;
            if turn == 1 {
                self.step()?;
            }
            due += every;
        }
        Ok(self)
    }

    async fn timed_decision(&mut self, turn: usize, begin: Instant) -> Result<()> {
        self.operand += 1;
        let [dividend, divisor] = &mut self.players;
        let (active, partner) = if turn == 0 { (dividend, divisor) } else { (divisor, dividend) };
        active.submit(&self.root, self.period, self.operand).await?;
        let (ack, seen) = tokio::join!(active.acknowledged(), partner.sees_decision(self.operand));
        self.latency.ack.push(ack?.duration_since(begin));
        self.latency.partner.push(seen?.duration_since(begin));
        self.acknowledged.push((self.period, self.roles[turn], self.operand));
        Ok(())
    }

    /// Goes to the period that the round has opened.
    ///
    /// It is announced before the round's second answer, so one of the two knows it by now.
    fn step(&mut self) -> Result<()> {
        let next = self.players[0].period.max(self.players[1].period);
        ensure!(next > self.period, "no period after {} was announced", self.period);
        self.period = next;
        Ok(())
    }
}

/// Compares every acknowledged decision with what is stored; returns how many there are.
async fn read_back(div: &Div, environment: &Environment, pairs: &[Pair]) -> Result<usize> {
    let tables = Tables::read(&div.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;
    let mut expected: BTreeMap<(u64, u64), u32> = BTreeMap::new();
    for (period, role, operand) in pairs.iter().flat_map(|pair| &pair.acknowledged) {
        expected.insert((*period, *role), *operand);
    }
    for ((period, role), operand) in &expected {
        let stored = tables.periods.get(period).and_then(|row| row.operands.get(role));
        ensure!(stored == Some(&f64::from(*operand)), "period {period}, role {role}: {stored:?}");
    }
    let stored: usize = tables.periods.values().map(|row| row.operands.len()).sum();
    ensure!(stored == expected.len(), "{stored} are stored, {} were played", expected.len());
    Ok(stored)
}
