//! The command line of `wamp`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::program::duration;
use crate::{Invoke, MatchPolicy, Serializer};

/// Calls, publishes, subscribes and registers at a WAMP router.
#[derive(Debug, Parser)]
#[command(name = "wamp", version)]
pub(in crate::program) struct Cli {
    /// Print lines of JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// What is logged, for example `info`, `warn` or `debug`
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "warn", global = true)]
    pub(in crate::program) log: String,

    #[command(flatten)]
    pub(super) connect: Connect,

    #[command(flatten)]
    pub(super) login: Login,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// Which router, and which of its realms.
#[derive(Debug, Args)]
#[command(next_help_heading = "Router")]
pub(super) struct Connect {
    /// The router: `ws://…`, `wss://…`, `tcp://…`, `tls://…` or `unix:/path`
    #[arg(
        long,
        env = "WAMP_URL",
        value_name = "URL",
        default_value = "ws://127.0.0.1:8080/ws",
        hide_env_values = true,
        global = true
    )]
    pub(super) url: String,

    /// The realm to join
    #[arg(long, env = "WAMP_REALM", value_name = "REALM", default_value = "realm1", global = true)]
    pub(super) realm: String,

    /// How messages are written
    #[arg(
        long,
        env = "WAMP_SERIALIZER",
        value_name = "NAME",
        default_value = "json",
        value_parser = serializers(),
        global = true
    )]
    pub(super) serializer: Serializer,

    /// Trust the authorities whose certificates stand in this file (PEM), and no others
    #[arg(long, env = "WAMP_CA", value_name = "FILE", global = true)]
    pub(super) ca: Option<PathBuf>,
}

/// How to log in: not at all, or in one way.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Login (the command line is seen by others: give secrets by \
                               variable or file)")]
pub(super) struct Login {
    /// Who logs in
    #[arg(long, env = "WAMP_AUTHID", value_name = "NAME", global = true)]
    pub(super) authid: Option<String>,

    /// Log in with a ticket
    #[arg(long, env = "WAMP_TICKET", hide_env_values = true, value_name = "TICKET", global = true)]
    pub(super) ticket: Option<String>,

    /// Log in with the ticket in this file
    #[arg(long, env = "WAMP_TICKET_FILE", value_name = "FILE", global = true)]
    pub(super) ticket_file: Option<PathBuf>,

    /// Log in with a secret, by WAMP-CRA
    #[arg(long, env = "WAMP_SECRET", hide_env_values = true, value_name = "SECRET", global = true)]
    pub(super) secret: Option<String>,

    /// Log in with the secret in this file, by WAMP-CRA
    #[arg(long, env = "WAMP_SECRET_FILE", value_name = "FILE", global = true)]
    pub(super) secret_file: Option<PathBuf>,

    /// Log in with a password, by SCRAM
    #[arg(
        long,
        env = "WAMP_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD",
        global = true
    )]
    pub(super) password: Option<String>,

    /// Log in with the password in this file, by SCRAM
    #[arg(long, env = "WAMP_PASSWORD_FILE", value_name = "FILE", global = true)]
    pub(super) password_file: Option<PathBuf>,

    /// Log in with the private key of Ed25519 in this file, 64 hex digits, by cryptosign
    #[arg(long, env = "WAMP_PRIVATE_KEY_FILE", value_name = "FILE", global = true)]
    pub(super) private_key_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Call a procedure and print its result
    Call(Call),
    /// Publish an event
    Publish(Publish),
    /// Print the events of a topic until told to stop
    Subscribe(Subscribe),
    /// Offer a procedure that runs a command for each call, until told to stop
    Register(Register),
    /// Measure how long the router takes to answer
    Ping(Ping),
}

/// Arguments of a call or an event.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Positional arguments: JSON, or texts where they are no JSON
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub(super) args: Vec<String>,

    /// A keyword argument, likewise
    #[arg(long = "kwarg", value_name = "NAME=VALUE")]
    pub(super) kwargs: Vec<String>,

    /// Take all arguments as texts, also where they are JSON
    #[arg(long)]
    pub(super) text: bool,
}

#[derive(Debug, Args)]
pub(super) struct Call {
    /// The procedure
    #[arg(value_name = "URI")]
    pub(super) uri: String,

    #[command(flatten)]
    pub(super) arguments: Arguments,

    /// How long to wait, such as `10s`; for ever if this is not given
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) timeout: Option<Duration>,

    /// Also print results that come before the final one
    #[arg(long)]
    pub(super) progress: bool,

    /// Ask the router to disclose who calls
    #[arg(long)]
    pub(super) disclose_me: bool,
}

#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The topic
    #[arg(value_name = "URI")]
    pub(super) uri: String,

    #[command(flatten)]
    pub(super) arguments: Arguments,

    /// Wait until the router has taken the event, and print the publication's id
    #[arg(long)]
    pub(super) acknowledge: bool,

    /// Have the router keep the event for those who subscribe later
    #[arg(long)]
    pub(super) retain: bool,

    /// Ask the router to disclose who publishes
    #[arg(long)]
    pub(super) disclose_me: bool,

    /// Withhold the event from a session
    #[arg(long, value_name = "ID")]
    pub(super) exclude: Vec<u64>,

    /// Withhold the event from the sessions of a user
    #[arg(long, value_name = "NAME")]
    pub(super) exclude_authid: Vec<String>,

    /// Withhold the event from the sessions of a role
    #[arg(long, value_name = "ROLE")]
    pub(super) exclude_authrole: Vec<String>,

    /// Send the event to no others than this session, or several
    #[arg(long, value_name = "ID")]
    pub(super) eligible: Vec<u64>,

    /// Send the event to no others than the sessions of this user, or several
    #[arg(long, value_name = "NAME")]
    pub(super) eligible_authid: Vec<String>,

    /// Send the event to no others than the sessions of this role, or several
    #[arg(long, value_name = "ROLE")]
    pub(super) eligible_authrole: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Subscribe {
    /// The topic, or a pattern
    #[arg(value_name = "URI")]
    pub(super) uri: String,

    /// How the URI is read
    #[arg(long = "match", value_name = "POLICY", default_value = "exact", value_parser = policies())]
    pub(super) policy: MatchPolicy,

    /// Stop after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,

    /// Begin with the last event of each topic that the router has kept
    #[arg(long)]
    pub(super) get_retained: bool,
}

#[derive(Debug, Args)]
pub(super) struct Register {
    /// The procedure, or a pattern
    #[arg(value_name = "URI")]
    pub(super) uri: String,

    /// How the URI is read
    #[arg(long = "match", value_name = "POLICY", default_value = "exact", value_parser = policies())]
    pub(super) policy: MatchPolicy,

    /// Share the procedure with other callees, and say which of them gets a call
    #[arg(long, value_name = "POLICY", default_value = "single", value_parser = invokes())]
    pub(super) invoke: Invoke,

    /// Take the procedure over from whoever offers it
    #[arg(long)]
    pub(super) force: bool,

    /// How many commands run at once; more calls wait
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: u16,

    /// The command with its arguments, and the last of all options. It reads
    /// `{"args":[…],"kwargs":{…},"procedure":"…"}` from its standard input; what it prints is the
    /// result, as JSON, or as a text where it is none. If it fails, so does the call, with the
    /// first line of its standard error
    #[arg(
        long,
        value_name = "COMMAND",
        required = true,
        num_args = 1..,
        allow_hyphen_values = true
    )]
    pub(super) exec: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Ping {
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) count: u32,
}

fn serializers() -> impl TypedValueParser<Value = Serializer> {
    one_of(Serializer::ALL.map(|serializer| (serializer.name(), serializer)))
}

fn policies() -> impl TypedValueParser<Value = MatchPolicy> {
    let all = [MatchPolicy::Exact, MatchPolicy::Prefix, MatchPolicy::Wildcard];
    one_of(all.map(|policy| (policy.name(), policy)))
}

fn invokes() -> impl TypedValueParser<Value = Invoke> {
    let all = [Invoke::Single, Invoke::First, Invoke::Last, Invoke::RoundRobin, Invoke::Random];
    one_of(all.map(|invoke| (invoke.name(), invoke)))
}

/// Takes one of several words for what it stands for.
fn one_of<T: Copy + Send + Sync + 'static, const N: usize>(
    words: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.map(|(word, _)| word)).map(move |chosen| {
        let (_, value) = words.iter().find(|(word, _)| *word == chosen).expect("a possible value");
        *value
    })
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
    fn all_that_comes_behind_exec_belongs_to_the_command() {
        let line = "wamp register com.example.p --jobs 2 --exec sh -c cat --json -- x";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Register(register) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(register.exec, ["sh", "-c", "cat", "--json", "--", "x"]);
        assert!(!cli.json);
    }

    #[test]
    fn negative_numbers_are_arguments() {
        let line = "wamp call com.example.p -1 -2.5 --timeout 2s --kwarg a=-1";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Call(call) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(call.arguments.args, ["-1", "-2.5"]);
        assert_eq!(call.arguments.kwargs, ["a=-1"]);
    }
}
