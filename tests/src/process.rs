//! A program that serves: started, read line by line, killed.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::program::run_to_end;
use crate::service::DEADLINE;

/// How long a start may take, on a machine that builds something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// A running program and what it says.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    /// How long the start took, until the line that was waited for.
    pub(crate) startup: Duration,
}

impl Process {
    /// Starts a program and waits for a line that begins with one of these texts.
    pub(crate) async fn launch(mut command: Command, ready: &[&str]) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let program = command.as_std().get_program().to_owned();
        let mut child = command
            .spawn()
            .with_context(|| format!("starting `{}`", Path::new(&program).display()))?;
        let mut stdout = Lines::read(child.stdout.take().context("the output is piped")?);
        let stderr = Lines::read(child.stderr.take().context("the log is piped")?);
        let is_up = |line: &str| ready.iter().any(|start| line.starts_with(start));
        if let Err(error) = stdout.wait_for(START, is_up).await {
            child.start_kill().ok();
            let log = stderr.all().join("\n");
            bail!("the service did not get ready ({error:#}), its log:\n{log}");
        }
        Ok(Self { child, stdout, stderr, startup: started.elapsed() })
    }

    /// The first address of a scheme that the program said it listens on.
    pub(crate) fn address(&self, scheme: &str) -> Result<String> {
        let addresses = self.addresses(scheme);
        let url = addresses.into_iter().next();
        url.with_context(|| format!("no line `listening on {scheme}…` before `ready`"))
    }

    /// The last of them.
    pub(crate) fn last_address(&self, scheme: &str) -> Result<String> {
        let url = self.addresses(scheme).pop();
        url.with_context(|| format!("no line `listening on {scheme}…` before `ready`"))
    }

    fn addresses(&self, scheme: &str) -> Vec<String> {
        let lines = self.stdout.all();
        let addresses = lines.iter().filter_map(|line| line.strip_prefix("listening on "));
        let of_scheme = addresses.filter(|url| url.starts_with(scheme));
        of_scheme.map(|url| url.trim().to_owned()).collect()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills the program as a power cut would.
    pub(crate) async fn kill9(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the service")
    }

    /// Asks the program to end and returns its exit code, or nothing when a signal ended it.
    pub(crate) async fn sigterm(&mut self) -> Result<Option<i32>> {
        self.signal("TERM").await?;
        self.ended().await
    }

    /// Sends a signal, named as the shell names it.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid().context("the service has ended already")?;
        // The shell's own `kill`: a bare machine has no other.
        let signal = ["-c", &format!("kill -{name} {pid}")];
        run_to_end(Path::new("/bin/sh"), &signal, "").await?;
        Ok(())
    }

    /// Waits for the end, and returns the exit code, or nothing when a signal ended it.
    pub(crate) async fn ended(&mut self) -> Result<Option<i32>> {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        Ok(ended.context("the service did not end after a signal")??.code())
    }
}

/// The lines of a pipe, read by a task that ends with the pipe or with this value.
#[derive(Debug)]
pub(crate) struct Lines {
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

    pub(crate) fn all(&self) -> Vec<String> {
        self.lines.borrow().0.clone()
    }

    pub(crate) async fn wait_for(
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

impl Lines {
    /// Waits for a line that contains all of these texts.
    pub(crate) async fn wait_for_all(&mut self, texts: &[&str]) -> Result<String> {
        let found = self.wait_for(DEADLINE, |line| texts.iter().all(|text| line.contains(text)));
        found.await.with_context(|| format!("waiting for a line with all of {texts:?}"))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
