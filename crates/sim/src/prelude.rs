//! What an author of a simulation needs in every file.
//!
//! The kinds of scopes are the resources of the Games API. Two have another name here: [`Outcome`] is
//! the kind for results, so that `Result` keeps its usual meaning, and [`GameRow`] the game's own
//! object, since [`Game`] is what an author declares.

pub use sim_engine::{
    Access, Activated, Args, ArgsError, Attempt, CallError, CallResult, Caller, Connected,
    CurrentPhase, Deactivated, Departed, Disconnected, Due, Game, Handlers, Happened, Kind, Moved,
    NewWorld, Newcomer, NextPhase, PreviousPhase, Random, Scope, Started, State, Step, Stopped,
    Visitor, leader, member, operator, owner, phase, role, rule,
};
pub use sim_games_types::{
    Decision, Game as GameRow, Object, Period, Phase, Result as Outcome, Role, Run, RunUser,
    Scenario, World,
};
