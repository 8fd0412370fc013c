//! Which kinds of scopes there are, and how they hang together.

use serde_json::Value;
use sim_games_types::{
    Decision, Game, Object, Period, Phase, Result as Outcome, Role, Run, RunUser, Scenario, World,
};

use super::Scope;
use crate::error::CallResult;

/// An object on which procedures can be called.
///
/// The kinds are the resources themselves: `Scope<Period>`, `Period::handlers()`.
pub trait Kind: Object {
    /// Whether scopes of the kind lie in a run.
    const IN_RUN: bool;

    /// An empty set of handlers for scopes of this kind.
    #[must_use]
    fn handlers() -> crate::Handlers<Self> {
        crate::Handlers::new()
    }
}

/// A kind whose scopes lie in a run: their callers are members of it.
pub trait InRun: Kind {}

/// A kind whose scopes lie, at whatever distance, in one of kind `P`, or are one.
#[diagnostic::on_unimplemented(message = "a `{Self}` lies in no `{P}`")]
pub trait Within<P: Kind>: Kind {}

/// A kind whose scopes lie directly below one of kind `P`.
#[diagnostic::on_unimplemented(message = "a `{Self}` does not lie directly below a `{P}`")]
pub trait ChildOf<P: Kind>: Kind {
    /// The field that holds the parent's key.
    const FIELD: &'static str;
}

/// A kind with a field `data` that belongs to the game.
pub trait HasData: Kind {
    /// The field.
    fn data_field(&self) -> &Value;
}

macro_rules! kinds {
    ($($kind:ident: $in_run:literal, within $($above:ident)*);+ $(;)?) => {$(
        impl Kind for $kind {
            const IN_RUN: bool = $in_run;
        }
        $(impl Within<$above> for $kind {})*
    )+};
}

kinds! {
    Game: false, within Game;
    Phase: false, within Phase Game;
    Role: false, within Role Game;
    Run: true, within Run Game;
    World: true, within World Run Game;
    RunUser: true, within RunUser World Run Game;
    Scenario: true, within Scenario RunUser World Run Game;
    Period: true, within Period Scenario RunUser World Run Game;
    Decision: true, within Decision Period Scenario RunUser World Run Game;
    Outcome: true, within Outcome Period Scenario RunUser World Run Game;
}

macro_rules! in_run {
    ($($kind:ident)*) => {$(impl InRun for $kind {})*};
}

in_run! { Run World RunUser Scenario Period Decision Outcome }

macro_rules! children {
    ($($parent:ident.$many:ident: $child:ident by $field:literal, $doc:literal);+ $(;)?) => {$(
        impl ChildOf<$parent> for $child {
            const FIELD: &'static str = $field;
        }

        impl Scope<$parent> {
            #[doc = $doc]
            ///
            /// # Errors
            /// Never, as long as the run is loaded.
            pub fn $many(&self) -> CallResult<Vec<Scope<$child>>> {
                self.children()
            }
        }
    )+};
}

children! {
    Game.phases: Phase by "game", "The phases of the game, in the order in which a run goes through them.";
    Game.roles: Role by "game", "The roles of the game.";
    Run.worlds: World by "run", "The worlds of the run.";
    Run.members: RunUser by "run", "The members of the run: players and leaders.";
    World.members: RunUser by "world", "The players of the world.";
    World.scenarios: Scenario by "world", "The scenarios of the world.";
    RunUser.scenarios: Scenario by "runuser", "The member's private scenarios.";
    Scenario.periods: Period by "scenario", "The scenario's periods, first round first.";
    Period.decisions: Decision by "period", "The decisions of the period.";
    Period.results: Outcome by "period", "The results of the period.";
}

impl ChildOf<Game> for Run {
    const FIELD: &'static str = "game";
}

macro_rules! has_data {
    ($($kind:ident)*) => {$(
        impl HasData for $kind {
            fn data_field(&self) -> &Value {
                &self.data
            }
        }
    )*};
}

has_data! { Game Role Run World RunUser Scenario Period Decision Outcome }

macro_rules! ways_up {
    ($($above:ident.$name:ident for $($kind:ident)*, $doc:literal);+ $(;)?) => {$($(
        impl Scope<$kind> {
            #[doc = $doc]
            ///
            /// # Errors
            /// When there is none, or none any more.
            pub fn $name(&self) -> CallResult<Scope<$above>> {
                self.up()
            }
        }
    )*)+};
}

ways_up! {
    Run.run for World RunUser Scenario Period Decision Outcome, "The run in which it lies.";
    World.in_world for RunUser Scenario Period Decision Outcome, "The world in which it lies.";
    RunUser.member for Scenario Period Decision Outcome, "The member whose private thing it is.";
    Scenario.in_scenario for Period Decision Outcome, "The scenario in which it lies.";
    Period.in_period for Decision Outcome, "The period in which it lies.";
}
