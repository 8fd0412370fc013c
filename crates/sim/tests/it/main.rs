//! A service on a Games API in another process, as its players see it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod fake;
mod original;
mod ours;
mod support;
