#![doc = include_str!("../README.md")]

mod arrivals;
mod board;
mod bot;
mod browser;
mod class;
mod comeback;
mod latency;
mod player;
mod ramp;
mod report;
mod seat;
mod trouble;
mod view;

pub use arrivals::{Arrivals, ArrivalsError};
pub use bot::{Bot, Moment, Move};
pub use class::{Class, Venue};
pub use latency::{Latencies, Step, Summary};
pub use ramp::{Found, find_class};
pub use report::{Report, Verdict};
pub use seat::{Seat, SeatError, find_run, online, seats};
pub use sim_games_client::Client;
pub use trouble::Trouble;
pub use view::{Object, View};
