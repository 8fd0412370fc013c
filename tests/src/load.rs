//! The load generator: scenarios that drive the programs from outside and check what they did.

mod classes;
mod decisions;
mod events;
mod files;
mod frames;
mod herd;
mod measure;
mod memory;
mod meter;
mod pair;
mod player;
mod report;
mod rest;
mod runs;
mod socket;
mod startup;
mod stored;
mod tree;
mod wamp;

use std::path::PathBuf;

use clap::Args;
use tempfile::TempDir;

pub use decisions::decisions;
pub use events::{EventsOptions, events};
pub use herd::{HerdOptions, herd};
pub use report::Report;
pub use rest::{RestOptions, rest};
pub use runs::{RunsOptions, runs};
pub use startup::startup;
pub use tree::{TreeOptions, tree};
pub use wamp::{
    IdleOptions, JoinOptions, PubsubOptions, RpcOptions, SlowOptions, idle, join, pubsub, rpc, slow,
};

/// What every scenario lets one choose.
#[derive(Debug, Args)]
pub struct Place {
    /// Where to put the database, so that the right disk is measured
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Place {
    fn data_dir(&self) -> std::io::Result<TempDir> {
        match &self.dir {
            Some(dir) => tempfile::tempdir_in(dir),
            None => tempfile::tempdir(),
        }
    }
}

/// Options of the scenario `decisions`.
#[derive(Debug, Args)]
pub struct DecisionsOptions {
    /// How many pairs play, each in a world of its own
    #[arg(long, default_value_t = 64)]
    pairs: usize,
    /// How many decisions the closed loop makes in all
    #[arg(long, default_value_t = 40_000)]
    count: usize,
    /// How long the open loop lasts, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Decisions per second in the open loop; half of what the closed loop reached unless given
    #[arg(long)]
    rate: Option<f64>,
    #[command(flatten)]
    place: Place,
}

/// Options of the scenario `startup`.
#[derive(Debug, Args)]
pub struct StartupOptions {
    /// How many runs the large database has
    #[arg(long, default_value_t = 200)]
    runs: usize,
    /// How many worlds each run has
    #[arg(long, default_value_t = 10)]
    worlds: usize,
    /// How often each start is measured
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    #[command(flatten)]
    place: Place,
}
