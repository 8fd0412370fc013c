#![doc = include_str!("../README.md")]

mod binaries;
mod database;
mod div;
mod games;
mod http;
pub mod load;
mod page;
mod process;
mod program;
mod python;
mod raw_http;
mod receiver;
mod rest;
mod service;
mod skipped;
mod tables;
mod tester;
mod wamp;

pub use binaries::Binaries;
pub use database::Database;
pub use div::{Div, Environment, Member, Round, WorldPks};
pub use games::Games;
pub use page::{Page, Store};
pub use program::{Finished, run_to_end};
pub use python::Python;
pub use raw_http::{RawAnswer, RawHttp};
pub use receiver::{Delivery, Receiver};
pub use rest::{Reply, Rest};
pub use service::{DEADLINE, Service};
pub use skipped::skipped;
pub use tables::{PeriodRow, Tables};
pub use tester::{Answers, Tester, Trial};
pub use wamp::{Answer, Event, Login, Received, Refused, Wamp, Welcome};
