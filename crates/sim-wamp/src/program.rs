//! The programs `sim-router` and `wamp`, and what both of them do: read a command line, log, and
//! end.

mod client;
mod duration;
mod router;
mod stop;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

/// What ends a program whose reader is gone, as in `wamp … | head`: nobody is left to tell.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
struct NoReader;

/// Runs the program `sim-router` with a command line, which begins with the program's name, and
/// tells how it is to end.
#[must_use]
pub fn router(args: Vec<OsString>) -> ExitCode {
    match start::<router::Cli>(args, |cli| &cli.log) {
        Ok(cli) => router::main(cli),
        Err(code) => code,
    }
}

/// The command line of `sim-router`.
#[must_use]
pub fn router_definition() -> clap::Command {
    router::Cli::command()
}

/// Runs the program `wamp` likewise.
#[must_use]
pub fn client(args: Vec<OsString>) -> ExitCode {
    match start::<client::Cli>(args, |cli| &cli.log) {
        Ok(cli) => client::main(cli),
        Err(code) => code,
    }
}

/// Reads the command line and starts the log.
fn start<C: Parser>(args: Vec<OsString>, log: fn(&C) -> &String) -> Result<C, ExitCode> {
    let cli = C::try_parse_from(args).map_err(|error| usage(&error))?;
    let log = log(&cli);
    let filter = log.parse::<EnvFilter>().map_err(|error| {
        fail(&format!("there is no filter `{log}` for `--log` (or `RUST_LOG`): {error}"), 2)
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(cli)
}

/// Prints help where it was asked for, and otherwise one line that says what is wrong.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if asked.contains(&error.kind()) {
        // There is nobody left to tell when standard output is closed.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let missing =
        [ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ErrorKind::MissingSubcommand];
    if missing.contains(&error.kind()) {
        return fail("a command is missing, such as `call`; see --help", 2);
    }
    let text = error.render().to_string();
    // What is missing comes on lines of its own.
    let lines: Vec<&str> =
        text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    fail(&format!("{}; see --help", lines.join(" ").trim_start_matches("error: ")), 2)
}

/// Says how a program ends.
fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<NoReader>() => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

fn fail(text: &str, code: u8) -> ExitCode {
    note(format_args!("error: {text}"));
    ExitCode::from(code)
}

/// Tells people something on standard error.
fn note(text: impl Display) {
    // There is nobody left to tell when standard error is closed.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Prints at once: whoever started the program may be reading through a pipe.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(NoReader.into()),
        written => written.context("cannot write to standard output"),
    }
}

/// Reads a secret from a file; the end of its line is not a part of it.
fn secret_file(path: &Path) -> io::Result<String> {
    let mut text = fs::read_to_string(path)?;
    let line = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(line);
    if text.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is empty"));
    }
    Ok(text)
}
