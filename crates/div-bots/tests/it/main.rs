//! Classes of bots on a whole service in this process.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod class;
mod program;
mod service;
