//! The load generator, run by `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

use std::process::ExitCode;

use anyhow::{Context, Result};
use black_box::load::{
    DecisionsOptions, Report, RestOptions, StartupOptions, decisions, rest, startup,
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
    /// The REST API: creating, listing, units of work, exporting
    Rest(RestOptions),
    /// Start, memory and the default environment
    Startup(StartupOptions),
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
    // One thread is enough for the raw HTTP client, and leaves the other core to the service.
    let mut runtime = match scenario {
        Scenario::Rest(_) => tokio::runtime::Builder::new_current_thread(),
        Scenario::Decisions(_) | Scenario::Startup(_) => {
            tokio::runtime::Builder::new_multi_thread()
        }
    };
    let runtime = runtime.enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        match scenario {
            Scenario::Decisions(options) => show(&decisions(options).await?),
            Scenario::Startup(options) => show(&startup(options).await?),
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
