//! The command line: the settings, a file with more of them, and what is done with them.

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Args, Subcommand};

use crate::{Command, Settings};

/// The option that names a file with settings.
pub(crate) const FILE: &str = "config";

/// The option that asks for an example of such a file.
pub(crate) const EXAMPLE: &str = "print-config";

/// The whole command line. Whatever may stand before a command may stand behind it, too.
#[must_use]
pub fn definition() -> clap::Command {
    let file = Arg::new(FILE)
        .long(FILE)
        .env("DIV_CONFIG")
        .value_name("FILE")
        .value_parser(OsStringValueParser::new())
        .help("A file with settings (TOML), which are named there as the flags are here");
    let example = Arg::new(EXAMPLE)
        .long(EXAMPLE)
        .action(ArgAction::SetTrue)
        .help("Print an example of such a file, with every setting and its default");
    let whole = clap::Command::new("div-service").args([file, example]);
    Command::augment_subcommands(Settings::augment_args(whole))
        .about("Serves the simulation Div: Games API, WAMP router and engine in one process")
        .version(env!("CARGO_PKG_VERSION"))
        .mut_args(|arg| arg.global(true))
}

/// The settings alone, in the order in which they are declared.
pub(crate) fn settings() -> clap::Command {
    Settings::augment_args(clap::Command::new("settings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }
}
