//! Primary keys: one newtype per resource, so that a period's key cannot be taken for a world's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What all primary keys have in common.
pub trait Pk:
    Copy + Eq + Ord + std::hash::Hash + fmt::Debug + fmt::Display + From<i64> + Send + Sync + 'static
{
    /// The key as the number that stands in JSON and in a URI.
    fn number(self) -> i64;
}

macro_rules! pks {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl Pk for $name {
            fn number(self) -> i64 {
                self.0
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

pks! {
    /// The key of a game.
    GamePk,
    /// The key of a phase.
    PhasePk,
    /// The key of a role.
    RolePk,
    /// The key of a run.
    RunPk,
    /// The key of a world.
    WorldPk,
    /// The key of a run user.
    RunUserPk,
    /// The key of a scenario.
    ScenarioPk,
    /// The key of a period.
    PeriodPk,
    /// The key of a decision.
    DecisionPk,
    /// The key of a result.
    ResultPk,
    /// The key of a user.
    UserPk,
    /// The key of a webhook subscription.
    HookPk,
}
