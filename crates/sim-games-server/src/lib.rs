#![doc = include_str!("../README.md")]

mod api;
mod counters;
mod credentials;
mod error;
mod export;
mod feed;
mod json;
mod model;
mod openapi;
mod postgres;
#[cfg(feature = "cli")]
pub mod program;
mod rest;
mod sql;
mod sqlite;
mod store;
mod takeover;
mod webhooks;

#[cfg(test)]
mod tests;

pub use api::{Database, GamesApi, Options};
pub use error::{AuthError, FieldErrors, StoreError};
pub use export::{Export, ExportFormat};
pub use feed::ChangeFeed;
pub use rest::Barrier;
pub use sqlite::{BackedUp, back_up};
pub use store::{GameSnapshot, RunSnapshot};
pub use takeover::{Copied, TakeOverError, TakenOver};
pub use webhooks::{WebhookOptions, WebhookState};
