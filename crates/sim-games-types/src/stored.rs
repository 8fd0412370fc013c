//! An object of any resource, and the same together with its JSON text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    Decision, DecisionPk, Fields, Game, GamePk, Hook, HookPk, Period, PeriodPk, Phase, PhasePk, Pk,
    Resource, Result, ResultPk, Role, RolePk, Run, RunPk, RunUser, RunUserPk, Scenario, ScenarioPk,
    Timestamp, User, UserPk, World, WorldPk,
};

/// An object of a known resource.
pub trait Object: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of its key.
    type Key: Pk;

    /// The resource.
    const RESOURCE: Resource;

    /// Its key.
    fn pk(&self) -> Self::Key;

    /// The last segment of its detail path: the key, but for games the slug.
    fn path_key(&self) -> String {
        self.pk().to_string()
    }

    /// The object in a record, if the record is of this resource.
    fn from_record(record: &Record) -> Option<&Self>;
}

macro_rules! records {
    ($($name:ident, $pk:ident);+ $(;)?) => {
        /// An object of any resource.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Record {
            $(
                #[doc = concat!("A `", stringify!($name), "`.")]
                $name($name),
            )+
        }

        impl Record {
            /// Reads the REST representation of an object.
            ///
            /// # Errors
            /// When the text is not JSON, or lacks a required field of the resource.
            pub fn from_json(resource: Resource, json: &str) -> serde_json::Result<Self> {
                Ok(match resource {
                    $(Resource::$name => Self::$name(serde_json::from_str(json)?),)+
                })
            }

            /// Reads the REST representation of an object from its fields.
            ///
            /// # Errors
            /// When a required field of the resource is missing, or a value does not fit.
            pub fn from_fields(resource: Resource, fields: Fields) -> serde_json::Result<Self> {
                let value = Value::Object(fields);
                Ok(match resource {
                    $(Resource::$name => Self::$name(serde_json::from_value(value)?),)+
                })
            }

            /// The resource.
            #[must_use]
            pub const fn resource(&self) -> Resource {
                match self {
                    $(Self::$name(_) => Resource::$name,)+
                }
            }

            /// The key, as a number.
            #[must_use]
            pub const fn pk(&self) -> i64 {
                match self {
                    $(Self::$name(object) => object.id.0,)+
                }
            }
        }

        $(
            impl From<$name> for Record {
                fn from(object: $name) -> Self {
                    Self::$name(object)
                }
            }
        )+
    };
}

records! {
    Game, GamePk; Phase, PhasePk; Role, RolePk; Run, RunPk; World, WorldPk; RunUser, RunUserPk;
    Scenario, ScenarioPk; Period, PeriodPk; Decision, DecisionPk; Result, ResultPk; User, UserPk;
    Hook, HookPk;
}

macro_rules! objects {
    ($($name:ident, $pk:ident $(, $path_key:expr)?);+ $(;)?) => {$(
        impl Object for $name {
            type Key = $pk;
            const RESOURCE: Resource = Resource::$name;

            fn pk(&self) -> $pk {
                self.id
            }

            $(fn path_key(&self) -> String {
                $path_key(self)
            })?

            fn from_record(record: &Record) -> Option<&Self> {
                match record {
                    Record::$name(object) => Some(object),
                    _ => None,
                }
            }
        }
    )+};
}

objects! {
    Game, GamePk, |game: &Game| game.slug.clone();
    Phase, PhasePk; Role, RolePk; Run, RunPk; World, WorldPk; RunUser, RunUserPk;
    Scenario, ScenarioPk; Period, PeriodPk; Decision, DecisionPk; Result, ResultPk; User, UserPk;
    Hook, HookPk;
}

impl Record {
    /// What the game keeps with the object, where the resource has such a field.
    #[must_use]
    pub const fn data(&self) -> Option<&Value> {
        Some(match self {
            Self::Game(object) => &object.data,
            Self::Role(object) => &object.data,
            Self::Run(object) => &object.data,
            Self::World(object) => &object.data,
            Self::RunUser(object) => &object.data,
            Self::Scenario(object) => &object.data,
            Self::Period(object) => &object.data,
            Self::Decision(object) => &object.data,
            Self::Result(object) => &object.data,
            Self::User(_) | Self::Phase(_) | Self::Hook(_) => return None,
        })
    }

    /// What the object hangs from; nothing for games, and for users and webhook subscriptions, which
    /// belong to no game. A scenario hangs from its world, or else from the member who owns it.
    #[must_use]
    pub fn parent(&self) -> Option<(Resource, i64)> {
        Some(match self {
            Self::Phase(object) => (Resource::Game, object.game.0),
            Self::Role(object) => (Resource::Game, object.game?.0),
            Self::Run(object) => (Resource::Game, object.game.0),
            Self::World(object) => (Resource::Run, object.run.0),
            Self::RunUser(object) => (Resource::Run, object.run.0),
            Self::Scenario(object) => match (object.world, object.runuser) {
                (Some(world), _) => (Resource::World, world.0),
                (None, owner) => (Resource::RunUser, owner?.0),
            },
            Self::Period(object) => (Resource::Scenario, object.scenario.0),
            Self::Decision(object) => (Resource::Period, object.period.0),
            Self::Result(object) => (Resource::Period, object.period.0),
            Self::Game(_) | Self::User(_) | Self::Hook(_) => return None,
        })
    }

    /// Whether the object's run is active, where the object tells.
    #[must_use]
    pub const fn run_active(&self) -> Option<bool> {
        match self {
            Self::World(object) => object.run_active,
            Self::RunUser(object) => object.run_active,
            Self::Scenario(object) => object.run_active,
            Self::Period(object) => object.run_active,
            Self::Decision(object) => object.run_active,
            Self::Result(object) => object.run_active,
            _ => None,
        }
    }

    /// When the row was stored first; users do not tell.
    #[must_use]
    pub const fn created(&self) -> Option<Timestamp> {
        Some(match self {
            Self::Game(object) => object.created,
            Self::Phase(object) => object.created,
            Self::Role(object) => object.created,
            Self::Run(object) => object.created,
            Self::World(object) => object.created,
            Self::RunUser(object) => object.created,
            Self::Scenario(object) => object.created,
            Self::Period(object) => object.created,
            Self::Decision(object) => object.created,
            Self::Result(object) => object.created,
            Self::Hook(object) => object.created,
            Self::User(_) => return None,
        })
    }

    /// When the row was stored last; users do not tell.
    #[must_use]
    pub const fn updated(&self) -> Option<Timestamp> {
        Some(match self {
            Self::Game(object) => object.updated,
            Self::Phase(object) => object.updated,
            Self::Role(object) => object.updated,
            Self::Run(object) => object.updated,
            Self::World(object) => object.updated,
            Self::RunUser(object) => object.updated,
            Self::Scenario(object) => object.updated,
            Self::Period(object) => object.updated,
            Self::Decision(object) => object.updated,
            Self::Result(object) => object.updated,
            Self::Hook(object) => object.modified,
            Self::User(_) => return None,
        })
    }
}

/// An object and its REST representation as text.
///
/// The text is made once, when the object is stored or loaded; journal, events and answers share it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The object.
    pub record: Record,
    /// Its REST representation: compact JSON.
    pub json: Arc<str>,
}

impl Stored {
    /// Pairs an object with its JSON text.
    #[must_use]
    pub fn new(record: impl Into<Record>) -> Self {
        let record = record.into();
        let json = serde_json::to_string(&record)
            .expect("objects consist of JSON values and string keys only");
        Self { record, json: json.into() }
    }

    /// The text as players may see it: without the fields of the object's `data` whose names begin
    /// with an underscore. Games keep there what nobody but the service may know.
    #[must_use]
    pub fn for_players(&self) -> Cow<'_, str> {
        let Some(Value::Object(data)) = self.record.data() else {
            return Cow::Borrowed(&self.json);
        };
        if !data.keys().any(|name| name.starts_with('_')) {
            return Cow::Borrowed(&self.json);
        }
        let shown = data.iter().filter(|(name, _)| !name.starts_with('_'));
        let shown: Map<_, _> = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut object: Map<String, Value> = serde_json::from_str(&self.json).unwrap_or_default();
        object.insert("data".to_owned(), Value::Object(shown));
        Cow::Owned(Value::Object(object).to_string())
    }
}

#[cfg(test)]
mod tests;
