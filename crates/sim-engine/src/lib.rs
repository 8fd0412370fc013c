#![doc = include_str!("../README.md")]

mod access;
mod args;
mod builtin;
mod call;
mod engine;
mod error;
mod events;
#[cfg(test)]
mod fixture;
mod follower;
mod game;
mod game_scope;
mod handler;
mod model;
mod ports;
mod presence;
mod scope;
mod stage;
mod sync;
mod tree;
mod uri;
mod work;

pub use access::Matching;
pub use args::{Args, ArgsError};
pub use call::{Call, Peer};
pub use engine::{Answer, DeclarationError, Engine, Options, Procedure};
pub use error::{CallError, CallResult};
pub use game::{Game, Handlers};
pub use handler::{
    Advance, BoxFuture, Context, Extract, Handler, NextPhase, PreviousPhase, Rollback, Rpc,
};
pub use ports::{
    ChangeFeed, Event, GameSnapshot, GamesStore, Messages, RunSnapshot, Runs, StoreError,
};
pub use scope::{Caller, CurrentPhase, Kind, Scope};
pub use uri::{Address, Root, SCOPES};
