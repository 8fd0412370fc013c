//! The program `games-api`: it serves the Games API, and looks after its database.

mod accounts;
mod cli;
mod dialog;
mod export;
mod games;
mod import;
mod probe;
mod serve;
mod setup;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::{BackedUp, Database, GamesApi, Options, back_up};
use cli::{Cli, Command, LogFormat};
use dialog::Dialog;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It has said itself what is wrong; the program ends with this code.
    Failed(u8),
}

/// The program's command line, for its documentation.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Reads a command line, which begins with the program's name, does what it says, and tells how the
/// program is to end.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let filter = match cli.log.parse::<EnvFilter>() {
        Ok(filter) => filter,
        Err(error) => return fail(&format!("`--log` has no filter `{}`: {error}", cli.log), 2),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match cli.log_format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the program's threads: {error}"), 1),
    };
    match runtime.block_on(run(cli)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed(code)) => ExitCode::from(code),
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

async fn run(cli: Cli) -> Result<Outcome> {
    let mut dialog = Dialog::of_the_program();
    let options = options(&cli.database, cli.wait)?;
    match cli.command {
        Command::Serve(args) => serve::run(options, &args).await.map(|()| Outcome::Done),
        // It knows a service by its address only.
        Command::CheckDeploy(args) => probe::run(&args, &mut dialog).await,
        Command::Backup(args) => backup(&options.database, &args.to, &mut dialog),
        command => {
            let api = GamesApi::open(options).await?;
            let outcome = on_database(&api, command, &mut dialog).await;
            api.close().await;
            outcome
        }
    }
}

/// Copies the database file; a server's own programs copy what it holds.
fn backup(database: &Database, to: &Path, dialog: &mut Dialog) -> Result<Outcome> {
    let Database::Sqlite(path) = database else {
        bail!("a PostgreSQL server is backed up by its own `pg_dump`");
    };
    let BackedUp { bytes, seq } = back_up(path, to)?;
    dialog.say(&format!("{} holds {bytes} bytes, up to change {seq}", to.display()))?;
    Ok(Outcome::Done)
}

/// The commands that need nothing but the database.
async fn on_database(api: &GamesApi, command: Command, dialog: &mut Dialog) -> Result<Outcome> {
    match command {
        Command::Migrate => {
            let made = if api.is_new() { "made" } else { "up to date" };
            dialog.say(&format!("the database is {made}"))?;
            Ok(Outcome::Done)
        }
        Command::CreateUser(args) => accounts::create(api, &args, dialog).await,
        Command::CreateSimplUser => accounts::create_simpl_user(api, dialog).await,
        Command::Setup => setup::run(api, dialog).await,
        Command::Count(args) => games::count(api, &args, dialog).await,
        Command::ResetGame(args) => games::reset(api, &args, dialog).await,
        Command::Import(args) => import::run(api, &args, dialog).await,
        Command::Export(args) => export::run(api, &args, dialog).await,
        Command::Serve(_) | Command::CheckDeploy(_) | Command::Backup(_) => {
            unreachable!("these do not work on a database of their own")
        }
    }
}

fn options(database: &str, wait: u64) -> Result<Options> {
    let patience = Duration::from_secs(wait);
    Ok(Options { patience, ..Options::of(Database::parse(database)?) })
}

/// Prints help where it was asked for, and otherwise one line that says what is wrong.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if asked.contains(&error.kind()) {
        // There is nobody left to tell when standard output is closed.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return fail("a command is missing, such as `serve`; see --help", 2);
    }
    fail(&format!("{}; see --help", in_one_line(&error.render().to_string())), 2)
}

/// What is wrong with the command line, with what is missing, which comes on lines of its own.
fn in_one_line(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

fn fail(text: &str, code: u8) -> ExitCode {
    // There is nobody left to tell when standard error is closed.
    drop(writeln!(io::stderr(), "error: {text}"));
    ExitCode::from(code)
}

/// Prints at once: whoever started the program may be reading through a pipe.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}
