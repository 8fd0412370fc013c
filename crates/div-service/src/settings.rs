//! The settings: flags, each with its environment variable. A file has the same names.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use sim::Secret;
use tracing_subscriber::EnvFilter;

/// Everything that can be chosen. This is the only list of the settings: the file, the reference
/// and the example are made from it. A value that is hidden from the help (`hide_env_values`) is
/// a secret.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Where browsers connect (WAMP over WebSocket, path `/ws`); port 0 chooses a free one
    #[arg(long, env = "DIV_BIND", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub bind: SocketAddr,

    /// Where the Games API listens (path `/apis/`); port 0 chooses a free one
    #[arg(long, env = "DIV_GAMES_BIND", value_name = "ADDRESS", default_value = "127.0.0.1:8100")]
    pub games_bind: SocketAddr,

    /// The directory of the embedded database; it is created
    #[arg(long, env = "DIV_DATA_DIR", value_name = "DIRECTORY", default_value = "./data")]
    pub data_dir: PathBuf,

    /// A PostgreSQL database instead of the embedded one: `postgres://user:password@host/name`
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = database_url
    )]
    pub database_url: Option<String>,

    /// Another Games API to use in place of the embedded one, ours or the original
    #[arg(long, env = "SIMPL_GAMES_URL", value_name = "URL", value_parser = http_url)]
    pub games_url: Option<String>,

    /// The staff account of that Games API
    #[arg(long, env = "SIMPL_USER", value_name = "E-MAIL", default_value = "simpl@simpl.world")]
    pub games_user: String,

    /// The password of that account
    #[arg(
        long,
        env = "SIMPL_PASS",
        value_name = "PASSWORD",
        default_value = "simpl",
        hide_env_values = true,
        hide_default_value = true,
        value_parser = secret
    )]
    pub games_password: Secret,

    /// Where that Games API sends webhooks; only the original needs it. `{hostname}` and `{port}`
    /// stand for the variables `HOSTNAME` and `PORT`
    #[arg(
        long,
        env = "CALLBACK_URL",
        value_name = "URL",
        default_value = "http://{hostname}:{port}/callback",
        value_parser = callback_url
    )]
    pub callback_url: String,

    /// The secret with which webhooks are signed (`X-Simpl-Signature`); unsigned ones are then
    /// refused
    #[arg(
        long,
        env = "CALLBACK_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        value_parser = secret
    )]
    pub callback_secret: Option<Secret>,

    /// Addresses from which unsigned webhooks are taken, besides those of the Games API's host
    #[arg(long, env = "CALLBACK_FROM", value_name = "ADDRESSES", value_delimiter = ',')]
    pub callback_from: Vec<IpAddr>,

    /// What `{hostname}` stands for
    #[arg(long, env = "HOSTNAME", hide = true)]
    pub hostname: Option<String>,

    /// What `{port}` stands for
    #[arg(long, env = "PORT", hide = true)]
    pub port: Option<String>,

    /// A WAMP router of another process to use in place of the embedded one, ours (`sim-router`) or
    /// Crossbar.io: `ws://host:8080/ws`, also `wss`, `tcp`, `tls` and `unix`
    #[arg(long, env = "DIV_ROUTER", value_name = "URL", value_parser = router_url)]
    pub router: Option<String>,

    /// The name by which this service logs in there
    #[arg(long, env = "DIV_ROUTER_USER", value_name = "NAME", default_value = "service")]
    pub router_user: String,

    /// The ticket with which it logs in there; without one it comes as nobody
    #[arg(
        long,
        env = "DIV_ROUTER_TICKET",
        value_name = "TICKET",
        hide_env_values = true,
        value_parser = secret
    )]
    pub router_ticket: Option<Secret>,

    /// Where browsers reach that router, if not at the URL that this service uses
    #[arg(long, env = "MODEL_SERVICE_WS", value_name = "URL", value_parser = ws_url)]
    pub browser_ws: Option<String>,

    /// Whether only active runs are loaded
    #[arg(
        long,
        env = "LOAD_ACTIVE_RUNS",
        value_name = "BOOL",
        default_value = "true",
        num_args = 0..=1,
        default_missing_value = "true",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new()
    )]
    pub load_active_runs: bool,

    /// After how many minutes a run that nobody uses gives back its memory until it is used again;
    /// 0 keeps all
    #[arg(long, env = "DIV_REST_AFTER", value_name = "MINUTES", default_value = "0")]
    pub rest_after: u32,

    /// The name of the WAMP realm
    #[arg(long, env = "DIV_REALM", value_name = "NAME", default_value = "realm1", value_parser = uri)]
    pub realm: String,

    /// The root of all procedure and topic URIs
    #[arg(
        long,
        env = "ROOT_TOPIC",
        value_name = "URI",
        default_value = "world.simpl.sims.div",
        value_parser = uri
    )]
    pub root_topic: String,

    /// The slug of the game in the Games API
    #[arg(
        long,
        env = "GAME_SLUG",
        value_name = "SLUG",
        default_value = "div",
        value_parser = slug
    )]
    pub game_slug: String,

    /// The name that the game gets when it is created
    #[arg(long, env = "GAME_NAME", value_name = "NAME", default_value = "Div", value_parser = name)]
    pub game_name: String,

    /// Whether a complete period opens the next one
    #[arg(
        long,
        env = "DIV_STEP_PERIODS",
        value_name = "BOOL",
        default_value = "true",
        num_args = 0..=1,
        default_missing_value = "true",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new()
    )]
    pub step_periods: bool,

    /// Leave an empty database empty
    #[arg(long, env = "DIV_NO_SEED", value_parser = BoolishValueParser::new())]
    pub no_seed: bool,

    /// Let browsers of the original log in with its fixed secret: anyone can be anyone
    #[arg(long, env = "DIV_LEGACY_AUTH", value_parser = BoolishValueParser::new())]
    pub legacy_auth: bool,

    /// What is logged on standard error, for example `info`, `warn` or `info,div_game=debug`
    #[arg(
        long,
        env = "DIV_LOG",
        value_name = "FILTER",
        default_value = "info",
        value_parser = log_filter
    )]
    pub log: String,

    /// How it is logged: lines for people (`text`), or one JSON object per line for programs that
    /// collect logs (`json`)
    #[arg(
        long,
        env = "DIV_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub log_format: LogFormat,

    /// The OpenTelemetry collector that gets spans of all calls (OTLP over HTTP), for example
    /// `http://collector:4318`; only builds with the feature `otel` have this
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL",
        value_parser = otlp_endpoint
    )]
    pub otlp_endpoint: Option<String>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The components of a WAMP URI: not empty, no white space, no `#`.
fn uri(text: &str) -> Result<String, String> {
    let fits =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '#');
    if !text.split('.').all(fits) {
        return Err("it must be words joined by dots, without white space or `#`".to_owned());
    }
    if text.starts_with("wamp.") {
        return Err("names that begin with `wamp.` are reserved".to_owned());
    }
    Ok(text.to_owned())
}

/// An address of a PostgreSQL server; what is wrong with the rest of it is found when it is opened.
fn database_url(text: &str) -> Result<String, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(text.to_owned());
    }
    Err("it must begin with `postgres://`".to_owned())
}

/// An address that begins as one of the web does; the rest is checked when it is used.
fn http_url(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("it must begin with `http://` or `https://`".to_owned()),
    }
}

/// An address of a router.
fn router_url(text: &str) -> Result<String, String> {
    if text.contains(['@', '?']) {
        let text = "it holds neither user nor query: the service logs in by `router-user` and \
                    `router-ticket`";
        return Err(text.to_owned());
    }
    let schemes = ["ws://", "wss://", "tcp://", "tls://", "unix:"];
    match schemes.iter().any(|scheme| text.starts_with(scheme)) {
        true => Ok(text.to_owned()),
        false => Err(format!("it must begin with one of {}", schemes.join(" "))),
    }
}

/// An address of a WebSocket.
fn ws_url(text: &str) -> Result<String, String> {
    match text.starts_with("ws://") || text.starts_with("wss://") {
        true => Ok(text.to_owned()),
        false => Err("it must begin with `ws://` or `wss://`".to_owned()),
    }
}

/// The same, where the program can export spans at all.
fn otlp_endpoint(text: &str) -> Result<String, String> {
    if cfg!(feature = "otel") {
        return http_url(text);
    }
    Err("this build cannot export spans: leave it out, or use one that was built with \
         `--features otel`"
        .to_owned())
}

/// The same with no other placeholders than those that are known.
fn callback_url(text: &str) -> Result<String, String> {
    let filled = text.replace("{hostname}", "").replace("{port}", "");
    if filled.contains(['{', '}']) {
        return Err("it may hold the placeholders `{hostname}` and `{port}` only".to_owned());
    }
    http_url(text)
}

#[expect(clippy::unnecessary_wraps, reason = "this is the form that value parsers have")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

fn slug(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > 250 || !text.chars().all(fits) {
        return Err("a slug consists of letters, numbers, underscores and hyphens".to_owned());
    }
    if text == "user" {
        return Err("`user` is reserved".to_owned());
    }
    Ok(text.to_owned())
}

fn log_filter(text: &str) -> Result<String, String> {
    text.parse::<EnvFilter>().map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 {
        return Err("a name has 1 to 100 characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn parse(args: &[&str]) -> Result<Settings, clap::Error> {
        let command = Settings::augment_args(clap::Command::new("div-service"));
        let args = [&["div-service"], args].concat();
        Settings::from_arg_matches(&command.try_get_matches_from(args)?)
    }

    #[test]
    fn secrets_are_not_shown() {
        let args = ["--games-password", "geheim", "--callback-secret", "geheim"];
        assert!(!format!("{:?}", parse(&args).unwrap()).contains("geheim"));
    }

    #[test]
    fn several_addresses_may_call_back() {
        let settings = parse(&["--callback-from", "10.0.0.1,::1"]).unwrap();
        assert_eq!(settings.callback_from.len(), 2);
    }

    #[test]
    fn stepping_can_be_turned_off() {
        assert!(parse(&[]).unwrap().step_periods);
        assert!(parse(&["--step-periods"]).unwrap().step_periods);
        assert!(!parse(&["--step-periods", "off"]).unwrap().step_periods);
        assert!(!parse(&["--step-periods=false"]).unwrap().step_periods);
    }

    #[test]
    fn only_builds_with_an_exporter_take_a_collector() {
        let parsed = parse(&["--otlp-endpoint", "http://collector:4318"]);
        assert_eq!(parsed.is_ok(), cfg!(feature = "otel"));
    }

    #[test]
    fn malformed_settings_are_refused() {
        for args in [
            ["--bind", "nowhere"],
            ["--realm", ""],
            ["--database-url", "mysql://host/name"],
            ["--root-topic", "a..b"],
            ["--root-topic", "wamp.div"],
            ["--game-slug", "my game"],
            ["--game-slug", "user"],
            ["--game-name", "  "],
            ["--step-periods", "perhaps"],
            ["--load-active-runs", "some"],
            ["--games-url", "localhost:8100"],
            ["--callback-url", "http://{host}:8080/callback"],
            ["--callback-from", "10.0.0.1,nowhere"],
            ["--log", "div_game=loud"],
            ["--log-format", "xml"],
            ["--otlp-endpoint", "collector:4318"],
        ] {
            assert!(parse(&args).is_err(), "{args:?}");
        }
    }
}
