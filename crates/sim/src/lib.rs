#![doc = include_str!("../README.md")]

mod access;
mod accounts;
mod bench;
mod callback;
mod core;
mod figures;
mod health;
mod leading;
mod link;
mod messages;
mod monitor;
mod pages;
mod realm;
mod remote;
mod serve;
mod service;
mod setup;
mod store;
mod tickets;

pub mod prelude;

pub use sim_engine as engine;
pub use sim_engine::{DeclarationError, Runs};
pub use sim_games_server::GamesApi;
pub use sim_games_types as types;
pub use sim_wamp as wamp;

pub use crate::core::{Core, CoreConfig, Played, Storage};
pub use figures::{Figures, FiguresTaken};
pub use link::RemoteRouter;
pub use realm::RouterConfig;
pub use remote::{RemoteGames, Secret};
pub use serve::{STAFF, ServeError, Serving, is_empty, seed_once, serve};
pub use service::{Config, GamesApiConfig, Service, ServiceError};
pub use setup::{Made, Player, Setup, SetupError};
pub use sim_games_client::{Client, Error as ClientError};
pub use sim_games_server::{BackedUp, Database, back_up};

/// The workspace's README, so that its example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
