#![doc = include_str!("../README.md")]

mod errors;
mod game;
mod player;
mod setup;

pub use game::{Builder, TestGame};
pub use player::{CallFailure, Seen, TestPlayer};

/// How the Games API of a test that wires its own service is opened.
pub use sim_games_server::Options as StoreOptions;

/// The guide for authors, so that its examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/WRITING-A-SIM.md")]
struct Guide;
