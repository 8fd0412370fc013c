//! The program `sim-router`: a WAMP router that serves what its configuration says.

mod config;
mod listen;
mod questions;
mod rights;
mod serve;
mod unix;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::runtime::Runtime;

use super::{end, print};
use config::{Config, EXAMPLE};

/// Routes calls and events between WAMP clients.
#[derive(Debug, Parser)]
#[command(name = "sim-router", version)]
pub(super) struct Cli {
    /// The configuration, in TOML
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    config: Option<PathBuf>,

    /// Check the configuration, with all files that it names, and start nothing
    #[arg(long, requires = "config")]
    check: bool,

    /// Print an example of a configuration, with everything that it may say
    #[arg(long, conflicts_with_all = ["config", "check"])]
    print_config: bool,

    /// What is logged, for example `info`, `warn` or `debug`
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub(super) log: String,
}

pub(super) fn main(cli: Cli) -> ExitCode {
    end(run(cli))
}

fn run(cli: Cli) -> Result<()> {
    let Some(path) = cli.config else { return print(EXAMPLE) };
    let config = Config::load(&path)?;
    for file in &config.exposed {
        tracing::warn!(
            "everybody on this machine can read the secrets in `{0}`: `chmod 600 {0}`",
            file.display()
        );
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if cli.check {
        let (listeners, realms) = (config.listeners.len(), config.realms.len());
        let shown = path.display();
        return print(&format!("`{shown}` is valid: listeners {listeners}, realms {realms}\n"));
    }
    let runtime = Runtime::new().context("cannot start the program's threads")?;
    let served = runtime.block_on(serve::run(config));
    // Whatever is still under way belongs to sessions that were cut off.
    runtime.shutdown_background();
    served
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
