#![doc = include_str!("../README.md")]

mod greeting;
mod run;
mod seeding;
mod settings;

pub use run::{Ended, run};
pub use settings::Settings;
