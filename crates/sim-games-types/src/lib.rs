#![doc = include_str!("../README.md")]

mod change;
mod event;
mod lookup;
mod objects;
mod pk;
mod resource;
mod stored;
mod time;
mod unit;

pub use change::{Action, Change};
pub use event::{EventName, EventNameError, Webhook};
pub use lookup::Lookup;
pub use objects::{
    Decision, Extra, Game, Hook, Period, Phase, Result, Role, Run, RunUser, Scenario, User, World,
};
pub use pk::{
    DecisionPk, GamePk, HookPk, PeriodPk, PhasePk, Pk, ResultPk, RolePk, RunPk, RunUserPk,
    ScenarioPk, UserPk, WorldPk,
};
pub use resource::Resource;
pub use stored::{Object, Record, Stored};
pub use time::{Timestamp, TimestampError};
pub use unit::{
    Committed, Fields, Idempotency, Operation, Precondition, Reference, Target, UnitOfWork,
};
