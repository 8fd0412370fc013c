//! What the program does instead of serving.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Subcommand;
use sim::{BackedUp, back_up};

use crate::run::{DATABASE, say};
use crate::{Loaded, Settings, health};

/// A command. Without any, the service serves.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Print the settings in force, and where each comes from
    Config,
    /// Ask the service that runs with these settings whether it is ready; the exit code tells
    Health,
    /// Copy the embedded database, also while the service runs, into a file that does not exist yet
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
}

impl Command {
    /// Does what the command says, by the settings that were loaded.
    ///
    /// # Errors
    /// When it cannot be done; the text is one line.
    pub async fn run(&self, loaded: &Loaded) -> Result<()> {
        match self {
            Self::Config => say(&loaded.listing()),
            Self::Health => health::check(loaded.settings.bind).await,
            Self::Backup { to } => backup(&loaded.settings, to),
        }
    }
}

fn backup(settings: &Settings, to: &Path) -> Result<()> {
    if settings.games_url.is_some() {
        bail!("the games are stored by another Games API, back up its database");
    }
    if settings.database_url.is_some() {
        bail!("a PostgreSQL server is backed up by its own `pg_dump`");
    }
    let BackedUp { bytes, seq } = back_up(&settings.data_dir.join(DATABASE), to)?;
    say(&format!("{} holds {bytes} bytes, up to change {seq}\n", to.display()))
}
