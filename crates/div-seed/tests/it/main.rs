//! The program and the library against a server that answers as the original was recorded to, and
//! against ours.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod program;
mod replay;
mod server;
mod submit;
