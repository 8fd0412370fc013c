//! The scenario `startup`: how long starts take, and what an idle service weighs.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::classes::{bulk, first_periods, seed};
use super::measure::{Samples, rss_mb};
use super::{Report, StartupOptions};
use crate::binaries::Binaries;
use crate::div::Div;
use crate::service::Service;

/// Runs the scenario.
///
/// # Errors
/// When the service fails.
pub async fn startup(options: &StartupOptions) -> Result<Report> {
    let binaries = Binaries::beside_this_program()?;
    let mut report = Report::new("startup");
    let size = std::fs::metadata(&binaries.service)?.len() as f64 / 1e6;
    report.add("binary_mb", "the service's binary, MB", size);

    let dir = options.place.data_dir().context("making the data directory")?;
    let service = Service::start_in(&binaries.service, dir, &["--no-seed"]).await?;
    let mut div = Div::on(service)?;
    let start = Instant::now();
    seed(&binaries, &div, 2).await?;
    report.add(
        "seed_ms",
        "creating the default environment over HTTP, ms",
        start.elapsed().as_secs_f64() * 1e3,
    );
    let (cold, rss) = restarts(&mut div, options.repeat).await?;
    report.add("cold_start_ms", "start with the default environment, ms", cold);
    report.add("idle_rss_mb", "RSS with the default environment, MB", rss);

    report.add(
        "stop_ms",
        "from SIGTERM to the end while players decide, ms",
        stop(&mut div).await?,
    );
    div.restart().await?;

    seed(&binaries, &div, options.worlds).await?;
    let scopes = fill(&div, options).await?;
    report.add("runs", "runs of the large database", options.runs as f64);
    report.add("scopes", "scopes of the large database", scopes as f64);
    let (large, rss) = restarts(&mut div, options.repeat).await?;
    report.add("large_start_ms", "start with the large database, ms", large);
    report.add("large_rss_mb", "RSS with the large database, MB", rss);
    Ok(report)
}

/// Ends and starts the service so many times: the median start in ms, the last RSS in MB.
async fn restarts(div: &mut Div, count: usize) -> Result<(f64, f64)> {
    let mut samples = Samples::default();
    for _ in 0..count.max(1) {
        div.service.sigterm().await?;
        div.restart().await?;
        samples.push(div.service.startup());
    }
    let pid = div.service.pid().context("the service has ended")?;
    Ok((samples.quantile_ms(0.5), rss_mb(pid)?))
}

/// Ends the service while two players decide as fast as they can; tells how long that took, in ms.
async fn stop(div: &mut Div) -> Result<f64> {
    let environment = div.environment("default").await?;
    let (begun, mut begins) = mpsc::channel(2);
    let mut players = JoinSet::new();
    for email in ["s1@div.edu", "s3@div.edu"] {
        let mut player = div.member(&environment, email).await?;
        let period = player.own_world()?.period;
        let begun = begun.clone();
        // Without a divisor the round stays open, and each decision takes the place of the last.
        players.spawn(async move {
            while player.submit(period, 1).await.is_ok() {
                // Nobody waits for the second time.
                begun.try_send(()).ok();
            }
        });
    }
    for _ in 0..2 {
        begins.recv().await.context("nobody could decide")?;
    }
    let asked = Instant::now();
    let code = div.service.sigterm().await?;
    let took = asked.elapsed().as_secs_f64() * 1e3;
    ensure!(code == Some(0), "the service ended with {code:?}");
    while let Some(player) = players.join_next().await {
        player?;
    }
    Ok(took)
}

/// Makes runs like the default one until there are enough; returns the number of scopes in all.
async fn fill(div: &Div, options: &StartupOptions) -> Result<usize> {
    let environment = div.environment("default").await?;
    let game = div.rest.get("games/div/").await?["id"].clone();
    let phase = environment.phases["Play"];
    let runs = (2..=options.runs)
        .map(|run| json!({"game": game, "phase": phase, "name": format!("run {run}")}));
    let runs = bulk(div, "runs", runs).await?;

    let worlds = runs.iter().flat_map(|run| {
        let world = move |world| json!({"run": run, "name": format!("World {world}")});
        (1..=options.worlds).map(world)
    });
    let worlds = bulk(div, "worlds", worlds).await?;
    // The same people play in every run.
    let players: BTreeMap<u64, &Value> = environment
        .runusers
        .values()
        .filter_map(|runuser| Some((runuser["id"].as_u64()?, runuser)))
        .collect();
    let places: BTreeMap<u64, usize> =
        environment.worlds.iter().enumerate().map(|(index, world)| (world.world, index)).collect();
    let runusers = runs.iter().zip(worlds.chunks(options.worlds)).flat_map(|(run, worlds)| {
        let places = &places;
        players.values().map(move |runuser| {
            let place = runuser["world"].as_u64().and_then(|world| places.get(&world));
            let world = place.and_then(|place| worlds.get(*place));
            let (user, role, leader) = (&runuser["user"], &runuser["role"], &runuser["leader"]);
            json!({"run": run, "user": user, "world": world, "role": role, "leader": leader})
        })
    });
    bulk(div, "runusers", runusers).await?;
    first_periods(div, &worlds).await?;
    Ok(options.runs * (1 + 3 * options.worlds + environment.runusers.len()))
}
