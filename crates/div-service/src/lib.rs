#![doc = include_str!("../README.md")]

mod cli;
mod command;
mod config;
mod files;
mod greeting;
mod health;
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
