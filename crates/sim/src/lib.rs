#![doc = include_str!("../README.md")]

mod access;
mod accounts;
mod callback;
mod core;
mod messages;
mod remote;
mod service;
mod store;

pub mod prelude;

pub use sim_engine::{DeclarationError, Runs};
pub use sim_games_server::GamesApi;
pub use sim_games_types as types;
pub use sim_wamp as wamp;

pub use crate::core::{Core, CoreConfig, Played, Storage};
pub use remote::{RemoteGames, Secret};
pub use service::{Config, GamesApiConfig, Service, ServiceError};
pub use sim_games_server::Database;

/// The workspace's README, so that its example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
