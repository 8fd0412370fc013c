//! The load generator, run by `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

use std::process::ExitCode;

use anyhow::{Context, Result};
use black_box::load::{
    DecisionsOptions, EventsOptions, HerdOptions, IdleOptions, JoinOptions, PubsubOptions, Report,
    RestOptions, RpcOptions, RunsOptions, SlowOptions, StartupOptions, TreeOptions, decisions,
    events, herd, idle, join, pubsub, rest, rpc, runs, slow, startup, tree,
};
use clap::{Parser, Subcommand};

/// Drives the programs that lie beside this one and prints a table and a JSON line.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Durable decisions of many pairs
    Decisions(DecisionsOptions),
    /// The leader reads a run with many worlds
    Tree(TreeOptions),
    /// How soon others hear of a decision
    Events(EventsOptions),
    /// Very many connected players decide at once
    Herd(HerdOptions),
    /// What a decision costs with few and with many runs loaded
    Runs(RunsOptions),
    /// The REST API: creating, listing, units of work, exporting
    Rest(RestOptions),
    /// Start, memory and the default environment
    Startup(StartupOptions),
    /// A WAMP router: calls
    Rpc(RpcOptions),
    /// A WAMP router: events
    Pubsub(PubsubOptions),
    /// A WAMP router: sessions that come and go
    Join(JoinOptions),
    /// A WAMP router: the memory of idle sessions
    Idle(IdleOptions),
    /// A WAMP router: a subscriber that does not read
    Slow(SlowOptions),
}

fn main() -> ExitCode {
    match run(&Cli::parse().scenario) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenario: &Scenario) -> Result<()> {
    // One thread is enough for the cheap clients, and leaves the other core to what is measured.
    let mut runtime = match scenario {
        Scenario::Decisions(_) | Scenario::Startup(_) => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        match scenario {
            Scenario::Decisions(options) => show(&decisions(options).await?),
            Scenario::Tree(options) => show(&tree(options).await?),
            Scenario::Events(options) => show(&events(options).await?),
            Scenario::Herd(options) => show(&herd(options).await?),
            Scenario::Runs(options) => show(&runs(options).await?),
            Scenario::Startup(options) => show(&startup(options).await?),
            Scenario::Rpc(options) => show(&rpc(options).await?),
            Scenario::Pubsub(options) => show(&pubsub(options).await?),
            Scenario::Join(options) => show(&join(options).await?),
            Scenario::Idle(options) => show(&idle(options).await?),
            Scenario::Slow(options) => show(&slow(options).await?),
            Scenario::Rest(options) => {
                // Each database is shown as soon as it is done.
                for database in options.databases()? {
                    show(&rest(options, &database).await?);
                }
            }
        }
        Ok(())
    })
}

fn show(report: &Report) {
    println!("{}\n{}", report.table(), report.json());
}
