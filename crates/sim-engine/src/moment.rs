//! What hooks are told about.

use std::sync::Arc;

use sim_games_types::{Change, Phase, RunUser, World, WorldPk};

use crate::error::CallResult;
use crate::handler::{Extract, Free, Moment};
use crate::scope::{Kind, Scope};

/// An occasion that somebody's call brought about, so that there is a `Caller`.
pub trait Called: Send + Sync + 'static {}

/// The phase to which the run goes.
#[derive(Clone, Debug)]
pub struct NextPhase(pub Phase);

/// The phase to which the run goes back.
#[derive(Clone, Debug)]
pub struct PreviousPhase(pub Phase);

/// The member who has come into the run.
#[derive(Clone, Debug)]
pub struct Newcomer(pub Scope<RunUser>);

/// The member who has left the run, as it was.
#[derive(Clone, Debug)]
pub struct Departed(pub RunUser);

/// The member who has been moved to another world, or to none.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The member, as it is now.
    pub member: Scope<RunUser>,
    /// Where it was before.
    pub from: Option<WorldPk>,
}

/// The world that has come into the run.
#[derive(Clone, Debug)]
pub struct NewWorld(pub Scope<World>);

/// The run has become active.
#[derive(Clone, Copy, Debug)]
pub struct Activated;

/// The run is not active any more; it is out of memory when the handler has returned.
#[derive(Clone, Copy, Debug)]
pub struct Deactivated;

/// The scope has come into memory: it was created, or its run was loaded.
#[derive(Clone, Copy, Debug)]
pub struct Started;

/// The scope has gone from memory: it was deleted, or its run was unloaded.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

/// The member is online: the first of its sessions has come.
#[derive(Clone, Copy, Debug)]
pub struct Connected;

/// The member is offline: the last of its sessions has gone.
#[derive(Clone, Copy, Debug)]
pub struct Disconnected;

/// A timer of the scope is due.
#[derive(Clone, Copy, Debug)]
pub struct Due;

/// The leader lets the world go on to its next round.
#[derive(Clone, Copy, Debug)]
pub struct Step;

impl Called for NextPhase {}
impl Called for PreviousPhase {}
impl Called for Step {}

/// A change of any object of the game, or of a user, after it was stored.
#[derive(Clone, Debug)]
pub struct Happened(pub Arc<Change>);

macro_rules! told {
    ($($payload:ty),+ $(,)?) => {$(
        impl<K: Kind> Extract<Moment<K, $payload>> for $payload {
            fn extract(context: &Moment<K, $payload>) -> CallResult<Self> {
                Ok(context.payload.clone())
            }
        }
    )+};
}

told! {
    NextPhase, PreviousPhase, Newcomer, Departed, Moved, NewWorld, Activated, Deactivated, Started,
    Stopped, Connected, Disconnected, Due, Step,
}

impl Extract<Free<Self>> for Happened {
    fn extract(context: &Free<Self>) -> CallResult<Self> {
        Ok(context.payload.clone())
    }
}
