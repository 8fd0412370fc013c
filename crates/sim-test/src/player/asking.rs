//! What a player does besides calling a scope: publish, and call what belongs to no scope.

use serde_json::Value;
use sim::types::Resource;
use sim::wamp::{CallError, Payload, Publication};

use super::{CallFailure, TestPlayer, all, first};

impl TestPlayer {
    /// Calls a procedure that belongs to no scope, by its name below the root.
    ///
    /// # Errors
    /// The error with which the service answers.
    pub async fn call_free(
        &self,
        name: &str,
        args: impl Into<Value>,
    ) -> Result<Value, CallFailure> {
        let uri = format!("{}.{name}", self.root);
        let answer = self.session.call(&uri, payload(args.into())).await.map_err(failure)?;
        Ok(first(answer.args_json()))
    }

    /// Publishes to a topic of a scope; returns when the router has taken it.
    ///
    /// # Errors
    /// The error with which the service refuses it.
    pub async fn publish(
        &self,
        (resource, pk): (Resource, i64),
        name: &str,
        args: impl Into<Value>,
    ) -> Result<(), CallFailure> {
        let topic = format!("{}.model.{resource}.{pk}.{name}", self.root);
        let publication = Publication::new(topic, payload(args.into())).acknowledged();
        self.session.publish(publication).await.map(drop).map_err(failure)
    }
}

/// Positional or keyword arguments.
fn payload(args: Value) -> Payload {
    match args {
        fields @ Value::Object(_) => Payload::from_json(None, Some(fields.to_string())),
        args => Payload::from_json(Some(args.to_string()), None),
    }
}

fn failure(error: CallError) -> CallFailure {
    let args = all(error.payload.args_json());
    let message = args.first().and_then(Value::as_str).unwrap_or_default().to_owned();
    CallFailure { uri: error.uri, message, args }
}
