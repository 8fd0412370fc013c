//! What an author of a simulation needs in every file.
//!
//! The kinds of scopes are the resources of the Games API. The kind for results is not here, so
//! that `Result` keeps its usual meaning; it is [`Outcome`].

pub use sim_engine::{
    Args, ArgsError, CallError, CallResult, Caller, CurrentPhase, Game, Handlers, Kind, NextPhase,
    PreviousPhase, Scope,
};
pub use sim_games_types::{
    Decision, Object, Period, Phase, Result as Outcome, Role, Run, RunUser, Scenario, World,
};
