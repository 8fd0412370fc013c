//! The author's interface, piece by piece, on a whole service.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod class;
mod games;
mod hooks;
mod rounds;
mod rules;
mod seats;
mod secrets;
mod topics;
mod writes;
