//! A class: its bots arrive, play and are counted.

use std::sync::Arc;
use std::time::Duration;

use sim_wamp::{ClientOptions, Credentials};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::board::Board;
use crate::player::{self, Visit};
use crate::{Arrivals, Bot, Report, Seat, Step, Trouble};

/// Where a class plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// The router's address, such as `ws://localhost:8080/ws`.
    pub url: String,
    /// The realm.
    pub realm: String,
    /// The root of all procedures and topics, such as `world.simpl.sims.div`.
    pub root: String,
    /// How long anything may take: a login, an answer, another player's decision.
    pub patience: Duration,
}

impl Venue {
    /// The URI of something below a scope, such as `world.9.get_scope_tree`.
    pub(crate) fn uri(&self, name: &str) -> String {
        format!("{}.model.{name}", self.root)
    }

    pub(crate) async fn connect(
        &self,
        credentials: &Credentials,
    ) -> Result<sim_wamp::Client, Trouble> {
        let options = ClientOptions { patience: self.patience, ..ClientOptions::default() };
        let client =
            sim_wamp::Client::connect_with(&self.url, &self.realm, credentials, options).await;
        client.map_err(Trouble::Login)
    }
}

/// How a class plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Where.
    pub venue: Venue,
    /// When the players come.
    pub arrivals: Arrivals,
    /// How many rounds each of them plays.
    pub rounds: usize,
    /// How long each of them thinks before a decision.
    pub think: Duration,
    /// Whether players who lose their session come back and play on; else they have failed.
    pub comes_back: bool,
}

impl Class {
    /// Lets all of them play, one bot per seat, and reports when the last has gone.
    pub async fn play(&self, players: Vec<(Seat, Box<dyn Bot>)>) -> Report {
        let emails: Vec<_> = players.iter().map(|(seat, _)| seat.email.as_str()).collect();
        let times = self.arrivals.times(&emails);
        let mut report = Report::new(players.len(), self.rounds);
        let (class, board) = (Arc::new(self.clone()), Arc::new(Board::default()));
        let start = Instant::now();
        let mut visits = JoinSet::new();
        for ((seat, bot), time) in players.into_iter().zip(times) {
            let (class, board) = (Arc::clone(&class), Arc::clone(&board));
            visits.spawn(async move {
                sleep_until(start + time).await;
                player::visit(&class, &board, &seat, bot).await
            });
        }
        while let Some(visit) = visits.join_next().await {
            report.add(visit.unwrap_or_else(|error| {
                let mut visit = Visit::default();
                visit.fail(Step::Check, "a bot", &Trouble::Wrong(format!("it panicked: {error}")));
                visit
            }));
        }
        report.duration = start.elapsed();
        report
    }
}
