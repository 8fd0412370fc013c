//! The service under test: started, watched, killed and started again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::apart::Apart;
use crate::binaries::Binaries;
use crate::process::Process;
use crate::program::clean_command;
use crate::router::Router;
use crate::target::{Elsewhere, Target, free_port};

/// How long a test waits for something that should be there at once.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A running service with a data directory of its own.
#[derive(Debug)]
pub struct Service {
    running: Running,
    args: Vec<String>,
    program: PathBuf,
    dir: TempDir,
    elsewhere: Option<Elsewhere>,
    router: Option<Apart>,
}

#[derive(Debug)]
struct Running {
    process: Process,
    /// Nothing when the Games API is elsewhere.
    api_url: Option<String>,
    /// The WebSocket of the service's own router.
    ws_url: Option<String>,
    /// Where the service serves its pages.
    page_url: String,
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
        let running = launch(program, dir.path(), &args, None, None).await?;
        let program = program.to_path_buf();
        Ok(Self { running, args, program, dir, elsewhere: None, router: None })
    }

    /// Starts a service whose Games API is this one.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the text has what it said.
    pub async fn start_beside(elsewhere: Elsewhere, args: &[&str]) -> Result<Self> {
        // It comes back on the same port, where the webhooks go.
        let bind = format!("127.0.0.1:{}", free_port()?);
        let callback = format!("http://{bind}/callback");
        let mut all = vec!["--bind", &bind];
        if !args.contains(&"--callback-url") {
            all.extend(["--callback-url", &callback]);
        }
        all.extend(args);
        let args: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let program = Binaries::get()?.service.clone();
        let dir = tempfile::tempdir().context("making a directory for the service")?;
        let running = launch(&program, dir.path(), &args, Some(&elsewhere), None).await?;
        Ok(Self { running, args, program, dir, elsewhere: Some(elsewhere), router: None })
    }

    /// Starts a service whose router is this one.
    async fn start_at(router: Apart, args: &[&str]) -> Result<Self> {
        let program = Binaries::get()?.service.clone();
        let dir = tempfile::tempdir().context("making a directory for the service")?;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let running = launch(&program, dir.path(), &args, None, Some(&router)).await?;
        Ok(Self { running, args, program, dir, elsewhere: None, router: Some(router) })
    }

    /// Starts a service on a target, with the default environment or with nothing.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start_on(target: Target, is_seeded: bool, args: &[&str]) -> Result<Self> {
        let no_seed: &[&str] = if is_seeded { &[] } else { &["--no-seed"] };
        if target == Target::Embedded {
            return Self::start(&[no_seed, args].concat()).await;
        }
        if let Some(router) = target.router().await? {
            return Self::start_at(router, &[no_seed, args].concat()).await;
        }
        let elsewhere = match is_seeded {
            true => Elsewhere::start_seeded(target).await?,
            false => Elsewhere::start(target).await?,
        };
        Self::start_beside(elsewhere, args).await
    }

    /// The Games API beside the service.
    ///
    /// # Errors
    /// When it is part of the service.
    pub fn elsewhere(&mut self) -> Result<&mut Elsewhere> {
        self.elsewhere.as_mut().context("the Games API is part of the service")
    }

    /// Our router beside the service.
    ///
    /// # Errors
    /// When there is none, or it is another's.
    pub fn router(&mut self) -> Result<&mut Router> {
        self.router.as_mut().context("the router is part of the service")?.router()
    }

    /// The base URL of the Games API, with its trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        let own = self.running.api_url.as_deref();
        own.or_else(|| self.elsewhere.as_ref().map(Elsewhere::api_url)).unwrap_or_default()
    }

    /// The URL of the WebSocket, with the realm behind a `#` if it is not `realm1`.
    ///
    /// # Panics
    /// When the service has neither a router nor one beside it, which cannot be.
    #[must_use]
    pub fn ws_url(&self) -> String {
        let beside = self.router.as_ref().map(Apart::ws_url);
        beside.or_else(|| self.running.ws_url.clone()).expect("there is a router")
    }

    /// The URL of the pages, without a slash at the end.
    #[must_use]
    pub fn page_url(&self) -> &str {
        &self.running.page_url
    }

    /// What `/readyz` answers: the status and the text.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn readiness(&self) -> Result<(u16, String)> {
        let answer = reqwest::get(format!("{}/readyz", self.page_url())).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Waits until `/readyz` answers what is wanted, and gives the text.
    ///
    /// # Errors
    /// When it does not in time; the error has what the service said.
    pub async fn until_readiness(&self, wanted: impl Fn(u16, &str) -> bool) -> Result<String> {
        let waiting = async {
            loop {
                let (status, text) = self.readiness().await?;
                if wanted(status, &text) {
                    return Ok(text);
                }
            }
        };
        let waited = tokio::time::timeout(DEADLINE, waiting).await;
        waited.with_context(|| format!("readiness stays:\n{}", self.stderr().join("\n")))?
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

    /// Waits for a log line that contains all of these texts.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn logged_all(&mut self, texts: &[&str]) -> Result<String> {
        self.running.process.stderr.wait_for_all(texts).await
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

    /// Sends the service a signal, named as the shell names it, and does not wait for anything.
    ///
    /// # Errors
    /// When the service has ended already.
    pub async fn signal(&self, name: &str) -> Result<()> {
        self.running.process.signal(name).await
    }

    /// Waits for the service's end and returns its exit code, or nothing when a signal ended it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(&mut self) -> Result<Option<i32>> {
        self.running.process.ended().await
    }

    /// Starts the service again in the same directory, on new ports.
    ///
    /// # Errors
    /// When the old process cannot be ended or the new one does not start.
    pub async fn restart(&mut self) -> Result<()> {
        if self.pid().is_some() {
            self.kill9().await?;
        }
        let elsewhere = self.elsewhere.as_ref();
        let router = self.router.as_ref();
        self.running =
            launch(&self.program, self.dir.path(), &self.args, elsewhere, router).await?;
        Ok(())
    }
}

async fn launch(
    program: &Path,
    dir: &Path,
    args: &[String],
    elsewhere: Option<&Elsewhere>,
    router: Option<&Apart>,
) -> Result<Running> {
    let mut command = clean_command(program);
    command.envs(router.iter().flat_map(|router| router.variables()));
    command.arg("--data-dir").arg(dir);
    let binds: &[&str] = match elsewhere {
        None => &["--bind", "--games-bind"],
        Some(elsewhere) => {
            command.args(["--games-url", elsewhere.api_url()]);
            &["--bind"]
        }
    };
    for option in binds {
        if !args.iter().any(|arg| arg == option) {
            command.args([option, "127.0.0.1:0"]);
        }
    }
    command.args(args);
    // With nothing in its database the service serves the API and waits for the game.
    let process = Process::launch(command, &["ready", "waiting for the game"]).await?;
    let is_elsewhere = elsewhere.is_some() || args.iter().any(|arg| arg == "--games-url");
    let api_url = if is_elsewhere { None } else { Some(process.address("http://")?) };
    let (ws_url, page_url) = match process.address("ws://") {
        Ok(ws_url) => {
            let address = ws_url.trim_start_matches("ws://").trim_end_matches("/ws");
            let page_url = format!("http://{address}");
            (Some(ws_url), page_url)
        }
        // With a router elsewhere the last address is that of the pages.
        Err(_) => (None, process.last_address("http://")?.trim_end_matches('/').to_owned()),
    };
    Ok(Running { process, api_url, ws_url, page_url })
}
