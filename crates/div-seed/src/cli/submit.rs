//! The subcommand that stores a decision.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::ArgAction;
use clap::builder::BoolishValueParser;
use sim_games_types::ScenarioPk;

use super::connection::Connection;
use super::report;
use crate::{Submission, submit};

/// Stores a decision on a scenario's current period, and its result once both roles have decided
///
/// The decision goes straight to the Games API: neither router nor model service need to run. A
/// model service that runs shows it to the players at once.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SubmitArgs {
    /// Key of the scenario; its period of the highest order is the current one
    #[arg(short, long, alias = "scenario_id", value_name = "SCENARIO")]
    scenario: Option<i64>,

    /// Name of the role that decides: Dividend or Divisor
    #[arg(short, long, alias = "role_name", value_name = "ROLE")]
    role: Option<String>,

    /// The number decided on
    #[arg(
        short,
        long,
        alias = "decision",
        value_name = "VALUE",
        default_value = "0",
        allow_hyphen_values = true
    )]
    decision: String,

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
    step_periods: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Submits what the options say; the exit code is 0 for success, 1 for failure and 2 for bad usage.
pub(super) async fn run(args: &SubmitArgs) -> ExitCode {
    let submission = match args.submission() {
        Ok(submission) => submission,
        Err(text) => return missing(text),
    };
    let client = match args.connection.client() {
        Ok(client) => client,
        Err(error) => return report(error.exit_code(), &error.render().to_string()),
    };
    match submit(&client, &submission).await {
        Ok(quotient) => say(quotient),
        Err(error) => report(1, &format!("error: {}\n", args.connection.explain(&error))),
    }
}

impl SubmitArgs {
    fn submission(&self) -> Result<Submission, &'static str> {
        // The words of the original, for whoever looks for them.
        let scenario = self.scenario.ok_or("scenario_id must specified: give it with -s")?;
        let role = self.role.clone().ok_or("role_name must specified: give it with -r")?;
        Ok(Submission {
            scenario: ScenarioPk(scenario),
            role,
            value: self.decision.clone(),
            step_periods: self.step_periods,
        })
    }
}

fn missing(text: &str) -> ExitCode {
    let color = io::stderr().is_terminal() && console::colors_enabled_stderr();
    let line = console::style(format!("ERROR: {text}")).red().force_styling(color);
    report(2, &format!("{line}\n"))
}

fn say(quotient: Option<f64>) -> ExitCode {
    // The debug text of a float keeps its point (`2.0`), as the original prints it.
    let quotient = quotient.map_or_else(|| "None".to_owned(), |quotient| format!("{quotient:?}"));
    match writeln!(io::stdout(), "result is {quotient}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(1, &format!("error: cannot write to standard output: {error}\n")),
    }
}
