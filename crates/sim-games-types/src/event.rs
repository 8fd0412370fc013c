//! Webhook events: their names and their bodies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Action, Resource};

/// The name of an event: `<game slug>.<resource>.<action>`, or `user.<action>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventName {
    /// The game's slug; none for users, who belong to no game.
    pub slug: Option<String>,
    /// What kind of object it happened to.
    pub resource: Resource,
    /// What happened.
    pub action: Action,
}

/// A text is not the name of an event.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an event name such as `div.run.changed` or `user.changed`")]
pub struct EventNameError(String);

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.slug {
            Some(slug) => write!(f, "{slug}.{}.{}", self.resource, self.action),
            None => write!(f, "{}.{}", self.resource, self.action),
        }
    }
}

impl FromStr for EventName {
    type Err = EventNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.split('.');
            let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
            if parts.next().is_some() {
                return None;
            }
            // The number of segments decides, so that a slug beginning with `user` is no user event.
            let Some(third) = third else {
                let action = Action::from_name(second)?;
                return (first == "user").then_some(Self {
                    slug: None,
                    resource: Resource::User,
                    action,
                });
            };
            let resource = Resource::from_name(second)?;
            if matches!(resource, Resource::User | Resource::Hook) || first.is_empty() {
                return None;
            }
            Some(Self { slug: Some(first.to_owned()), resource, action: Action::from_name(third)? })
        };
        parse().ok_or_else(|| EventNameError(text.chars().take(64).collect()))
    }
}

/// The body of a webhook delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// The event's name.
    pub event: String,
    /// A UUID of the event, the same for all subscribers.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The object: its REST representation, for users only key, e-mail address and names.
    pub data: Value,
    /// The journal's sequence number, where the server sends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for text in ["simpl-div.runuser.created", "user.changed", "user-study.game.deleted"] {
            assert_eq!(text.parse::<EventName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "div", "div.run", "div.run.moved", "div.user.changed", "a.run.changed.b"] {
            assert!(text.parse::<EventName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_slug_that_begins_with_user_is_a_slug() {
        let name: EventName = "user.run.changed".parse().unwrap();
        assert_eq!((name.slug.as_deref(), name.resource), (Some("user"), Resource::Run));
    }
}
