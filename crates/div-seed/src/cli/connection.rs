//! Where the Games API is and who asks it: the options that every command has.

use std::fmt;
use std::time::Duration;

use sim_games_client::{Client, Error, Retry};

use super::bad_usage;

const EMAIL: &str = "simpl@simpl.world";
const PASSWORD: &str = "simpl";

/// Deleting a run with thousands of worlds takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Somebody is waiting for the error.
const RETRY: Retry = Retry { times: 3, ..Retry::STANDARD };

/// How the Games API is reached.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Connection {
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

/// An e-mail address and its password.
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
}

impl Connection {
    /// The account: options first, then the environment, then the well-known one.
    pub(super) fn account(&self) -> Result<Account, clap::Error> {
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

    /// A client of that Games API for that account.
    pub(super) fn client(&self) -> Result<Client, clap::Error> {
        let account = self.account()?;
        Client::builder(&self.games_url)
            .basic(account.email, account.password)
            .timeout(TIMEOUT)
            .retry(RETRY)
            .build()
            .map_err(|error| bad_usage(&format!("--games-url: {error}")))
    }

    /// What went wrong, where, and what to do, in one line.
    pub(super) fn explain(&self, error: &anyhow::Error) -> String {
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
