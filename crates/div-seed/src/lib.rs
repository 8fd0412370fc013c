#![doc = include_str!("../README.md")]

pub mod cli;
mod name;
mod output;
mod plan;
mod seed;
mod submit;
mod terminal;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use name::{RunName, RunNameError};
pub use output::{Output, Silent};
pub use plan::{Reset, SeedOptions};
pub use seed::{Summary, seed};
pub use sim_games_client::Client;
pub use submit::{Submission, submit};

/// The program's command line, for its documentation.
#[must_use]
pub fn definition() -> clap::Command {
    cli::Args::command()
}

/// The program: reads a command line, which begins with the program's name, does what it says, and tells how
/// it is to end.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let args = cli::Args::parse_from(args);
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(&args)),
        Err(error) => {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: cannot start the program's threads: {error}"));
            ExitCode::FAILURE
        }
    }
}
