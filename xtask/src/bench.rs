//! Builds release binaries and runs the load generator against them.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::cargo::{self, Workspace};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The scenario
    scenario: Scenario,
    /// Options of the load generator, after `--`; `-- --help` lists them
    #[arg(last = true)]
    options: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scenario {
    /// Durable decisions of many pairs
    Decisions,
    /// Start, memory and the default environment
    Startup,
    /// All of them
    All,
}

impl Scenario {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Decisions => &["decisions"],
            Self::Startup => &["startup"],
            Self::All => &["decisions", "startup"],
        }
    }
}

/// Builds what is needed and runs the scenarios one after the other.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let build = ["build", "--release", "-p", "div-service", "-p", "div-seed", "-p", "black-box"];
    let status = cargo::cargo().args(build).arg("--bins").status().context("running `cargo`")?;
    if !status.success() {
        bail!("the release build failed ({status})");
    }
    let load = workspace.target_dir.join("release").join("load");
    for scenario in args.scenario.names() {
        let status = std::process::Command::new(&load)
            .arg(scenario)
            .args(&args.options)
            .status()
            .with_context(|| format!("running `{}`", load.display()))?;
        if !status.success() {
            bail!("the scenario `{scenario}` failed ({status})");
        }
    }
    Ok(())
}
