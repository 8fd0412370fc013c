//! The resources as the Games API writes them: field for field the REST representation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    DecisionPk, GamePk, HookPk, PeriodPk, PhasePk, ResultPk, RolePk, RunPk, RunUserPk, ScenarioPk,
    Timestamp, UserPk, WorldPk,
};

/// Fields of an answer that this version does not know; they are kept and written back.
pub type Extra = Map<String, Value>;

fn empty_object() -> Value {
    Value::Object(Map::new())
}

fn yes() -> bool {
    true
}

/// A game: the root of everything that belongs to one simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// Key.
    pub id: GamePk,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Unique name, for people.
    pub name: String,
    /// Unique name, for URLs; the key of the detail path.
    pub slug: String,
    /// A flag without behavior of its own.
    #[serde(default = "yes")]
    pub active: bool,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A phase of a game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Key.
    pub id: PhasePk,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Name, unique within the game.
    pub name: String,
    /// Short name; never filled by itself.
    #[serde(default)]
    pub slug: String,
    /// Where the phase stands in the game's sequence.
    #[serde(default)]
    pub order: Option<i64>,
    /// The game.
    pub game: GamePk,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A role that a player can have in a game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Key.
    pub id: RolePk,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Name, unique within the game.
    pub name: String,
    /// Short name; never filled by itself.
    #[serde(default)]
    pub slug: String,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// The game. An original database may hold roles without one.
    pub game: Option<GamePk>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One playing of a game by one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Key.
    pub id: RunPk,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Name; two runs may share one.
    pub name: String,
    /// Only active runs are loaded and played.
    #[serde(default = "yes")]
    pub active: bool,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// The game.
    pub game: GamePk,
    /// The phase in which the run is.
    #[serde(default)]
    pub phase: Option<PhasePk>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A team of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Key.
    pub id: WorldPk,
    /// Whether the run is active.
    #[serde(default)]
    pub run_active: Option<bool>,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Name, unique within the run.
    pub name: String,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// Keys in a learning management system: a rectangular array of integers, or null.
    #[serde(default)]
    pub external_ids: Value,
    /// The run.
    pub run: RunPk,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A user's membership in a run, as player or leader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunUser {
    /// Key.
    pub id: RunUserPk,
    /// Whether the run is active.
    #[serde(default)]
    pub run_active: Option<bool>,
    /// The role, if the member plays one.
    #[serde(default)]
    pub role: Option<RolePk>,
    /// The user's e-mail address.
    #[serde(default)]
    pub email: String,
    /// The user's first name.
    #[serde(default)]
    pub first_name: String,
    /// The user's last name.
    #[serde(default)]
    pub last_name: String,
    /// The role's name. The key is absent, not null, when there is no role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Whether the member leads the run.
    #[serde(default)]
    pub leader: bool,
    /// Whether the member takes part.
    #[serde(default = "yes")]
    pub active: bool,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// The user; unique within the run.
    pub user: UserPk,
    /// The run.
    pub run: RunPk,
    /// The world, if the member plays in one.
    #[serde(default)]
    pub world: Option<WorldPk>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a world or a single player plays through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Key.
    pub id: ScenarioPk,
    /// Whether the run is active.
    #[serde(default)]
    pub run_active: Option<bool>,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Name.
    pub name: String,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// The owner of a private scenario.
    #[serde(default)]
    pub runuser: Option<RunUserPk>,
    /// The world of a shared scenario.
    #[serde(default)]
    pub world: Option<WorldPk>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A round of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Key.
    pub id: PeriodPk,
    /// Whether the run is active.
    #[serde(default)]
    pub run_active: Option<bool>,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub updated: Timestamp,
    /// Where the round stands in its scenario; unique there, may be negative.
    #[serde(default)]
    pub order: i64,
    /// What the game's author keeps here.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// The scenario.
    pub scenario: ScenarioPk,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

macro_rules! leaf {
    ($(#[$doc:meta])* $name:ident, $pk:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// Key.
            pub id: $pk,
            /// Whether the run is active.
            #[serde(default)]
            pub run_active: Option<bool>,
            /// The role, if there is one; unique with name and period even when null.
            #[serde(default)]
            pub role: Option<RolePk>,
            /// When the row was stored first.
            pub created: Timestamp,
            /// When it was stored last.
            pub updated: Timestamp,
            /// Name, for example `decision` or `result`.
            pub name: String,
            /// What was decided, or what came out.
            #[serde(default = "empty_object")]
            pub data: Value,
            /// The period.
            pub period: PeriodPk,
            /// Fields that this version does not know.
            #[serde(flatten)]
            pub extra: Extra,
        }
    };
}

leaf! {
    /// What a player decided in a period.
    Decision, DecisionPk
}
leaf! {
    /// What the model made of a period's decisions.
    Result, ResultPk
}

/// A person who can log in. The password is never part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Key.
    pub id: UserPk,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Key in a learning management system.
    #[serde(default)]
    pub external_id: Option<String>,
    /// E-mail address: the login name, unique without regard to case.
    pub email: String,
    /// Whether the user may log in.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Whether the user may write through the Games API.
    #[serde(default)]
    pub is_staff: bool,
    /// Whether the user may make superusers.
    #[serde(default)]
    pub is_superuser: bool,
    /// A code of the operator's own.
    #[serde(default)]
    pub subscriber_code: String,
    /// What the operator keeps here; unlike elsewhere, null by default.
    #[serde(default)]
    pub data: Value,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A webhook subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// Key.
    pub id: HookPk,
    /// The events asked for, for example `div.*`.
    pub event: String,
    /// Where they are delivered.
    pub url: String,
    /// The subscriber.
    pub user: UserPk,
    /// Whether a delivery has succeeded at least once.
    #[serde(default)]
    pub connected: bool,
    /// Whether the last delivery failed.
    #[serde(default)]
    pub erroring: bool,
    /// When a delivery failed last.
    #[serde(default)]
    pub last_error: Option<Timestamp>,
    /// The HTTP status of that failure, if there was an answer.
    #[serde(default)]
    pub last_error_status: Option<i64>,
    /// What went wrong.
    #[serde(default)]
    pub last_error_content: Option<String>,
    /// When the row was stored first.
    pub created: Timestamp,
    /// When it was stored last.
    pub modified: Timestamp,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
