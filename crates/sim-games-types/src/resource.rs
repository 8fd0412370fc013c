//! The names of the resources.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of object that the Games API stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// A game: the root of everything that belongs to one simulation.
    Game,
    /// A phase of a game, for example `Play`.
    Phase,
    /// A role that a player can have in a game.
    Role,
    /// One playing of a game by one class.
    Run,
    /// A team of a run.
    World,
    /// A user's membership in a run, as player or leader.
    RunUser,
    /// What a world or a single player plays through.
    Scenario,
    /// A round of a scenario.
    Period,
    /// What a player decided in a period.
    Decision,
    /// What the model made of a period's decisions.
    Result,
    /// A person who can log in.
    User,
    /// A webhook subscription.
    Hook,
}

impl Resource {
    /// All resources, parents before children.
    pub const ALL: [Self; 12] = [
        Self::User,
        Self::Game,
        Self::Phase,
        Self::Role,
        Self::Run,
        Self::World,
        Self::RunUser,
        Self::Scenario,
        Self::Period,
        Self::Decision,
        Self::Result,
        Self::Hook,
    ];

    /// The name in URIs, events and scopes: lower case, singular, `runuser` in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Game => "game",
            Self::Phase => "phase",
            Self::Role => "role",
            Self::Run => "run",
            Self::World => "world",
            Self::RunUser => "runuser",
            Self::Scenario => "scenario",
            Self::Period => "period",
            Self::Decision => "decision",
            Self::Result => "result",
            Self::User => "user",
            Self::Hook => "hook",
        }
    }

    /// The name of the collection in a REST path, for example `runusers`.
    #[must_use]
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Game => "games",
            Self::Phase => "phases",
            Self::Role => "roles",
            Self::Run => "runs",
            Self::World => "worlds",
            Self::RunUser => "runusers",
            Self::Scenario => "scenarios",
            Self::Period => "periods",
            Self::Decision => "decisions",
            Self::Result => "results",
            Self::User => "users",
            Self::Hook => "hooks",
        }
    }

    /// The fields that identify an object of its own accord: no two objects share them, but for
    /// runs and scenarios, of which the newest counts. A key that may be null equals itself then.
    #[must_use]
    pub const fn natural_key(self) -> &'static [&'static str] {
        match self {
            Self::Game => &["slug"],
            Self::Phase | Self::Role | Self::Run => &["game", "name"],
            Self::World => &["run", "name"],
            Self::RunUser => &["user", "run"],
            Self::Scenario => &["world", "runuser", "name"],
            Self::Period => &["scenario", "order"],
            Self::Decision | Self::Result => &["period", "role", "name"],
            Self::User => &["email"],
            Self::Hook => &["user", "event", "url"],
        }
    }

    /// The resource with this singular name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// The resource with this collection name.
    #[must_use]
    pub fn from_collection(collection: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.collection() == collection)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_resource() {
        for resource in Resource::ALL {
            assert_eq!(Resource::from_name(resource.name()), Some(resource));
            assert_eq!(Resource::from_collection(resource.collection()), Some(resource));
        }
        assert_eq!(Resource::from_name("runs"), None);
    }
}
