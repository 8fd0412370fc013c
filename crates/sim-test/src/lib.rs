#![doc = include_str!("../README.md")]

mod errors;
mod game;
mod player;
mod setup;

pub use game::{Builder, TestGame};
pub use player::{CallFailure, Seen, TestPlayer};
