//! The command line: flags, each with its environment variable where it may have one.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Stores games, runs, worlds, players and what they decide, and serves all of it over REST.
#[derive(Debug, Parser)]
#[command(name = "games-api", version)]
pub(super) struct Cli {
    /// The database: a file, or a PostgreSQL server as `postgres://user:password@host/name`
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "DATABASE",
        default_value = "./data/games.sqlite3",
        hide_env_values = true,
        global = true
    )]
    pub(super) database: String,

    /// How long a database server that does not answer is waited for, in seconds
    #[arg(
        long,
        env = "GAMES_API_WAIT",
        value_name = "SECONDS",
        default_value_t = 20,
        global = true
    )]
    pub(super) wait: u64,

    /// What is logged, for example `info`, `warn` or `debug`
    #[arg(
        long,
        env = "GAMES_API_LOG",
        value_name = "FILTER",
        default_value = "info",
        global = true
    )]
    pub(super) log: String,

    /// How it is logged: lines for people (`text`), or one JSON object per line (`json`)
    #[arg(
        long,
        env = "GAMES_API_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        global = true
    )]
    pub(super) log_format: LogFormat,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the Games API until the program is told to stop
    Serve(Serve),
    /// Make the tables of the database, or bring them to this program's version
    Migrate,
    /// Ask for the accounts that administer the service, and make them
    Setup,
    /// Make an account; its password is asked for
    CreateUser(CreateUser),
    /// Make sure that the account simpl@simpl.world with the password simpl exists
    CreateSimplUser,
    /// Count what belongs to a game
    Count(Game),
    /// Delete all runs of a game, with everything in them
    ResetGame(ResetGame),
    /// Export a run as a table, as lines of JSON, or as a package with everything
    Export(Export),
    /// Copy the database file, also while it is served, into a file that does not exist yet
    Backup(Backup),
    /// Take over an installation of the original, from its PostgreSQL database into a new one
    Import(Import),
    /// Check from outside that a deployed service works
    CheckDeploy(CheckDeploy),
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen (path `/apis/`); port 0 chooses a free one
    #[arg(long, env = "GAMES_API_BIND", value_name = "ADDRESS", default_value = "127.0.0.1:8100")]
    pub(super) bind: SocketAddr,
}

#[derive(Debug, Args)]
pub(super) struct CreateUser {
    /// The e-mail address, which is the login name
    #[arg(value_name = "EMAIL")]
    pub(super) email: String,

    /// Let the user administer games and users
    #[arg(long)]
    pub(super) staff: bool,

    /// Let the user also make and change superusers
    #[arg(long)]
    pub(super) superuser: bool,

    #[arg(long, value_name = "NAME", default_value = "")]
    pub(super) first_name: String,

    #[arg(long, value_name = "NAME", default_value = "")]
    pub(super) last_name: String,

    /// Read the password from standard input, one line
    #[arg(long)]
    pub(super) password_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct Game {
    /// The game's slug
    #[arg(value_name = "SLUG", required_unless_present = "slug_flag")]
    slug: Option<String>,

    /// The same, as the original program wants it
    #[arg(short = 's', long = "slug", value_name = "SLUG", conflicts_with = "slug")]
    slug_flag: Option<String>,
}

impl Game {
    pub(super) fn slug(&self) -> &str {
        self.slug.as_deref().or(self.slug_flag.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(super) struct ResetGame {
    /// The game's slug
    #[arg(value_name = "SLUG")]
    pub(super) slug: String,

    /// Do not ask
    #[arg(long)]
    pub(super) confirm: bool,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The run's key
    #[arg(value_name = "RUN")]
    pub(super) run: i64,

    /// csv, jsonl or zip; chosen by the file's ending unless given
    #[arg(long, value_name = "FORMAT", value_parser = ["csv", "jsonl", "zip"])]
    pub(super) format: Option<String>,

    /// The file to write, instead of standard output; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    pub(super) to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The original's database: `postgres://user:password@host/name`
    #[arg(long, value_name = "URL", env = "GAMES_API_IMPORT_FROM", hide_env_values = true)]
    pub(super) from: String,

    /// Take over nothing if a row must be left out or changed
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckDeploy {
    /// The service's address, for example `https://games.example.org`
    #[arg(value_name = "URL")]
    pub(super) url: String,

    /// A staff account to log in with; asked for unless given
    #[arg(long, value_name = "EMAIL")]
    pub(super) email: Option<String>,

    /// Read its password from standard input, one line
    #[arg(long)]
    pub(super) password_stdin: bool,

    /// A game that should be there; asked for unless given
    #[arg(long, value_name = "SLUG")]
    pub(super) game: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_slug_is_given_as_such_or_by_its_flag() {
        for args in [["count", "div", ""], ["count", "-s", "div"]] {
            let args = args.into_iter().filter(|arg| !arg.is_empty());
            let cli = Cli::try_parse_from(["games-api"].into_iter().chain(args)).unwrap();
            let Command::Count(game) = cli.command else { panic!("{cli:?}") };
            assert_eq!(game.slug(), "div");
        }
        assert!(Cli::try_parse_from(["games-api", "count"]).is_err());
    }
}
