//! The command line: options, and what is said at the end.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use sim_bots::{Arrivals, Venue};

use crate::program::{self, Outcome};

/// Lets bots play Div: rehearses a class, fills empty seats, and tells what a machine plays
#[derive(Clone, Debug, Parser)]
#[command(name = "div-bots", version)]
pub struct Args {
    /// Where players connect
    #[arg(long, env = "MODEL_SERVICE_WS", default_value = "ws://localhost:8080/ws")]
    pub url: String,

    /// The WAMP realm
    #[arg(long, env = "DIV_REALM", default_value = "realm1")]
    pub realm: String,

    /// The root of all procedures and topics
    #[arg(long, value_name = "URI", env = "ROOT_TOPIC", default_value = "world.simpl.sims.div")]
    pub root_topic: String,

    /// Address of the Games API
    #[arg(
        long,
        value_name = "URL",
        env = "SIMPL_GAMES_URL",
        default_value = "http://localhost:8100/apis"
    )]
    pub games_url: String,

    /// Staff account for the Games API
    #[arg(long, value_name = "EMAIL", default_value = "simpl@simpl.world")]
    pub staff_user: String,

    /// Its password; `simpl` unless given
    #[arg(long, value_name = "PASSWORD", env = "DIV_BOTS_STAFF_PASSWORD", hide_env_values = true)]
    pub staff_password: Option<Secret>,

    /// The game's name in URLs
    #[arg(long, value_name = "SLUG", env = "GAME_SLUG", default_value = "div")]
    pub game_slug: String,

    /// Play the seats of this run; unless given, those of a classic list, or `default`
    #[arg(long, value_name = "NAME", conflicts_with = "players")]
    pub run: Option<String>,

    /// Play only the seats of members who are not online
    #[arg(long, conflicts_with_all = ["players", "find_class"])]
    pub empty_seats: bool,

    /// Who is asked which seats are empty: a leader of the run
    #[arg(long, value_name = "EMAIL", default_value = "leader@div.edu")]
    pub leader_user: String,

    /// The leader's password; what stands before the `@` unless given
    #[arg(long, value_name = "PASSWORD", env = "DIV_BOTS_LEADER_PASSWORD", hide_env_values = true)]
    pub leader_password: Option<Secret>,

    /// Play a run of its own with so many players (an even number), which is removed afterwards
    #[arg(long, value_name = "N", value_parser = pairs)]
    pub players: Option<usize>,

    /// Look for the largest class that is played well, up to --players (or 1000), in a run of its
    /// own
    #[arg(long, conflicts_with_all = ["run", "script"])]
    pub find_class: bool,

    /// How many rounds each bot plays
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub rounds: usize,

    /// When they come: `at-once`, `every:TIME`, `random:MEAN`, or `script:FILE` with lines of
    /// e-mail address and seconds
    #[arg(long, value_name = "WHEN", default_value = "at-once", value_parser = when)]
    pub arrivals: When,

    /// How long a bot thinks before each decision
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    pub think: Duration,

    /// Come back when a session is lost, as by a restart of the service, and play on; without it a
    /// lost session is a failure
    #[arg(long)]
    pub come_back: bool,

    /// How long a bot waits for an answer, another player or a result
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub patience: Duration,

    /// What they submit; unless given, what a script says, or else random numbers
    #[arg(long, value_enum)]
    pub strategy: Option<Strategy>,

    /// Who plays what: lines of e-mail address and numbers, or of addresses alone (`a3@div.edu`
    /// plays 3 in run `a` with password `a3`)
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,

    /// Makes chance repeat itself
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How long 99 of 100 answers may take in a class that is played well
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub limit: Duration,

    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// What bots submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// What the script says, or else the number in the player's name.
    Scripted,
    /// Hundredths between 0.01 and 100.
    Random,
}

/// When bots come, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// All in the same moment.
    AtOnce,
    /// With so much time between them.
    Every(Duration),
    /// With so much time between them on average.
    Random(Duration),
    /// As a file says.
    Script(PathBuf),
}

/// A text that is not shown.
#[derive(Clone)]
pub struct Secret(pub(crate) String);

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

impl Args {
    pub(crate) fn venue(&self) -> Venue {
        Venue {
            url: self.url.clone(),
            realm: self.realm.clone(),
            root: self.root_topic.clone(),
            patience: self.patience,
        }
    }

    pub(crate) fn arrivals(&self) -> anyhow::Result<Arrivals> {
        Ok(match &self.arrivals {
            When::AtOnce => Arrivals::AllAtOnce,
            When::Every(gap) => Arrivals::Every(*gap),
            When::Random(mean) => Arrivals::Random { seed: self.seed, mean: *mean },
            When::Script(file) => Arrivals::read_script(&program::read(file)?)?,
        })
    }
}

/// Plays as the options say. The exit code is 0 when all was right, 1 when a check failed or
/// nothing could be played, and 2 for bad usage.
pub async fn run(args: &Args) -> ExitCode {
    match program::play(args).await {
        Ok(Outcome { text, is_right }) => match io::stdout().write_all(text.as_bytes()) {
            Ok(()) if is_right => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
        Err(error) => {
            let text = format!("{error:#}");
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: {line}"));
            ExitCode::FAILURE
        }
    }
}

fn pairs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(players) if (2..=20_000).contains(&players) && players % 2 == 0 => Ok(players),
        _ => Err("players come in pairs: give an even number from 2 to 20000".to_owned()),
    }
}

/// A time such as `250ms`, `1.5s` or `2m`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as `250ms`, `1.5s` or `2m`".to_owned();
    let unit = text.find(|it: char| it.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * scale).map_err(|_| wrong())
}

fn when(text: &str) -> Result<When, String> {
    match text.split_once(':') {
        None if text == "at-once" => Ok(When::AtOnce),
        Some(("every", gap)) => time(gap).map(When::Every),
        Some(("random", mean)) => time(mean).map(When::Random),
        Some(("script", file)) if !file.is_empty() => Ok(When::Script(file.into())),
        _ => Err("write `at-once`, `every:TIME`, `random:MEAN` or `script:FILE`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(options: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["div-bots"], options].concat())
    }

    #[test]
    fn the_command_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_and_arrivals_are_read() {
        let args = parse(&["--arrivals", "random:1.5s", "--think", "250ms"]).unwrap();
        assert_eq!(args.arrivals, When::Random(Duration::from_millis(1500)));
        assert_eq!(args.think, Duration::from_millis(250));
        let args = parse(&["--arrivals", "script:late.txt"]).unwrap();
        assert_eq!(args.arrivals, When::Script("late.txt".into()));
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for options in [
            &["--players", "3"][..],
            &["--players", "4", "--run", "a"],
            &["--players", "4", "--empty-seats"],
            &["--find-class", "--run", "a"],
            &["--arrivals", "sometimes"],
            &["--think", "5"],
        ] {
            assert!(parse(options).is_err(), "{options:?}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let args = parse(&["--staff-password", "geheim"]).unwrap();
        assert!(!format!("{args:?}").contains("geheim"));
    }
}
