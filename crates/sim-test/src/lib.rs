#![doc = include_str!("../README.md")]

mod game;
mod player;
mod setup;

pub use game::{Builder, TestGame};
pub use player::{CallFailure, Seen, TestPlayer};
