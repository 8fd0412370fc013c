//! The programs `sim-router` and `wamp` from outside, as people start them.

mod commands;
mod kit;
mod listeners;
mod logins;
mod questions;
mod register;
mod router;
mod socket_file;
