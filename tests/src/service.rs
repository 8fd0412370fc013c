//! The service under test: started, watched, killed and started again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::process::Process;
use crate::program::clean_command;

/// How long a test waits for something that should be there at once.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A running service with a data directory of its own.
#[derive(Debug)]
pub struct Service {
    running: Running,
    args: Vec<String>,
    program: PathBuf,
    dir: TempDir,
}

#[derive(Debug)]
struct Running {
    process: Process,
    api_url: String,
    ws_url: String,
}

impl Service {
    /// Starts a service on free ports in an empty directory and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the text has what it said.
    pub async fn start(args: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the service")?;
        Self::start_in(&Binaries::get()?.service, dir, args).await
    }

    /// Starts a given program in a given directory.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the text has what it said.
    pub async fn start_in(program: &Path, dir: TempDir, args: &[&str]) -> Result<Self> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let running = launch(program, dir.path(), &args).await?;
        Ok(Self { running, args, program: program.to_path_buf(), dir })
    }

    /// The base URL of the Games API, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.running.api_url
    }

    /// The URL of the WebSocket.
    #[must_use]
    pub fn ws_url(&self) -> &str {
        &self.running.ws_url
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.process.pid()
    }

    /// How long the last start took, from the program's start to its `ready` line.
    #[must_use]
    pub fn startup(&self) -> Duration {
        self.running.process.startup
    }

    /// Everything printed so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.running.process.stdout.all()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.running.process.stderr.all()
    }

    /// Waits for a log line that contains `text`.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn logged(&mut self, text: &str) -> Result<String> {
        let found =
            self.running.process.stderr.wait_for(DEADLINE, |line| line.contains(text)).await;
        found.with_context(|| format!("waiting for a log line with `{text}`"))
    }

    /// Kills the service as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill9(&mut self) -> Result<()> {
        self.running.process.kill9().await
    }

    /// Asks the service to end and returns its exit code, or nothing when a signal ended it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn sigterm(&mut self) -> Result<Option<i32>> {
        self.running.process.sigterm().await
    }

    /// Starts the service again in the same directory, on new ports.
    ///
    /// # Errors
    /// When the old process cannot be ended or the new one does not start.
    pub async fn restart(&mut self) -> Result<()> {
        if self.pid().is_some() {
            self.kill9().await?;
        }
        self.running = launch(&self.program, self.dir.path(), &self.args).await?;
        Ok(())
    }
}

async fn launch(program: &Path, dir: &Path, args: &[String]) -> Result<Running> {
    let mut command = clean_command(program);
    command.arg("--data-dir").arg(dir);
    for option in ["--bind", "--games-bind"] {
        if !args.iter().any(|arg| arg == option) {
            command.args([option, "127.0.0.1:0"]);
        }
    }
    command.args(args);
    // With nothing in its database the service serves the API and waits for the game.
    let process = Process::launch(command, &["ready", "waiting for the game"]).await?;
    let (api_url, ws_url) = (process.address("http://")?, process.address("ws://")?);
    Ok(Running { process, api_url, ws_url })
}
