//! The router from outside: the same scenarios in process and over WebSockets.

mod auth;
mod counters;
mod features;
mod frames;
mod kit;
mod limits;
mod meta;
mod reconnect;
mod rights;
mod sessions;
