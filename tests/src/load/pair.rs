//! Two players of one world, and what they have played.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use super::classes::Seat;
use super::measure::Samples;
use super::player::Player;
use super::socket::Endpoint;
use crate::div::{Div, Environment};

/// A pair that plays round after round.
pub(super) struct Pair {
    root: String,
    players: [Player; 2],
    roles: [u64; 2],
    period: u64,
    /// Counts up, so that no two decisions of a player are alike.
    pub(super) operand: u32,
    /// The decisions that were answered with `ok`.
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) latency: Latency,
}

/// A decision that must be stored once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    pub(super) period: u64,
    pub(super) role: u64,
    pub(super) operand: u32,
    /// When it was made.
    pub(super) begin: Instant,
}

/// What decisions are measured by.
#[derive(Debug, Default)]
pub(super) struct Latency {
    pub(super) ack: Samples,
    pub(super) partner: Samples,
}

impl Latency {
    /// Takes what pairs have measured so far.
    pub(super) fn take(pairs: &mut [Pair]) -> Self {
        let mut all = Self::default();
        for pair in pairs {
            all.ack.extend(std::mem::take(&mut pair.latency.ack));
            all.partner.extend(std::mem::take(&mut pair.latency.partner));
        }
        all
    }
}

/// Logs the pairs of so many worlds in, who follow what the stock page follows.
pub(super) async fn log_in(
    div: &Div,
    environment: &Environment,
    count: usize,
) -> Result<Vec<Pair>> {
    let endpoint = Endpoint::find(&div.service.ws_url()).await?;
    let mut pairs = Vec::new();
    for (index, world) in environment.worlds.iter().take(count).enumerate() {
        let mut players = Vec::new();
        for number in [2 * index + 1, 2 * index + 2] {
            let email = format!("s{number}@div.edu");
            let mut player = Player::login(&endpoint, &email).await?;
            let runuser = environment.runusers[&email]["id"].as_u64().context("no pk")?;
            follow(&mut player, div, runuser, world.world).await?;
            players.push(player);
        }
        pairs.push(Pair::new(div, players, environment.pair_of_roles(), world.period)?);
    }
    Ok(pairs)
}

/// Logs the pairs of some seats in, without passwords.
pub(super) async fn seat(div: &Div, seats: &[Seat], roles: [u64; 2]) -> Result<Vec<Pair>> {
    let endpoint = Endpoint::find(&div.service.ws_url()).await?;
    let mut pairs = Vec::new();
    for seat in seats {
        let mut players = Vec::new();
        for (user, runuser) in seat.users.into_iter().zip(seat.runusers) {
            let mut player = Player::login_legacy(&endpoint, user).await?;
            follow(&mut player, div, runuser, seat.world).await?;
            players.push(player);
        }
        pairs.push(Pair::new(div, players, roles, seat.period)?);
    }
    Ok(pairs)
}

/// Follows what the stock page of a player does: the own runuser and the own world.
pub(super) async fn follow(player: &mut Player, div: &Div, runuser: u64, world: u64) -> Result<()> {
    player.follow(&div.uri(&format!("runuser.{runuser}"))).await?;
    player.follow(&div.uri(&format!("world.{world}"))).await
}

/// Lets all do something at the same time and returns them, in no order.
pub(super) async fn on_all<T, F>(all: Vec<T>, work: impl Fn(usize, T) -> F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, one) in all.into_iter().enumerate() {
        tasks.spawn(work(index, one));
    }
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(one) = tasks.join_next().await {
        done.push(one??);
    }
    Ok(done)
}

impl Pair {
    fn new(div: &Div, players: Vec<Player>, roles: [u64; 2], period: u64) -> Result<Self> {
        Ok(Self {
            root: div.root.clone(),
            players: players.try_into().ok().context("a pair is two")?,
            roles,
            period,
            operand: 0,
            acknowledged: Vec::new(),
            latency: Latency::default(),
        })
    }

    /// Plays so many rounds, both players at once, each round as soon as the one before is over.
    pub(super) async fn closed_loop(mut self, rounds: usize) -> Result<Self> {
        for _ in 0..rounds {
            self.operand += 1;
            let begin = Instant::now();
            let [dividend, divisor] = &mut self.players;
            dividend.submit(&self.root, self.period, self.operand).await?;
            divisor.submit(&self.root, self.period, self.operand).await?;
            let acks = tokio::try_join!(dividend.acknowledged(), divisor.acknowledged())?;
            for (turn, ack) in [acks.0, acks.1].into_iter().enumerate() {
                self.note(turn, begin);
                self.latency.ack.push(ack.duration_since(begin));
            }
            self.step()?;
        }
        Ok(self)
    }

    /// Submits a decision on every tick, the players in turn, whether or not the last is over.
    pub(super) async fn open_loop(
        mut self,
        first: Instant,
        every: Duration,
        end: Instant,
    ) -> Result<Self> {
        let mut due = first;
        // Finishes the round, so that every period but the last of a world is complete.
        for turn in (0..2).cycle() {
            if due >= end && turn == 0 {
                break;
            }
            self.decide_when_due(turn, due).await?;
            due += every;
        }
        Ok(self)
    }

    /// Waits for a moment, lets one of the players decide, and waits until the partner knows of it.
    pub(super) async fn decide_when_due(&mut self, turn: usize, due: Instant) -> Result<()> {
        let begin = wait_until(due).await;
        self.operand += 1;
        let [dividend, divisor] = &mut self.players;
        let (active, partner) = if turn == 0 { (dividend, divisor) } else { (divisor, dividend) };
        active.submit(&self.root, self.period, self.operand).await?;
        let (ack, seen) = tokio::join!(active.acknowledged(), partner.sees_decision(self.operand));
        self.latency.ack.push(ack?.duration_since(begin));
        self.latency.partner.push(seen?.duration_since(begin));
        self.note(turn, begin);
        if turn == 1 {
            self.step()?;
        }
        Ok(())
    }

    fn note(&mut self, turn: usize, begin: Instant) {
        let (period, role, operand) = (self.period, self.roles[turn], self.operand);
        self.acknowledged.push(Acknowledged { period, role, operand, begin });
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

/// Waits for a moment, and tells from when on latency counts: a timer wakes up late, only waiting
/// for what came before is part of it.
pub(super) async fn wait_until(due: Instant) -> Instant {
    if Instant::now() >= due {
        return due;
    }
    tokio::time::sleep_until(due.into()).await;
    Instant::now()
}
