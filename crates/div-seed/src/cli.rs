//! The command line: options, and what is said when it goes wrong.

mod connection;
mod submit;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use self::connection::Connection;
use self::submit::SubmitArgs;
use crate::terminal::Terminal;
use crate::{Reset, RunName, SeedOptions, seed};

/// Creates or completes the default environment of Div through the Games API
#[derive(Clone, Debug, Parser)]
#[command(name = "div-seed", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// Delete the run and create it from scratch, after a question
    #[arg(long)]
    reset: bool,

    /// Answer the question of --reset with yes
    #[arg(short = 'y', long)]
    noinput: bool,

    /// Name of the run; its players are called NAME1, NAME2 and so on
    #[arg(short, long, default_value = RunName::DEFAULT)]
    name: RunName,

    /// Number of worlds
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    worlds: u32,

    /// Give every player a private scenario, too
    #[arg(long)]
    test_scenarios: bool,

    /// The game's name in URLs
    #[arg(long, value_name = "SLUG", env = "GAME_SLUG", default_value = "div",
        value_parser = slug)]
    game_slug: String,

    /// The game's name for people
    #[arg(long, value_name = "NAME", env = "GAME_NAME", default_value = "Div",
        value_parser = game_name)]
    game_name: String,

    #[command(flatten)]
    connection: Connection,
}

/// What else can be done than to create the environment.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    Submit(SubmitArgs),
}

fn slug(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err("use letters, digits, `-` and `_`".to_owned());
    }
    Ok(text.to_owned())
}

fn game_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a game needs a name".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Does what the options say; the exit code is 0 for success, 1 for failure and 2 for bad usage.
pub async fn run(args: &Args) -> ExitCode {
    if let Some(Command::Submit(args)) = &args.command {
        return submit::run(args).await;
    }
    let stderr = io::stderr();
    let client = match args.connection.client() {
        Ok(client) => client,
        Err(error) => return report(error.exit_code(), &error.render().to_string()),
    };
    let mut terminal = Terminal::new(io::BufReader::new(io::stdin()), io::stdout(), io::stderr())
        .color(io::stdout().is_terminal() && console::colors_enabled())
        .bar(stderr.is_terminal());
    match seed(&client, &args.options(), &mut terminal).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => report(1, &format!("error: {}\n", args.connection.explain(&error))),
    }
}

/// Writes the text to stderr; when even that fails, the exit code has to do.
fn report(code: i32, text: &str) -> ExitCode {
    let written = io::stderr().write_all(text.as_bytes());
    let code = u8::try_from(code).unwrap_or(1);
    if written.is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE }
}

impl Args {
    fn options(&self) -> SeedOptions {
        SeedOptions {
            game_slug: self.game_slug.clone(),
            game_name: self.game_name.clone(),
            run: self.name.clone(),
            worlds: self.worlds,
            test_scenarios: self.test_scenarios,
            reset: match (self.reset, self.noinput) {
                (false, _) => Reset::No,
                (true, false) => Reset::Ask,
                (true, true) => Reset::Yes,
            },
        }
    }
}

fn bad_usage(text: &str) -> clap::Error {
    Args::command().error(ErrorKind::ValueValidation, text)
}

#[cfg(test)]
mod tests;
