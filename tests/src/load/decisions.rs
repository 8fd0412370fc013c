//! The scenario `decisions`: many pairs play round after round, each in a world of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

use super::classes::start;
use super::measure::{cpu_seconds, disk};
use super::pair::{Latency, log_in, on_all};
use super::player::Player;
use super::socket::Endpoint;
use super::stored::compare;
use super::{DecisionsOptions, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};

/// Runs the scenario.
///
/// # Errors
/// When the service fails, or lost or doubled an acknowledged decision.
pub async fn decisions(options: &DecisionsOptions) -> Result<Report> {
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let div = start(&binaries, dir, options.pairs, &[]).await?;
    let environment = div.environment("default").await?;
    let pid = div.service.pid().context("the service has ended")?;
    let leader = spawn_leader(&div, &environment).await?;
    let pairs = log_in(&div, &environment, options.pairs).await?;

    let mut report = Report::new("decisions");
    report.add("pairs", "pairs", options.pairs as f64);
    let (cpu, start) = (cpu_seconds(pid)?, Instant::now());
    let rounds = options.count.div_ceil(2 * options.pairs).max(1);
    let mut pairs = on_all(pairs, |_, pair| pair.closed_loop(rounds)).await?;
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
    Latency::take(&mut pairs);
    let begin = Instant::now();
    let mut pairs = on_all(pairs, |index, pair| {
        // The arrivals of all pairs together are evenly spread.
        let first = begin + interval.mul_f64(index as f64 / options.pairs as f64);
        pair.open_loop(first, interval, begin + length)
    })
    .await?;
    let mut latency = Latency::take(&mut pairs);
    report.add("open_loop_per_s", "decisions per second, open loop", rate);
    report.add("ack_p50_ms", "ack p50, ms", latency.ack.quantile_ms(0.5));
    report.add("ack_p99_ms", "ack p99, ms", latency.ack.quantile_ms(0.99));
    report.add("partner_p50_ms", "partner's socket p50, ms", latency.partner.quantile_ms(0.5));
    report.add("partner_p99_ms", "partner's socket p99, ms", latency.partner.quantile_ms(0.99));
    let mut disk = disk(div.service.dir())?;
    report.add("disk_p50_ms", "disk: 4 KiB + fdatasync p50, ms", disk.quantile_ms(0.5));
    report.add("disk_p99_ms", "disk: 4 KiB + fdatasync p99, ms", disk.quantile_ms(0.99));

    leader.abort();
    let acknowledged = pairs.iter().flat_map(|pair| &pair.acknowledged);
    let roles = environment.pair_of_roles();
    let stored = compare(&div, [environment.run], roles, acknowledged).await?;
    report.add("read_back", "decisions read back and compared", stored as f64);
    Ok(report)
}

/// Logs the leader in, who follows every world and reads for as long as the task lives.
async fn spawn_leader(div: &Div, environment: &Environment) -> Result<JoinHandle<Result<()>>> {
    let mut leader = leader(div, environment).await?;
    Ok(tokio::spawn(async move { leader.watch().await }))
}

/// Logs the leader in, who follows every world.
pub(super) async fn leader(div: &Div, environment: &Environment) -> Result<Player> {
    let endpoint = Endpoint::find(&div.service.ws_url()).await?;
    let mut leader = Player::login(&endpoint, "leader@div.edu").await?;
    for world in &environment.worlds {
        leader.follow(&div.uri(&format!("world.{}", world.world))).await?;
    }
    Ok(leader)
}
