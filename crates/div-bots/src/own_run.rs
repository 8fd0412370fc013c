//! A run of the bots' own, which is there only as long as they play.

use anyhow::{Context as _, Result};
use div_seed::{Reset, SeedOptions, Silent, seed};
use rand::RngExt as _;
use sim_bots::{Client, Seat, seats};
use sim_games_types::{Lookup, RunPk};

use crate::script::local_part;

/// A run with users of its own.
pub(crate) struct OwnRun {
    options: SeedOptions,
    run: Option<RunPk>,
    /// Whether the leader was there before; a user with a well-known password must not stay.
    had_leader: bool,
}

/// The leader of every run that the seed command makes.
const LEADER: &str = "leader@div.edu";

impl OwnRun {
    /// Plans a run of a name that nobody has.
    pub(crate) async fn plan(client: &Client, game_slug: &str) -> Result<Self> {
        let mut random = rand::rng();
        // Letters only, so that a player's number cannot be taken for a part of the name.
        let letters: String =
            (0..10).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect();
        let game = client.games().get(game_slug).await;
        let game = game.with_context(|| format!("cannot find the game `{game_slug}`"))?;
        let leader = client.users().filter(&Lookup::new().with("email", LEADER)).await?;
        let mut options = SeedOptions::new(game_slug, game.name);
        options.run = format!("bots-{letters}").parse().context("the run needs another name")?;
        options.reset = Reset::No;
        Ok(Self { options, run: None, had_leader: !leader.is_empty() })
    }

    /// Makes it large enough, and says who plays.
    pub(crate) async fn seats(&mut self, client: &Client, players: usize) -> Result<Vec<Seat>> {
        self.options.worlds = u32::try_from(players / 2).context("that are too many players")?;
        let summary = seed(client, &self.options, &mut Silent).await;
        let summary = summary.context("cannot create a run for the bots")?;
        self.run = Some(summary.run);
        let mut seats = seats(client, summary.run, |email| local_part(email).to_owned()).await?;
        seats.truncate(players);
        Ok(seats)
    }

    /// Removes the run and its users, also those of a run that was made by half.
    pub(crate) async fn remove(self, client: &Client) -> Result<()> {
        let name = self.options.run.as_str();
        let context = || format!("cannot remove the bots' run `{name}`; delete it by hand");
        let game = client.games().get(&self.options.game_slug).await.with_context(context)?;
        let lookup = Lookup::new().with("game", game.id).with("name", name);
        for run in client.runs().filter(&lookup).await.with_context(context)? {
            let members = client.runusers().filter(&Lookup::new().with("run", run.id)).await;
            let members = members.with_context(context)?;
            client.runs().delete(run.id).await.with_context(context)?;
            for member in members.iter().filter(|it| !it.leader || !self.had_leader) {
                client.users().delete(member.user).await.with_context(context)?;
            }
        }
        Ok(())
    }
}
