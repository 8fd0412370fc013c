//! The Games API as a program of its own: started on any database, killed and started again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::database::{Database, OwnDatabase};
use crate::process::Process;
use crate::program::clean_command;
use crate::service::DEADLINE;

/// A running Games API with a database of its own.
#[derive(Debug)]
pub struct Games {
    // Dropped in this order: the process, then what it uses.
    process: Process,
    api_url: String,
    program: Program,
    dir: TempDir,
}

/// What is started, and on which database.
#[derive(Debug)]
struct Program {
    path: PathBuf,
    bind: String,
    database: String,
    /// Arguments that tell what is logged, and how.
    log: &'static [&'static str],
    own: Option<OwnDatabase>,
    /// What the database is a copy of, which is kept for others to copy as long as anybody does.
    _copied: Option<Arc<OwnDatabase>>,
}

impl Games {
    /// Starts the Games API on a new database; `dir` keeps its file, if it has one.
    ///
    /// # Errors
    /// When the database cannot be made, or the program ends or is not ready in time.
    pub async fn start(binaries: &Binaries, database: &Database, dir: TempDir) -> Result<Self> {
        Self::start_on("127.0.0.1:0", binaries, database, dir).await
    }

    /// The same on an address of this machine's, such as one that others can reach.
    ///
    /// # Errors
    /// When the database cannot be made, or the program ends or is not ready in time.
    pub async fn start_on(
        bind: &str,
        binaries: &Binaries,
        database: &Database,
        dir: TempDir,
    ) -> Result<Self> {
        let (path, bind) = (binaries.games.clone(), bind.to_owned());
        let program = match database {
            Database::Sqlite => {
                let file = dir.path().join("games.sqlite3");
                let database = file.to_str().context("the directory's name is no text")?.to_owned();
                Program { path, bind, database, log: &[], own: None, _copied: None }
            }
            Database::Postgres(server) => {
                let own = OwnDatabase::create(server)?;
                let database = own.url();
                Program { path, bind, database, log: &[], own: Some(own), _copied: None }
            }
        };
        Self::launch(program, dir).await
    }

    /// Starts the Games API on a PostgreSQL database with nothing in it, or with a copy of another.
    pub(crate) async fn start_with(
        bind: String,
        own: OwnDatabase,
        copied: Option<Arc<OwnDatabase>>,
    ) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the Games API")?;
        let (path, database) = (Binaries::get()?.games.clone(), own.url());
        let (log, own): (&[&str], _) = (&[], Some(own));
        Self::launch(Program { path, bind, database, log, own, _copied: copied }, dir).await
    }

    async fn launch(program: Program, dir: TempDir) -> Result<Self> {
        let (process, api_url) = launch(&program).await?;
        Ok(Self { process, api_url, program, dir })
    }

    /// Ends the program and keeps its PostgreSQL database.
    pub(crate) async fn into_database(mut self) -> Result<OwnDatabase> {
        self.sigterm().await?;
        self.program.own.take().context("there is no PostgreSQL database of its own")
    }

    /// The base URL, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The database, as the program takes it.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.program.database
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// How long the last start took.
    #[must_use]
    pub fn startup(&self) -> Duration {
        self.process.startup
    }

    /// Everything printed since the last start.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.process.stdout.all()
    }

    /// Waits for a log line that contains `text`.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn logged(&mut self, text: &str) -> Result<String> {
        let found = self.process.stderr.wait_for(DEADLINE, |line| line.contains(text)).await;
        found.with_context(|| format!("waiting for a log line with `{text}`"))
    }

    /// Waits for a log line that contains all of these texts.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn logged_all(&mut self, texts: &[&str]) -> Result<String> {
        self.process.stderr.wait_for_all(texts).await
    }

    /// Everything logged since the last start.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.process.stderr.all()
    }

    /// Kills the program as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill9(&mut self) -> Result<()> {
        self.process.kill9().await
    }

    /// Asks the program to end and returns its exit code, or nothing when a signal ended it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn sigterm(&mut self) -> Result<Option<i32>> {
        self.process.sigterm().await
    }

    /// Starts the program again on the same database, on a new port.
    ///
    /// # Errors
    /// When the old process cannot be ended or the new one does not start.
    pub async fn restart(&mut self) -> Result<()> {
        if self.pid().is_some() {
            self.kill9().await?;
        }
        (self.process, self.api_url) = launch(&self.program).await?;
        Ok(())
    }

    /// Starts the program again, from now on with these arguments for its log.
    ///
    /// # Errors
    /// When the old process cannot be ended or the new one does not start.
    pub async fn restart_logging(&mut self, args: &'static [&'static str]) -> Result<()> {
        self.program.log = args;
        self.restart().await
    }
}

async fn launch(program: &Program) -> Result<(Process, String)> {
    let mut command = clean_command(&program.path);
    command.args(["serve", "--bind", &program.bind, "--database", &program.database]);
    command.args(program.log);
    let process = Process::launch(command, &["ready"]).await?;
    let api_url = process.address("http://")?;
    Ok((process, api_url))
}
