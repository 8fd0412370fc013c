//! The client against a server that answers as the original Games API was recorded to answer.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod extensions;
mod reading;
mod repeating;
mod secrets;
mod server;
mod upserts;
mod writing;
