//! The command line: options, and what is said when it goes wrong.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use sim_games_client::{Client, Error, Retry};

use crate::terminal::Terminal;
use crate::{Reset, RunName, SeedOptions, seed};

const EMAIL: &str = "simpl@simpl.world";
const PASSWORD: &str = "simpl";

/// Deleting a run with thousands of worlds takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Somebody is waiting for the error.
const RETRY: Retry = Retry { times: 3, ..Retry::STANDARD };

/// Creates or completes the default environment of Div through the Games API
#[derive(Clone, Debug, Parser)]
#[command(name = "div-seed")]
pub struct Args {
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

    /// Address of the Games API
    #[arg(
        long,
        value_name = "URL",
        env = "SIMPL_GAMES_URL",
        default_value = "http://localhost:8100/apis"
    )]
    games_url: String,

    /// Account for the Games API; also in `SIMPL_GAMES_AUTH` as `email:password` [default: simpl@simpl.world]
    #[arg(long)]
    email: Option<String>,

    /// Its password; also in `SIMPL_GAMES_AUTH` as `email:password` [default: simpl]
    #[arg(long)]
    password: Option<Secret>,

    /// Both together, only meant to be read from the environment
    #[arg(long, env = "SIMPL_GAMES_AUTH", hide = true, hide_env_values = true)]
    auth: Option<Secret>,

    /// The game's name in URLs
    #[arg(long, value_name = "SLUG", env = "GAME_SLUG", default_value = "div",
        value_parser = slug)]
    game_slug: String,

    /// The game's name for people
    #[arg(long, value_name = "NAME", env = "GAME_NAME", default_value = "Div",
        value_parser = game_name)]
    game_name: String,
}

/// A text that is not shown.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
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
    let stderr = io::stderr();
    let client = match args.account().and_then(|account| args.client(account)) {
        Ok(client) => client,
        Err(error) => return report(error.exit_code(), &error.render().to_string()),
    };
    let mut terminal = Terminal::new(io::BufReader::new(io::stdin()), io::stdout(), io::stderr())
        .color(io::stdout().is_terminal() && console::colors_enabled())
        .bar(stderr.is_terminal());
    match seed(&client, &args.options(), &mut terminal).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => report(1, &format!("error: {}\n", args.explain(&error))),
    }
}

/// Writes the text to stderr; when even that fails, the exit code has to do.
fn report(code: i32, text: &str) -> ExitCode {
    let written = io::stderr().write_all(text.as_bytes());
    let code = u8::try_from(code).unwrap_or(1);
    if written.is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE }
}

/// An e-mail address and its password.
struct Account {
    email: String,
    password: String,
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

    /// The account: options first, then the environment, then the well-known one.
    fn account(&self) -> Result<Account, clap::Error> {
        let (mut email, mut password) = (EMAIL.to_owned(), PASSWORD.to_owned());
        if let Some(Secret(auth)) = &self.auth {
            let Some((its_email, its_password)) = auth.split_once(':') else {
                return Err(bad_usage("SIMPL_GAMES_AUTH must read `email:password`"));
            };
            (email, password) = (its_email.to_owned(), its_password.to_owned());
        }
        if let Some(option) = &self.email {
            email.clone_from(option);
        }
        if let Some(Secret(option)) = &self.password {
            password.clone_from(option);
        }
        Ok(Account { email, password })
    }

    fn client(&self, account: Account) -> Result<Client, clap::Error> {
        Client::builder(&self.games_url)
            .basic(account.email, account.password)
            .timeout(TIMEOUT)
            .retry(RETRY)
            .build()
            .map_err(|error| bad_usage(&format!("--games-url: {error}")))
    }

    /// What went wrong, where, and what to do, in one line.
    fn explain(&self, error: &anyhow::Error) -> String {
        let url = &self.games_url;
        let text = match error.downcast_ref::<Error>() {
            Some(Error::Connect { .. }) => format!(
                "cannot reach the Games API at `{url}` ({}); start it, or give its address with \
                 --games-url or SIMPL_GAMES_URL",
                error.root_cause()
            ),
            Some(Error::NotAllowed { status: 401, message, .. }) => format!(
                "the Games API at `{url}` does not accept the account `{}` ({message}); give \
                 another with --email and --password or SIMPL_GAMES_AUTH",
                self.email()
            ),
            Some(Error::NotAllowed { message, .. }) => format!(
                "the Games API at `{url}` does not let the account `{}` write ({message}); give \
                 a staff account with --email and --password or SIMPL_GAMES_AUTH",
                self.email()
            ),
            _ => format!("{error:#}"),
        };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn email(&self) -> String {
        self.account().map(|account| account.email).unwrap_or_default()
    }
}

fn bad_usage(text: &str) -> clap::Error {
    Args::command().error(ErrorKind::ValueValidation, text)
}

#[cfg(test)]
mod tests;
