//! The load generator, run by `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

use std::process::ExitCode;

use black_box::load::{DecisionsOptions, StartupOptions, decisions, startup};
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
    /// Start, memory and the default environment
    Startup(StartupOptions),
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = match &Cli::parse().scenario {
        Scenario::Decisions(options) => decisions(options).await,
        Scenario::Startup(options) => startup(options).await,
    };
    match report {
        Ok(report) => {
            println!("{}\n{}", report.table(), report.json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
