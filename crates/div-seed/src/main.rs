//! Creates the default environment of Div.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    div_seed::cli::run(&div_seed::cli::Args::parse()).await
}
