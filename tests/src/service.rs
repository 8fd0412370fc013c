//! The service under test: started, watched, killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::binaries::Binaries;
use crate::program::clean_command;

/// How long a test waits for something that should be there at once.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long a start may take, on a machine that builds something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// A running service with a data directory of its own.
#[derive(Debug)]
pub struct Service {
    process: Process,
    args: Vec<String>,
    program: PathBuf,
    dir: TempDir,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    api_url: String,
    ws_url: String,
    startup: Duration,
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
        let process = launch(program, dir.path(), &args).await?;
        Ok(Self { process, args, program: program.to_path_buf(), dir })
    }

    /// The base URL of the Games API, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.process.api_url
    }

    /// The URL of the WebSocket.
    #[must_use]
    pub fn ws_url(&self) -> &str {
        &self.process.ws_url
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.child.id()
    }

    /// How long the last start took, from the program's start to its `ready` line.
    #[must_use]
    pub fn startup(&self) -> Duration {
        self.process.startup
    }

    /// Everything printed so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.process.stdout.all()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.process.stderr.all()
    }

    /// Waits for a log line that contains `text`.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn logged(&mut self, text: &str) -> Result<String> {
        let found = self.process.stderr.wait_for(DEADLINE, |line| line.contains(text)).await;
        found.with_context(|| format!("waiting for a log line with `{text}`"))
    }

    /// Kills the service as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill9(&mut self) -> Result<()> {
        self.process.child.kill().await.context("killing the service")
    }

    /// Asks the service to end and returns its exit code, or nothing when a signal ended it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn sigterm(&mut self) -> Result<Option<i32>> {
        let pid = self.pid().context("the service has ended already")?;
        // The shell's own `kill`: a bare machine has no other.
        let signal = ["-c", &format!("kill -TERM {pid}")];
        crate::program::run_to_end(Path::new("/bin/sh"), &signal, "").await?;
        let ended = tokio::time::timeout(DEADLINE, self.process.child.wait()).await;
        Ok(ended.context("the service did not end after SIGTERM")??.code())
    }

    /// Starts the service again in the same directory, on new ports.
    ///
    /// # Errors
    /// When the old process cannot be ended or the new one does not start.
    pub async fn restart(&mut self) -> Result<()> {
        if self.pid().is_some() {
            self.kill9().await?;
        }
        self.process = launch(&self.program, self.dir.path(), &self.args).await?;
        Ok(())
    }
}

async fn launch(program: &Path, dir: &Path, args: &[String]) -> Result<Process> {
    let mut command = clean_command(program);
    command.arg("--data-dir").arg(dir);
    for option in ["--bind", "--games-bind"] {
        if !args.iter().any(|arg| arg == option) {
            command.args([option, "127.0.0.1:0"]);
        }
    }
    command.args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting `{}`", program.display()))?;
    let mut stdout = Lines::read(child.stdout.take().context("the output is piped")?);
    let stderr = Lines::read(child.stderr.take().context("the log is piped")?);
    // With nothing in its database the service serves the API and waits for the game.
    let started_lines = ["ready", "waiting for the game"];
    let is_up = |line: &str| started_lines.iter().any(|start| line.starts_with(start));
    if let Err(error) = stdout.wait_for(START, is_up).await {
        child.start_kill().ok();
        let log = stderr.all().join("\n");
        bail!("the service did not get ready ({error:#}), its log:\n{log}");
    }
    let startup = started.elapsed();
    let lines = stdout.all();
    let address = |scheme: &str| {
        let found = lines.iter().find_map(|line| {
            line.strip_prefix("listening on ").filter(|url| url.starts_with(scheme))
        });
        let url = found.with_context(|| format!("no line `listening on {scheme}…` before `ready`"));
        url.map(|url| url.trim().to_owned())
    };
    let (api_url, ws_url) = (address("http://")?, address("ws://")?);
    Ok(Process { child, stdout, stderr, api_url, ws_url, startup })
}

/// The lines of a pipe, read by a task that ends with the pipe or with this value.
#[derive(Debug)]
struct Lines {
    lines: watch::Receiver<(Vec<String>, bool)>,
    reader: JoinHandle<()>,
}

impl Lines {
    fn read(pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, lines) = watch::channel((Vec::new(), false));
        let reader = tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = pipe.next_line().await {
                sender.send_modify(|(lines, _)| lines.push(line));
            }
            sender.send_modify(|(_, ended)| *ended = true);
        });
        Self { lines, reader }
    }

    fn all(&self) -> Vec<String> {
        self.lines.borrow().0.clone()
    }

    async fn wait_for(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<String> {
        let found = |lines: &[String], wanted: &mut dyn FnMut(&str) -> bool| {
            lines.iter().find(|line| wanted(line)).cloned()
        };
        let mut line = None;
        let waited = self.lines.wait_for(|(lines, ended)| {
            line = found(lines, &mut wanted);
            line.is_some() || *ended
        });
        tokio::time::timeout(limit, waited)
            .await
            .context("not in time")?
            .context("no more lines")?;
        line.context("the process ended")
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
