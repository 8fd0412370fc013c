#![doc = include_str!("../README.md")]

mod access;
mod answer;
mod args;
mod builtin;
mod call;
mod caller;
mod class;
mod counters;
mod engine;
mod error;
mod events;
mod extract;
#[cfg(test)]
mod fixture;
mod follower;
mod game;
mod handler;
mod handlers;
mod identity;
mod inner;
mod lines;
mod model;
mod moment;
mod observe;
mod occasion;
mod ports;
mod presence;
mod roster;
mod rules;
mod scope;
mod stage;
mod sync;
mod timers;
mod tree;
mod uri;
mod view;
mod wakes;
mod work;

pub use access::Matching;
pub use args::{Args, ArgsError};
pub use call::{Call, Peer};
pub use caller::{Caller, CurrentPhase, Visitor};
pub use class::{Enrolled, Entrant, NewRun};
pub use engine::{Answer, DeclarationError, Engine, Options, Procedure};
pub use error::{CallError, CallResult};
pub use extract::{Random, State};
pub use game::Game;
pub use handler::{
    BoxFuture, Context, Extract, Free, Handler, Moment, OnScope, Rpc, WithArguments,
};
pub use handlers::Handlers;
pub use identity::{CallId, Request};
pub use moment::{
    Activated, Called, Connected, Deactivated, Departed, Disconnected, Due, Happened, Moved,
    NewWorld, Newcomer, NextPhase, PreviousPhase, Started, Step, Stopped,
};
pub use observe::{Missed, RunSummary};
pub use ports::{
    ChangeFeed, Event, GameSnapshot, GamesStore, Messages, RunSnapshot, Runs, StoreError,
};
pub use roster::Roster;
pub use rules::{Access, Attempt, leader, member, operator, owner, phase, role, rule};
pub use scope::{ChildOf, HasData, InRun, Kind, Scope, Within};
pub use uri::{Address, Root, SCOPES};
