#![doc = include_str!("../README.md")]

mod cli;
mod command;
mod config;
#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
#[path = "no_export.rs"]
mod export;
mod files;
mod greeting;
mod health;
mod log;
mod program;
mod run;
mod seeding;
mod settings;

pub use cli::definition;
pub use command::Command;
pub use config::{Loaded, Unloaded, load, reference};
pub use program::main;
pub use run::{Ended, run};
pub use settings::{LogFormat, Settings};
