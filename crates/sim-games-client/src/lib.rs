#![doc = include_str!("../README.md")]

mod actions;
mod builder;
mod bulk;
mod client;
mod credentials;
mod endpoint;
mod error;
mod link;
mod message;
mod request;
mod upsert;

pub use actions::{AuthCheck, Login, RewindOptions};
pub use builder::{ClientBuilder, Retry};
pub use bulk::BulkObject;
pub use client::Client;
pub use endpoint::Endpoint;
pub use error::{Error, RequestLine, Result};
