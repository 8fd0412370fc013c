//! Runs a program to its end and keeps what it said.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code, or nothing when a signal ended it.
    pub code: Option<i32>,
    /// Everything it printed.
    pub stdout: String,
    /// Everything it complained about.
    pub stderr: String,
}

/// A command that inherits nothing of the configuration of the machine it runs on.
pub(crate) fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().kill_on_drop(true);
    for key in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command
}

/// Runs a program to its end, with `input` on its standard input, for three minutes at most.
///
/// # Errors
/// When it cannot be started or does not end.
pub async fn run_to_end<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    input: &str,
) -> Result<Finished> {
    run_to_end_with(program, args, &[], input).await
}

/// Runs a program to its end as [`run_to_end`] does, with these variables.
///
/// # Errors
/// When it cannot be started or does not end.
pub async fn run_to_end_with<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    variables: &[(&str, &str)],
    input: &str,
) -> Result<Finished> {
    let shown = program.display();
    let mut command = clean_command(program);
    command.envs(variables.iter().copied());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting `{shown}`"))?;
    let mut stdin = child.stdin.take().context("the standard input is piped")?;
    // A program that asks nothing may close its input before this is written.
    stdin.write_all(input.as_bytes()).await.ok();
    drop(stdin);
    let output = tokio::time::timeout(Duration::from_mins(3), child.wait_with_output())
        .await
        .with_context(|| format!("`{shown}` did not end within three minutes"))??;
    Ok(Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
