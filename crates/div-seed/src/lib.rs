#![doc = include_str!("../README.md")]

pub mod cli;
mod name;
mod output;
mod plan;
mod seed;
mod submit;
mod terminal;

pub use name::{RunName, RunNameError};
pub use output::{Output, Silent};
pub use plan::{Reset, SeedOptions};
pub use seed::{Summary, seed};
pub use sim_games_client::Client;
pub use submit::{Submission, submit};
