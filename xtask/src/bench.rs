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
    /// The REST API: creating, listing, units of work, exporting
    Rest,
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
            Self::Rest => &["rest"],
            Self::All => &["decisions", "rest", "startup"],
        }
    }
}

/// Builds what is needed and runs the scenarios one after the other.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut build = cargo::cargo();
    build.args(["build", "--release", "--bins"]);
    for package in ["div-service", "div-seed", "sim-games-server", "black-box"] {
        build.args(["-p", package]);
    }
    let status = build.status().context("running `cargo`")?;
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
