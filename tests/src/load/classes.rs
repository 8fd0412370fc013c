//! Services with a game in them, and classes made through the bulk endpoints.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::div::{Div, Environment};
use crate::program::run_to_end;
use crate::service::Service;

/// Keeps the bodies of bulk requests below the size limit.
const BATCH: usize = 500;

/// A world with its two players, ready for their first decision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) run: u64,
    pub(super) world: u64,
    pub(super) period: u64,
    pub(super) users: [u64; 2],
    pub(super) runusers: [u64; 2],
}

/// Runs that are alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classes<'a> {
    /// What their names and those of their players begin with.
    pub(super) name: &'a str,
    pub(super) runs: usize,
    pub(super) worlds: usize,
}

impl Environment {
    /// The roles of a pair.
    pub(super) fn pair_of_roles(&self) -> [u64; 2] {
        [self.roles["Dividend"], self.roles["Divisor"]]
    }
}

/// Starts a service and makes the default environment with so many worlds.
pub(super) async fn start(
    binaries: &Binaries,
    dir: TempDir,
    worlds: usize,
    args: &[&str],
) -> Result<Div> {
    let args = [&["--no-seed"], args].concat();
    let div = Div::on(Service::start_in(&binaries.service, dir, &args).await?)?;
    seed(binaries, &div, worlds).await?;
    Ok(div)
}

/// Makes the default environment with so many worlds, or adds what it lacks.
pub(super) async fn seed(binaries: &Binaries, div: &Div, worlds: usize) -> Result<()> {
    let worlds = worlds.to_string();
    let args = ["--games-url", div.service.api_url(), "--worlds", &worlds];
    let seeded = run_to_end(&binaries.seed, &args, "").await?;
    ensure!(seeded.code == Some(0), "seeding failed: {}", seeded.stderr);
    Ok(())
}

/// Makes runs beside the default one, each with players of its own, who have no passwords; gives
/// the seats in the order of the runs.
pub(super) async fn make(
    div: &Div,
    environment: &Environment,
    classes: Classes<'_>,
) -> Result<Vec<Seat>> {
    let Classes { name, runs: count, worlds: each } = classes;
    let game = div.rest.get("games/div/").await?["id"].clone();
    let phase = environment.phases["Play"];
    let runs = (0..count)
        .map(|run| json!({"game": game, "phase": phase, "name": format!("{name} {run}")}));
    let runs = bulk(div, "runs", runs).await?;
    let worlds = runs.iter().flat_map(|run| {
        (1..=each).map(move |world| json!({"run": run, "name": format!("World {world}")}))
    });
    let worlds = bulk(div, "worlds", worlds).await?;
    let users = (0..2 * worlds.len())
        .map(|user| json!({"email": format!("{name}-{user}@bench.test"), "first_name": "Student"}));
    let users = bulk(div, "users", users).await?;
    let roles = environment.pair_of_roles();
    let runusers = users.iter().enumerate().map(|(index, user)| {
        let (world, run) = (worlds[index / 2], runs[index / 2 / each]);
        json!({"run": run, "user": user, "world": world, "role": roles[index % 2]})
    });
    let runusers = bulk(div, "runusers", runusers).await?;
    let periods = first_periods(div, &worlds).await?;
    let seat = |(index, world): (usize, &u64)| Seat {
        run: runs[index / each],
        world: *world,
        period: periods[index],
        users: [users[2 * index], users[2 * index + 1]],
        runusers: [runusers[2 * index], runusers[2 * index + 1]],
    };
    Ok(worlds.iter().enumerate().map(seat).collect())
}

/// Gives each of these worlds a scenario with its first period.
pub(super) async fn first_periods(div: &Div, worlds: &[u64]) -> Result<Vec<u64>> {
    let scenarios = worlds.iter().map(|world| json!({"world": world, "name": "World Scenario 1"}));
    let scenarios = bulk(div, "scenarios", scenarios).await?;
    let periods = scenarios.iter().map(|scenario| json!({"scenario": scenario, "order": 1}));
    bulk(div, "periods", periods).await
}

/// Creates objects in batches and returns their pks.
pub(super) async fn bulk(
    div: &Div,
    resource: &str,
    objects: impl Iterator<Item = Value>,
) -> Result<Vec<u64>> {
    let objects: Vec<Value> = objects.collect();
    let mut pks = Vec::with_capacity(objects.len());
    for batch in objects.chunks(BATCH) {
        let body = Value::from(batch.to_vec());
        let created = div.rest.create(&format!("bulk/{resource}/"), &body).await?;
        for object in created.as_array().context("no list of what was created")? {
            pks.push(object["id"].as_u64().context("an object without id")?);
        }
    }
    Ok(pks)
}
