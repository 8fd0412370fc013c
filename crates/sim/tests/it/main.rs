//! A service on a Games API in another process, as its players see it.

mod fake;
mod original;
mod ours;
mod support;
