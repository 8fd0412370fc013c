//! Builds release binaries and runs the load generator against them.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::cargo::{self, Workspace};
use crate::image;

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
    /// The leader reads a run with many worlds
    Tree,
    /// How soon others hear of a decision
    Events,
    /// Very many connected players decide at once
    Herd,
    /// What a decision costs with few and with many runs loaded
    Runs,
    /// The REST API: creating, listing, units of work, exporting
    Rest,
    /// Start, memory and the default environment
    Startup,
    /// Sizes of the static binary and of the image, and then as `startup`
    Footprint,
    /// The pages in Chromium: size, latencies, a leader's grid (needs Node.js and `npm ci` in `tests/js`)
    Pages,
    /// The router alone: calls
    Rpc,
    /// The router alone: events
    Pubsub,
    /// The router alone: sessions that come and go
    Join,
    /// The router alone: the memory of idle sessions
    Idle,
    /// The router alone: a subscriber that does not read
    Slow,
    /// All of them
    All,
}

/// The programs that scenarios of the services drive.
const SERVICES: &[&str] =
    &["--bins", "-p", "div-service", "-p", "div-seed", "-p", "sim-games-server"];
/// The program that scenarios of the router drive.
const ROUTER: &[&str] = &["--example", "bench_router", "-p", "sim-wamp"];
/// The load generator.
const GENERATOR: &[&str] = &["--bin", "load", "-p", "black-box"];

impl Scenario {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Decisions => &["decisions"],
            Self::Tree => &["tree"],
            Self::Events => &["events"],
            Self::Herd => &["herd"],
            Self::Runs => &["runs"],
            Self::Startup | Self::Footprint => &["startup"],
            // A program of its own drives the browser.
            Self::Pages => &[],
            Self::Rest => &["rest"],
            Self::Rpc => &["rpc"],
            Self::Pubsub => &["pubsub"],
            Self::Join => &["join"],
            Self::Idle => &["idle"],
            Self::Slow => &["slow"],
            Self::All => &[
                "decisions",
                "tree",
                "events",
                "herd",
                "runs",
                "rest",
                "startup",
                "rpc",
                "pubsub",
                "join",
                "idle",
                "slow",
            ],
        }
    }

    /// What cargo has to build for it besides the generator.
    fn programs(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Decisions
            | Self::Tree
            | Self::Events
            | Self::Herd
            | Self::Runs
            | Self::Rest
            | Self::Pages
            | Self::Footprint
            | Self::Startup => &[SERVICES],
            Self::Rpc | Self::Pubsub | Self::Join | Self::Idle | Self::Slow => &[ROUTER],
            Self::All => &[SERVICES, ROUTER],
        }
    }
}

/// Builds what is needed and runs the scenarios one after the other.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut build = cargo::cargo();
    build.args(["build", "--release"]).args(GENERATOR);
    build.args(args.scenario.programs().concat());
    let status = build.status().context("running `cargo`")?;
    if !status.success() {
        bail!("the release build failed ({status})");
    }
    if matches!(args.scenario, Scenario::Footprint) {
        image::run()?;
    }
    if matches!(args.scenario, Scenario::Pages) {
        return pages(&workspace);
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

/// Lets a browser measure the pages.
fn pages(workspace: &Workspace) -> Result<()> {
    let status = std::process::Command::new("node")
        .arg("tests/js/bench_pages.mjs")
        .arg(workspace.target_dir.join("release"))
        .current_dir(&workspace.root)
        .status()
        .context("running `node`")?;
    if !status.success() {
        bail!("the pages could not be measured ({status}); `npm ci` in `tests/js` comes first");
    }
    Ok(())
}
