#![doc = include_str!("../README.md")]

pub mod cli;
mod own_run;
mod program;
mod script;
mod strategy;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use script::{Line, Script, ScriptError};
pub use strategy::{DivBot, Values};

/// The program's command line, for its documentation.
#[must_use]
pub fn definition() -> clap::Command {
    cli::Args::command()
}

/// The program: reads a command line, which begins with the program's name, lets bots play, and tells how
/// it is to end.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let args = cli::Args::parse_from(args);
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(&args)),
        Err(error) => {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: cannot start the program's threads: {error}"));
            ExitCode::FAILURE
        }
    }
}
