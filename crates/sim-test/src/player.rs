//! A member of a test's run, with a session of its own.

mod asking;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt;
use serde_json::Value;
use sim::Core;
use sim::types::{Resource, RunUserPk, UserPk};
use sim::wamp::{Incoming, MatchPolicy, Payload, Session, SessionEvent};
use tokio::task::unconstrained;

/// How long an event may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A failed call, as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// The error's URI.
    pub uri: String,
    /// Its first argument when that is a text.
    pub message: String,
    /// All its arguments: a form's error has its fields in the second.
    pub args: Vec<Value>,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.uri)
    }
}

impl std::error::Error for CallFailure {}

/// An event that a session received.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The topic without the root, for example `world.1.add_child`.
    pub topic: String,
    /// The last part of the topic: `add_child`, `update_child`, `remove_child`.
    pub name: String,
    /// The resource of the object.
    pub resource: String,
    /// The object.
    pub object: Value,
}

/// A session of a user; it follows the topics of its scopes.
#[derive(Debug)]
pub struct TestPlayer {
    session: Session,
    incoming: Incoming,
    root: String,
    member: Option<RunUserPk>,
}

impl TestPlayer {
    /// The session of a user, who follows the topics of these scopes and of the own membership.
    pub(crate) async fn join(
        core: &Core,
        realm: &str,
        root: &str,
        (user, member): (UserPk, Option<RunUserPk>),
        follow: &[(Resource, i64)],
    ) -> Result<Self> {
        let joined = core
            .router()
            .expect("it has a router")
            .attach_as(realm, &user.to_string(), "browser")
            .await;
        let (session, incoming) = joined.context("the session could not join")?.split();
        let player = Self { session, incoming, root: root.to_owned(), member };
        let own = member.map(|member| (Resource::RunUser, member.0));
        for scope in follow.iter().copied().chain(own) {
            player.follow_scope(scope).await?;
        }
        Ok(player)
    }

    /// The player's membership in the run, as a scope.
    ///
    /// # Panics
    /// When the user is no member.
    #[must_use]
    pub fn runuser(&self) -> (Resource, i64) {
        (Resource::RunUser, self.member.expect("the user is a member of the run").0)
    }

    /// Calls a procedure of a scope; `args` is a list of positional arguments or an object of
    /// keyword arguments.
    ///
    /// # Errors
    /// The error with which the service answers.
    pub async fn call(
        &self,
        (resource, pk): (Resource, i64),
        method: &str,
        args: impl Into<Value>,
    ) -> Result<Value, CallFailure> {
        let text = match args.into() {
            Value::Object(fields) => ("[]".to_owned(), Value::Object(fields).to_string()),
            args => (args.to_string(), "{}".to_owned()),
        };
        self.call_raw((resource, pk), method, &text.0, &text.1).await
    }

    /// Calls a procedure with arguments as JSON text, for what a `Value` cannot hold.
    ///
    /// # Errors
    /// The error with which the service answers.
    pub async fn call_raw(
        &self,
        (resource, pk): (Resource, i64),
        method: &str,
        args: &str,
        kwargs: &str,
    ) -> Result<Value, CallFailure> {
        let uri = format!("{}.model.{resource}.{pk}.{method}", self.root);
        let payload = Payload::from_json(Some(args.to_owned()), Some(kwargs.to_owned()));
        match self.session.call(&uri, payload).await {
            Ok(answer) => Ok(first(answer.args_json())),
            Err(error) => {
                let args = all(error.payload.args_json());
                let message = args.first().and_then(Value::as_str).unwrap_or_default().to_owned();
                Err(CallFailure { uri: error.uri, message, args })
            }
        }
    }

    /// Leaves the realm.
    pub async fn leave(self) {
        self.session.leave().await;
    }

    /// Subscribes to the topics on which a scope's changes are told.
    ///
    /// # Errors
    /// The error with which the service answers.
    pub async fn follow_scope(&self, (resource, pk): (Resource, i64)) -> Result<(), CallFailure> {
        for name in ["add_child", "update_child", "remove_child"] {
            self.follow(&format!("model.{resource}.{pk}.{name}"), MatchPolicy::Exact).await?;
        }
        Ok(())
    }

    /// Subscribes to one topic more, given without the root.
    ///
    /// # Errors
    /// The error with which the service answers.
    pub async fn follow(&self, topic: &str, policy: MatchPolicy) -> Result<(), CallFailure> {
        let topic = format!("{}.{topic}", self.root);
        match self.session.subscribe(&topic, policy).await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(CallFailure { uri: error.uri, message: String::new(), args: Vec::new() })
            }
        }
    }

    /// The events that have arrived since the last time. What a call caused is there when the
    /// call has been answered.
    pub fn events(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        // The runtime would make a long look wait, as if no more events were there.
        while let Some(Some(event)) = unconstrained(self.incoming.recv()).now_or_never() {
            seen.extend(self.seen(event));
        }
        seen
    }

    /// Waits for an event of which this is true, and drops those before it.
    ///
    /// # Errors
    /// When it does not come within ten seconds.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Seen) -> bool) -> Result<Seen> {
        let wait = async {
            loop {
                let event = self.incoming.recv().await.context("the session has ended")?;
                if let Some(seen) = self.seen(event).filter(&wanted) {
                    return Ok(seen);
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.context("the event did not come")?
    }

    fn seen(&self, event: SessionEvent) -> Option<Seen> {
        let SessionEvent::Event(event) = event else { return None };
        let topic = event.topic.strip_prefix(&self.root).unwrap_or(&event.topic);
        let topic = topic.strip_prefix(".model.").unwrap_or(topic).to_owned();
        let mut args = all(event.payload.args_json());
        Some(Seen {
            name: topic.rsplit('.').next().unwrap_or_default().to_owned(),
            resource: args.get(1).and_then(Value::as_str).unwrap_or_default().to_owned(),
            object: args.pop().unwrap_or_default(),
            topic,
        })
    }
}

/// The first of a JSON array's elements.
fn first(args: &str) -> Value {
    all(args).into_iter().next().unwrap_or_default()
}

/// A JSON array's elements.
fn all(args: &str) -> Vec<Value> {
    serde_json::from_str(args).unwrap_or_default()
}
