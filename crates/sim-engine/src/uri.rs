//! The addresses of scopes: `<root>.model.<resource>.<pk>.<name>`, for the game without a key.

use sim_games_types::Resource;

/// The resources that are scopes, parents before children.
pub const SCOPES: [Resource; 10] = [
    Resource::Game,
    Resource::Phase,
    Resource::Role,
    Resource::Run,
    Resource::World,
    Resource::RunUser,
    Resource::Scenario,
    Resource::Period,
    Resource::Decision,
    Resource::Result,
];

/// Whether a resource's scopes lie in runs.
pub(crate) fn lies_in_a_run(resource: Resource) -> bool {
    !matches!(resource, Resource::Game | Resource::Phase | Resource::Role)
}

/// A scope and something of it: a procedure or a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The scope's resource.
    pub resource: Resource,
    /// Its key; none for the game.
    pub pk: Option<i64>,
    /// The name behind it, for example `submit_decision`; may be empty or contain dots.
    pub name: &'a str,
}

/// The root of all URIs of one game, and what can be said in terms of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(String);

impl Root {
    /// The root with this text, for example `world.simpl.sims.div`.
    #[must_use]
    pub fn new(root: &str) -> Self {
        Self(root.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The procedure that answers whether the game is installed.
    #[must_use]
    pub fn ready(&self) -> String {
        format!("{}.ready", self.0)
    }

    /// The topic of one user's errors.
    #[must_use]
    pub fn error(&self, user: &str) -> String {
        format!("{}.error.{user}", self.0)
    }

    /// The URI of something of a scope.
    #[must_use]
    pub fn of_scope(&self, resource: Resource, pk: i64, name: &str) -> String {
        format!("{}.model.{resource}.{pk}.{name}", self.0)
    }

    /// The URI of something of the game.
    #[must_use]
    pub fn of_game(&self, name: &str) -> String {
        format!("{}.model.game.{name}", self.0)
    }

    /// The wildcard pattern that covers a name on all scopes of a resource.
    #[must_use]
    pub fn of_all(&self, resource: Resource, name: &str) -> String {
        format!("{}.model.{resource}..{name}", self.0)
    }

    /// Takes a URI of a scope apart. A key is written in one way only: no sign, no leading zero.
    #[must_use]
    pub fn parse<'a>(&self, uri: &'a str) -> Option<Address<'a>> {
        let rest = uri.strip_prefix(&self.0)?.strip_prefix(".model.")?;
        let (resource, rest) = rest.split_once('.')?;
        let resource = Resource::from_name(resource).filter(|it| SCOPES.contains(it))?;
        if resource == Resource::Game {
            return Some(Address { resource, pk: None, name: rest });
        }
        let (key, name) = rest.split_once('.')?;
        let pk: i64 = key.parse().ok()?;
        (pk > 0 && pk.to_string() == key).then_some(Address { resource, pk: Some(pk), name })
    }

    /// The URI of something that belongs to no scope.
    #[must_use]
    pub fn of_name(&self, name: &str) -> String {
        format!("{}.{name}", self.0)
    }

    /// What follows the root and its dot, if the URI lies below the root.
    #[must_use]
    pub fn name_of<'a>(&self, uri: &'a str) -> Option<&'a str> {
        uri.strip_prefix(&self.0)?.strip_prefix('.')
    }

    /// The user in the topic of a user's errors.
    #[must_use]
    pub fn parse_error<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&self.0)?.strip_prefix(".error.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_found_by_resource_and_key() {
        let root = Root::new("world.sims.div");
        let address = root.parse("world.sims.div.model.period.17.submit_decision");
        assert_eq!(
            address,
            Some(Address { resource: Resource::Period, pk: Some(17), name: "submit_decision" })
        );
        assert_eq!(
            root.parse("world.sims.div.model.game.get_phases"),
            Some(Address { resource: Resource::Game, pk: None, name: "get_phases" })
        );
    }

    #[test]
    fn anything_else_is_no_scope() {
        let root = Root::new("world.sims.div");
        for uri in [
            "world.sims.div2.model.period.17.x",
            "world.sims.div.models.period.17.x",
            "world.sims.div.model.user.17.x",
            "world.sims.div.model.period.017.x",
            "world.sims.div.model.period.+17.x",
            "world.sims.div.model.period.-1.x",
            "world.sims.div.model.period.99999999999999999999.x",
            "world.sims.div.model.period.17",
            "world.sims.div.model.period",
        ] {
            assert_eq!(root.parse(uri), None, "{uri}");
        }
    }
}
