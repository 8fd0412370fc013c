//! What the program does instead of serving.

use anyhow::Result;
use clap::Subcommand;

use crate::Loaded;
use crate::run::say;

/// A command. Without any, the service serves.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Print the settings in force, and where each comes from
    Config,
}

impl Command {
    /// Does what the command says, by the settings that were loaded.
    ///
    /// # Errors
    /// When it cannot be done; the text is one line.
    pub async fn run(&self, loaded: &Loaded) -> Result<()> {
        match self {
            Self::Config => say(&loaded.listing()),
        }
    }
}
