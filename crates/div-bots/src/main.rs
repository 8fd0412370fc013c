//! Simulated players of Div.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    div_bots::cli::run(&div_bots::cli::Args::parse()).await
}
