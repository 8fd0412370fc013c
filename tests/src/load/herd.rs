//! The scenario `herd`: very many connected players decide at once.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::watch;

use super::classes::{self, Classes, Seat, start};
use super::files::allow_files;
use super::measure::{Samples, rss_bytes};
use super::memory::settled;
use super::meter::{Meter, add_disk, add_last, add_latency};
use super::pair::{Acknowledged, on_all, wait_until};
use super::player::Player;
use super::report::Row;
use super::socket::Endpoint;
use super::stored::compare;
use super::{Place, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};

/// How many players connect at the same time.
const CONNECTING: usize = 64;

/// How long all answers of a part may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Mixes the order of arrivals, so that partners do not decide one right after the other.
const STRIDE: usize = 7_919;

/// Options of the scenario `herd`.
#[derive(Debug, Args)]
pub struct HerdOptions {
    /// How many players are connected and decide, two in each world
    #[arg(long, default_value_t = 10_000)]
    players: usize,
    /// How many worlds each run has
    #[arg(long, default_value_t = 50)]
    worlds: usize,
    /// How often each part is repeated
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    #[command(flatten)]
    place: Place,
}

/// A connected player of a world.
struct Member {
    player: Player,
    seat: Seat,
    root: String,
    role: u64,
    runuser: u64,
    period: u64,
    acknowledged: Vec<Acknowledged>,
    /// From when the decision was due to its answer.
    latency: Duration,
    answered: Instant,
}

/// A running benchmark.
struct Bench<'a> {
    options: &'a HerdOptions,
    div: Div,
    environment: Environment,
    pid: u32,
    report: Report,
}

/// Runs the scenario.
///
/// # Errors
/// When the service fails, refuses a player, or lost or doubled an acknowledged decision.
pub async fn herd(options: &HerdOptions) -> Result<Report> {
    ensure!(options.players > 1 && options.worlds > 0, "there must be players and worlds");
    // The service is started later and inherits the limit.
    allow_files(options.players, "--players")?;
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let mut div = start(&binaries, dir, 2, &["--legacy-auth"]).await?;
    let environment = div.environment("default").await?;
    let runs = (options.players / 2).div_ceil(options.worlds);
    let classes = Classes { name: "herd", runs, worlds: options.worlds };
    let seats = classes::make(&div, &environment, classes).await?;
    // A service that has just started has no memory left over from making them.
    ensure!(div.service.sigterm().await? == Some(0), "the service did not stop in order");
    div.restart().await?;
    let pid = div.service.pid().context("the service has ended")?;
    let report = Report::new("herd");
    Bench { options, div, environment, pid, report }.run(&seats).await
}

impl Bench<'_> {
    async fn run(mut self, seats: &[Seat]) -> Result<Report> {
        let seats = &seats[..self.options.players / 2];
        let before = settled(|| rss_bytes(self.pid)).await?;
        let mut row = Row::new("connect", "players connect and log in");
        let meter = Meter::start(&[self.pid])?;
        let members = self.connect(seats).await?;
        let count = members.len() as f64;
        meter.stop()?.add_rates(&mut row, count);
        self.report.add_row(row);
        let (members, connected) = self.idle(members).await?;
        let mut row = Row::new("follow", "players follow themselves and their worlds");
        let meter = Meter::start(&[self.pid])?;
        let members = self.follow(members).await?;
        meter.stop()?.add_rates(&mut row, count);
        self.report.add_row(row);
        let (mut members, following) = self.idle(members).await?;

        for round in 0..self.options.repeat {
            members = self.decide(members, round, Duration::from_secs(1)).await?;
            members = self.decide(members, round, Duration::ZERO).await?;
        }
        self.report.add("players", "connected players", count);
        let memory = [
            ("connected_kb", "memory per connected player, KB", connected),
            ("following_kb", "memory per player who follows, KB", following),
        ];
        for (key, title, bytes) in memory {
            self.report.add(key, title, (bytes - before) / count / 1e3);
        }
        let rss = rss_bytes(self.pid)? / 1e6;
        self.report.add("rss_before_mb", "RSS of the service before, MB", before / 1e6);
        self.report.add("rss_mb", "RSS of the service at the end, MB", rss);
        let acknowledged: Vec<Acknowledged> =
            members.into_iter().flat_map(|member| member.acknowledged).collect();
        let mut runs: Vec<u64> = seats.iter().map(|seat| seat.run).collect();
        runs.dedup();
        let roles = self.environment.pair_of_roles();
        let stored = compare(&self.div, runs, roles, &acknowledged).await?;
        let all = 2 * self.options.repeat * seats.len() * 2;
        ensure!(stored == all, "{stored} of {all} decisions are stored");
        self.report.add("read_back", "decisions read back and compared", stored as f64);
        Ok(self.report)
    }

    async fn connect(&self, seats: &[Seat]) -> Result<Vec<Member>> {
        let endpoint = Endpoint::find(&self.div.service.ws_url()).await?;
        let roles = self.environment.pair_of_roles();
        let (endpoint, root) = (&endpoint, &self.div.root);
        let places = seats.iter().flat_map(|seat| [(seat, 0), (seat, 1)]);
        let connecting = stream::iter(places).map(|(seat, place)| async move {
            Ok::<_, anyhow::Error>(Member {
                player: Player::login_legacy(endpoint, seat.users[place]).await?,
                seat: *seat,
                root: root.clone(),
                role: roles[place],
                runuser: seat.runusers[place],
                period: seat.period,
                acknowledged: Vec::new(),
                latency: Duration::ZERO,
                answered: Instant::now(),
            })
        });
        connecting.buffered(CONNECTING).try_collect().await
    }

    /// Lets everybody only read until the service's memory does not change any more.
    async fn idle(&self, members: Vec<Member>) -> Result<(Vec<Member>, f64)> {
        let (over, _) = watch::channel(false);
        let reading = on_all(members, |_, mut member: Member| {
            let mut over = over.subscribe();
            async move {
                let is_over = async { drop(over.wait_for(|over| *over).await) };
                member.player.watch_until(is_over).await?;
                Ok(member)
            }
        });
        let settle = async {
            let memory = settled(|| rss_bytes(self.pid)).await;
            over.send_replace(true);
            memory
        };
        tokio::try_join!(reading, settle)
    }

    async fn follow(&self, members: Vec<Member>) -> Result<Vec<Member>> {
        let root = |path: String| self.div.uri(&path);
        on_all(members, |_, mut member: Member| {
            let scopes = [
                root(format!("runuser.{}", member.runuser)),
                root(format!("world.{}", member.seat.world)),
            ];
            async move {
                for scope in &scopes {
                    member.player.follow(scope).await?;
                }
                Ok(member)
            }
        })
        .await
    }

    /// Everybody decides once, the arrivals spread evenly over some time.
    async fn decide(
        &mut self,
        members: Vec<Member>,
        round: usize,
        over: Duration,
    ) -> Result<Vec<Member>> {
        let count = members.len();
        let meter = Meter::start(&[self.pid])?;
        let begin = Instant::now();
        let deciding = on_all(members, |index, member| {
            let place = (index * STRIDE % count) as f64 / count as f64;
            member.decide(begin + over.mul_f64(place))
        });
        let in_time = tokio::time::timeout(LIMIT, deciding).await;
        let members = in_time.context("some decisions were never answered")??;
        let used = meter.stop()?;
        let (key, title) = match over.as_secs() {
            0 => ("at_once", "all at once"),
            _ => ("spread", "spread over a second"),
        };
        let mut row = Row::new(format!("{key}_{}", round + 1), format!("{title}, {}", round + 1));
        let mut latency = Samples::default();
        members.iter().for_each(|member| latency.push(member.latency));
        let last = members.iter().map(|member| member.answered).max().context("no players")?;
        used.add_rates(&mut row, count as f64);
        used.add_each(&mut row, count as f64);
        add_latency(&mut row, &mut latency);
        add_last(&mut row, last.duration_since(begin));
        add_disk(&mut row, self.div.service.dir())?;
        self.report.add_row(row);
        Ok(members)
    }
}

impl Member {
    /// Decides at a moment, and reads until the next period is announced.
    async fn decide(mut self, due: Instant) -> Result<Self> {
        let begin = wait_until(due).await;
        let operand = self.runuser as u32;
        self.player.submit(&self.root, self.period, operand).await?;
        self.answered = self.player.acknowledged().await?;
        self.latency = self.answered.duration_since(begin);
        let (period, role) = (self.period, self.role);
        self.acknowledged.push(Acknowledged { period, role, operand, begin });
        self.period = self.player.sees_period_after(self.period).await?;
        Ok(self)
    }
}
