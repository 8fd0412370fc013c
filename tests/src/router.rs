//! The WAMP router as a program of its own, for clients of others.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::process::Process;
use crate::program::clean_command;
use crate::service::DEADLINE;

/// A running router.
#[derive(Debug)]
pub struct Router {
    // Dropped in this order: the process, then the directory with its configuration.
    process: Process,
    urls: Vec<String>,
    dir: TempDir,
}

impl Router {
    /// Starts a router with this configuration and waits until it listens on an address of each
    /// of these schemes.
    ///
    /// # Errors
    /// When it cannot be built, or ends, or does not listen in time; the text has what it said.
    pub async fn start(config: &str, schemes: &[&str]) -> Result<Self> {
        Self::start_with(config, &[], schemes).await
    }

    /// The same with files beside the configuration, which it names.
    pub(crate) async fn start_with(
        config: &str,
        files: &[(&str, &str)],
        schemes: &[&str],
    ) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the router")?;
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).context("writing a file for the router")?;
        }
        let file = dir.path().join("router.toml");
        std::fs::write(&file, config).context("writing the router's configuration")?;
        let (process, urls) = launch(&file, schemes).await?;
        Ok(Self { process, urls, dir })
    }

    /// Kills the router as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill9(&mut self) -> Result<()> {
        self.process.kill9().await
    }

    /// Starts it again; on the same addresses if they were chosen.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub async fn start_again(&mut self) -> Result<()> {
        let schemes: Vec<_> =
            self.urls.iter().filter_map(|url| url.split(':').next()).map(str::to_owned).collect();
        let schemes: Vec<&str> = schemes.iter().map(String::as_str).collect();
        (self.process, self.urls) = launch(&self.dir.path().join("router.toml"), &schemes).await?;
        Ok(())
    }

    /// The addresses, in the order of the schemes.
    #[must_use]
    pub fn urls(&self) -> Vec<&str> {
        self.urls.iter().map(String::as_str).collect()
    }

    /// Everything said so far.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.process.stdout.all()
    }
}

async fn launch(file: &Path, schemes: &[&str]) -> Result<(Process, Vec<String>)> {
    // What it says on either pipe is read from one.
    let mut command = clean_command(Path::new("/bin/sh"));
    command.args(["-c", "exec \"$0\" --config \"$1\" 2>&1"]).arg(Binaries::router()?).arg(file);
    let mut process = Process::launch(command, &["listening on "]).await?;
    let mut urls = Vec::new();
    for scheme in schemes {
        let start = format!("listening on {scheme}");
        let heard = process.stdout.wait_for(DEADLINE, |line| line.starts_with(&start)).await;
        let said = || format!("no address of `{scheme}`:\n{}", process.stdout.all().join("\n"));
        let line = heard.with_context(said)?;
        urls.push(line.trim_start_matches("listening on ").trim().to_owned());
    }
    Ok((process, urls))
}
