#![doc = include_str!("../README.md")]

mod binaries;
mod div;
pub mod load;
mod page;
mod program;
mod python;
mod raw_http;
mod rest;
mod service;
mod skipped;
mod tables;
mod wamp;

pub use binaries::Binaries;
pub use div::{Div, Environment, Member, Round, WorldPks};
pub use page::{Page, Store};
pub use program::{Finished, run_to_end};
pub use python::Python;
pub use raw_http::{RawAnswer, RawHttp};
pub use rest::{Reply, Rest};
pub use service::{DEADLINE, Service};
pub use skipped::skipped;
pub use tables::{PeriodRow, Tables};
pub use wamp::{Answer, Event, Login, Received, Refused, Wamp, Welcome};
