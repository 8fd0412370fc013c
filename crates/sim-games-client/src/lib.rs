#![doc = include_str!("../README.md")]

mod actions;
mod builder;
mod bulk;
mod changes;
mod client;
mod credentials;
mod endpoint;
mod error;
mod link;
mod message;
mod request;
mod unit;
mod upsert;

pub use actions::{AuthCheck, Login, RewindOptions};
pub use builder::{ClientBuilder, Retry};
pub use bulk::BulkObject;
pub use changes::Changes;
pub use client::Client;
pub use endpoint::Endpoint;
pub use error::{Error, RequestLine, Result};
pub use upsert::Existing;
