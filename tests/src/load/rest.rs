//! The scenario `rest`: a million decisions over HTTP, made, listed, played and exported.

mod check;
mod export;
mod lists;
mod scene;
mod wire;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use self::check::Expected;
use self::export::FORMATS;
use self::lists::SHAPES;
use self::scene::{PER_PERIOD, Scene};
use self::wire::Target;
use super::Place;
use super::measure::{MIB, Samples, rss_bytes};
use super::meter::{Meter, add_disk, add_latency};
use super::report::{Report, Row};
use crate::binaries::Binaries;
use crate::database::Database;
use crate::games::Games;

/// Clients that create in bulk: enough to keep the service busy while another body is written.
const BULK_CLIENTS: usize = 4;

/// Clients that read lists.
const LIST_CLIENTS: usize = 8;

/// Users that one request creates, as many as a large school enters at once.
const USERS: usize = 2000;

/// The fewest rows with which every kind of list can be asked for.
const FEWEST_ROWS: usize = 1000;

/// Options of the scenario `rest`.
#[derive(Debug, Args)]
pub struct RestOptions {
    /// Where the service stores: `sqlite`, or the address of a PostgreSQL server on which a
    /// database may be made
    #[arg(long, default_value = "sqlite")]
    database: Database,
    /// Measure SQLite first and then the PostgreSQL server given with `--database`
    #[arg(long)]
    both: bool,
    /// How many decisions are made in bulk
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How long the parts that go by the clock last
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many clients create one by one, and how many play
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// How many decisions one request creates in bulk
    #[arg(long, default_value_t = 1000)]
    batch: usize,
    /// Which parts to run; the bulk part is needed by those that read
    #[arg(long, value_delimiter = ',', default_value = "create,bulk,lists,units,users,export")]
    parts: Vec<Step>,
    #[command(flatten)]
    place: Place,
}

/// A part of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// One decision per request
    Create,
    /// Many decisions per request
    Bulk,
    /// Lists by filters, in pages
    Lists,
    /// Units of work
    Units,
    /// Users with passwords, in one request
    Users,
    /// The run in all formats
    Export,
}

impl RestOptions {
    /// The databases to measure, one after the other.
    ///
    /// # Errors
    /// When both are asked for and there is no address of a PostgreSQL server.
    pub fn databases(&self) -> Result<Vec<Database>> {
        let database = self.database.clone();
        if !self.both {
            return Ok(vec![database]);
        }
        let is_server = matches!(database, Database::Postgres(_));
        ensure!(is_server, "`--both` needs `--database postgres://USER@HOST/DATABASE`");
        Ok(vec![Database::Sqlite, database])
    }

    fn has(&self, step: Step) -> bool {
        self.parts.contains(&step)
    }

    fn rows(&self) -> usize {
        if self.has(Step::Bulk) { self.rows } else { 0 }
    }

    fn check(&self) -> Result<()> {
        if self.has(Step::Lists) {
            ensure!(self.rows() >= FEWEST_ROWS, "lists need `--rows {FEWEST_ROWS}` and bulk");
        }
        ensure!(self.batch > 0 && self.clients > 0, "batch and clients must not be 0");
        Ok(())
    }
}

/// Runs the scenario on one database.
///
/// # Errors
/// When the service fails, or lost or doubled an acknowledged row.
pub async fn rest(options: &RestOptions, database: &Database) -> Result<Report> {
    options.check()?;
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let games = Games::start(&binaries, database, dir).await?;
    let target = Target::staff(games.api_url())?;
    let scene = Scene::make(target, options.rows(), options.clients).await?;
    if options.has(Step::Export) {
        export::is_there(&scene.target, scene.run).await?;
    }
    let pid = games.pid().context("the service has ended")?;
    let report = Report::new(format!("rest, {database}"));
    Bench { options, games, pid, scene: Arc::new(scene), report }.run().await
}

/// A running benchmark.
struct Bench<'a> {
    options: &'a RestOptions,
    games: Games,
    pid: u32,
    scene: Arc<Scene>,
    report: Report,
}

impl Bench<'_> {
    async fn run(mut self) -> Result<Report> {
        let singles =
            if self.options.has(Step::Create) { self.create().await? } else { Vec::new() };
        if self.options.has(Step::Bulk) {
            self.bulk().await?;
        }
        if self.options.has(Step::Lists) {
            self.lists().await?;
        }
        let units = if self.options.has(Step::Units) { self.units().await? } else { Vec::new() };
        if self.options.has(Step::Users) {
            self.users().await?;
        }
        self.report.add("rss_mib", "RSS of the service after all writes, MiB", self.rss_mib()?);
        let rows = self.options.rows();
        let expected = Expected { rows, singles: &singles, units: &units };
        if self.options.has(Step::Export) {
            self.export(expected.count()).await?;
        }
        let meter = Meter::start(&[self.pid])?;
        let read_back = expected.check(&self.scene).await?;
        let mut row = Row::new("read_back", "rows read back and compared");
        meter.stop()?.add_rates(&mut row, read_back as f64);
        self.report.add_row(row);
        Ok(self.report)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    fn rss_mib(&self) -> Result<f64> {
        rss_bytes(self.pid).map(|bytes| bytes / MIB)
    }

    async fn create(&mut self) -> Result<Vec<u64>> {
        let mut row = Row::new("creates", "single creations");
        let meter = Meter::start(&[self.pid])?;
        let mut done = writes::singles(&self.scene, self.length()).await?;
        meter.stop()?.add_rates(&mut row, done.clients.iter().sum::<u64>() as f64);
        self.finish(row, Some(&mut done.latency))?;
        Ok(done.clients)
    }

    async fn bulk(&mut self) -> Result<()> {
        let mut row = Row::new("bulk", "rows in bulk (latency: of a request)");
        let (rows, batch) = (self.options.rows, self.options.batch);
        let meter = Meter::start(&[self.pid])?;
        let mut latency = writes::bulk(&self.scene, rows, batch, BULK_CLIENTS).await?;
        meter.stop()?.add_rates(&mut row, rows as f64);
        self.finish(row, Some(&mut latency))
    }

    async fn lists(&mut self) -> Result<()> {
        // Only periods that are full are asked for.
        let rows = self.options.rows / PER_PERIOD * PER_PERIOD;
        let length = self.length() / 3;
        for shape in SHAPES {
            let mut row = Row::new(shape.key, shape.title);
            let meter = Meter::start(&[self.pid])?;
            let work = lists::lists(&self.scene, shape, rows, LIST_CLIENTS, length);
            let mut latency = work.await?;
            meter.stop()?.add_rates(&mut row, latency.len() as f64);
            self.finish(row, Some(&mut latency))?;
        }
        Ok(())
    }

    async fn units(&mut self) -> Result<Vec<Vec<u64>>> {
        let mut row = Row::new("units", "units of work");
        let meter = Meter::start(&[self.pid])?;
        let mut done = writes::units(&self.scene, self.length()).await?;
        meter.stop()?.add_rates(&mut row, done.latency.len() as f64);
        self.finish(row, Some(&mut done.latency))?;
        Ok(done.clients)
    }

    async fn users(&mut self) -> Result<()> {
        let mut row = Row::new("users", "users with passwords, 2,000 in one request");
        let meter = Meter::start(&[self.pid])?;
        let mut latency = writes::users(&self.scene, USERS).await?;
        meter.stop()?.add_rates(&mut row, USERS as f64);
        self.finish(row, Some(&mut latency))
    }

    /// Exports from a service that was just started: one that has written a million rows keeps
    /// memory that an export would be given without any growth to be seen.
    async fn export(&mut self, rows: u64) -> Result<()> {
        self.games.sigterm().await?;
        self.games.restart().await?;
        self.pid = self.games.pid().context("the service has ended")?;
        let target = Target::staff(self.games.api_url())?;
        let scene = Arc::get_mut(&mut self.scene).context("a client still works")?;
        scene.target = target;
        for (format, key, title) in FORMATS {
            let mut row = Row::new(key, title);
            let place = (self.scene.run, rows, self.pid);
            export::export(&mut row, &self.scene.target, place, format).await?;
            self.finish(row, None)?;
        }
        Ok(())
    }

    /// Adds what the clients saw and what the disk gave in the same minute.
    fn finish(&mut self, mut row: Row, latency: Option<&mut Samples>) -> Result<()> {
        if let Some(latency) = latency {
            add_latency(&mut row, latency);
        }
        add_disk(&mut row, self.games.dir())?;
        self.report.add_row(row);
        Ok(())
    }
}
