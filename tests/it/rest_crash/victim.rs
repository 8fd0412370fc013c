//! The Games API that is killed again and again, with a run in it.

use std::future::pending;
use std::time::Duration;

use anyhow::{Context, Result};
use black_box::{Binaries, Database, Games, Rest};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

/// The slug of the game. No service plays it, so nobody but the journal follows what is stored.
pub(crate) const SLUG: &str = "rest-crash";

/// The longest time between what a round waits for and the kill.
const AFTER: Duration = Duration::from_millis(20);

/// The program and what is written into.
#[derive(Debug)]
pub(crate) struct Victim {
    games: Games,
    pub(crate) rest: Rest,
    pub(crate) run: u64,
    pub(crate) world: u64,
    pub(crate) roles: [u64; 2],
}

impl Victim {
    pub(crate) async fn start(database: &Database) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the service")?;
        let games = Games::start(Binaries::get()?, database, dir).await?;
        let rest = Rest::staff(games.api_url())?;
        let game = create(&rest, "games/", json!({"name": "Crash", "slug": SLUG})).await?;
        let mut roles = [0; 2];
        for (role, name) in roles.iter_mut().zip(["Dividend", "Divisor"]) {
            *role = create(&rest, "roles/", json!({"game": game, "name": name})).await?;
        }
        let run = create(&rest, "runs/", json!({"game": game, "name": "run"})).await?;
        let world = create(&rest, "worlds/", json!({"run": run, "name": "World"})).await?;
        Ok(Self { games, rest, run, world, roles })
    }

    /// Kills the service at a random moment soon; what is acknowledged meanwhile is counted off.
    pub(crate) async fn kill_soon(&mut self, acknowledged: &mut Receiver<()>) -> Result<()> {
        let moment = Duration::from_micros(rand::random_range(0..AFTER.as_micros() as u64));
        let meanwhile = async {
            while acknowledged.recv().await.is_some() {}
            pending::<()>().await;
        };
        // Running out is what this wait is for.
        tokio::time::timeout(moment, meanwhile).await.ok();
        self.games.kill9().await
    }

    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.games.restart().await?;
        self.rest = Rest::staff(self.games.api_url())?;
        Ok(())
    }
}

/// Creates an object and returns its pk.
pub(crate) async fn create(rest: &Rest, path: &str, body: Value) -> Result<u64> {
    let created = rest.create(path, &body).await?;
    created["id"].as_u64().with_context(|| format!("`{created}` has no id"))
}
