//! Reads the messages a router sends, accepting nothing that the specification does not allow.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The codes of the messages.
pub(crate) mod code {
    pub(crate) const HELLO: u64 = 1;
    pub(crate) const WELCOME: u64 = 2;
    pub(crate) const ABORT: u64 = 3;
    pub(crate) const CHALLENGE: u64 = 4;
    pub(crate) const AUTHENTICATE: u64 = 5;
    pub(crate) const GOODBYE: u64 = 6;
    pub(crate) const ERROR: u64 = 8;
    pub(crate) const PUBLISH: u64 = 16;
    pub(crate) const PUBLISHED: u64 = 17;
    pub(crate) const SUBSCRIBE: u64 = 32;
    pub(crate) const SUBSCRIBED: u64 = 33;
    pub(crate) const UNSUBSCRIBE: u64 = 34;
    pub(crate) const UNSUBSCRIBED: u64 = 35;
    pub(crate) const EVENT: u64 = 36;
    pub(crate) const CALL: u64 = 48;
    pub(crate) const RESULT: u64 = 50;
    pub(crate) const REGISTER: u64 = 64;
    pub(crate) const REGISTERED: u64 = 65;
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A procedure's RESULT.
    Result {
        /// Its positional values.
        args: Vec<Value>,
        /// Its keyword values, null when there are none.
        kwargs: Value,
    },
    /// The request was carried out; the id is the new subscription, registration or publication.
    Done(Option<u64>),
    /// An ERROR.
    Error {
        /// The error's URI.
        uri: String,
        /// Its positional values.
        args: Vec<Value>,
    },
}

impl Answer {
    /// The one positional value that every procedure answers with.
    ///
    /// # Errors
    /// When this is an error, or a result of another shape.
    pub fn value(self) -> Result<Value> {
        match self {
            Self::Result { mut args, kwargs: Value::Null } if args.len() == 1 => Ok(args.remove(0)),
            other => bail!("expected a single value, got {other:?}"),
        }
    }

    /// The error's URI, if this is an error.
    #[must_use]
    pub fn error_uri(&self) -> Option<&str> {
        match self {
            Self::Error { uri, .. } => Some(uri),
            Self::Result { .. } | Self::Done(_) => None,
        }
    }

    /// The id of what was made.
    ///
    /// # Errors
    /// When the request was refused.
    pub fn id(&self) -> Result<u64> {
        match self {
            Self::Done(Some(id)) => Ok(*id),
            other => bail!("expected an id, got {other:?}"),
        }
    }
}

/// An event of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The subscription it belongs to.
    pub subscription: u64,
    /// The concrete topic.
    pub topic: String,
    /// The positional values.
    pub args: Vec<Value>,
    /// The keyword values, null when there are none.
    pub kwargs: Value,
}

impl Event {
    /// The last component of the topic: `add_child`, `update_child` or `remove_child`.
    #[must_use]
    pub fn action(&self) -> &str {
        self.topic.rsplit('.').next().unwrap_or_default()
    }

    /// The resource of the object that changed.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.args.get(1).and_then(Value::as_str).unwrap_or_default()
    }

    /// The object that changed.
    #[must_use]
    pub fn object(&self) -> &Value {
        self.args.get(2).unwrap_or(&Value::Null)
    }

    /// The event in a form that reads well in an assertion: topic below the model, then resource.
    #[must_use]
    pub fn brief(&self) -> String {
        let topic = self.topic.split_once(".model.").map_or(self.topic.as_str(), |(_, rest)| rest);
        format!("{topic} {}", self.resource())
    }
}

/// A message that a session receives.
#[derive(Debug)]
pub(super) enum Incoming {
    Answer { request: u64, answer: Answer },
    Event(Event),
}

impl Incoming {
    pub(super) fn parse(frame: &Value) -> Result<Self> {
        let parts = frame.as_array().context("no array")?;
        let id = |index: usize| {
            let id = parts.get(index).and_then(Value::as_u64).filter(|id| *id < 1 << 53);
            id.with_context(|| format!("element {index} is no id"))
        };
        let size = |least: usize, most: usize| {
            ensure!((least..=most).contains(&parts.len()), "{} elements", parts.len());
            Ok(())
        };
        let answer = |request, answer| Ok(Self::Answer { request, answer });
        match id(0)? {
            code::RESULT => {
                size(3, 5)?;
                ensure!(parts[2].is_object(), "the details are no object");
                let (args, kwargs) = payload(parts, 3)?;
                answer(id(1)?, Answer::Result { args, kwargs })
            }
            code::ERROR => {
                size(5, 7)?;
                ensure!(parts[3].is_object(), "the details are no object");
                let uri = parts[4].as_str().context("the error is no URI")?.to_owned();
                let (args, _) = payload(parts, 5)?;
                answer(id(2)?, Answer::Error { uri, args })
            }
            code::SUBSCRIBED | code::REGISTERED | code::PUBLISHED => {
                size(3, 3)?;
                answer(id(1)?, Answer::Done(Some(id(2)?)))
            }
            code::UNSUBSCRIBED => {
                size(2, 3)?;
                answer(id(1)?, Answer::Done(None))
            }
            code::EVENT => {
                size(4, 6)?;
                id(2)?;
                // The stock browser finds the handler by this, also for exact subscriptions.
                let topic = parts[3]["topic"].as_str().context("the details have no topic")?;
                let (args, kwargs) = payload(parts, 4)?;
                Ok(Self::Event(Event { subscription: id(1)?, topic: topic.into(), args, kwargs }))
            }
            other => bail!("a message of type {other} is not expected here"),
        }
    }
}

fn payload(parts: &[Value], from: usize) -> Result<(Vec<Value>, Value)> {
    let args = match parts.get(from) {
        None => Vec::new(),
        Some(args) => args.as_array().context("the arguments are no array")?.clone(),
    };
    let kwargs = parts.get(from + 1).cloned().unwrap_or_default();
    ensure!(kwargs.is_null() || kwargs.is_object(), "the keyword arguments are no object");
    Ok((args, kwargs))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_with_one_value_is_that_value() {
        let frame = json!([50, 7, {}, ["ok"]]);
        let Incoming::Answer { request: 7, answer } = Incoming::parse(&frame).unwrap() else {
            panic!("no answer to 7");
        };
        assert_eq!(answer.value().unwrap(), json!("ok"));
    }

    #[test]
    fn a_result_with_two_values_or_keywords_is_not_what_a_browser_understands() {
        for frame in [json!([50, 7, {}, [1, 2]]), json!([50, 7, {}, [1], {"a": 1}])] {
            let Incoming::Answer { answer, .. } = Incoming::parse(&frame).unwrap() else {
                panic!("no answer");
            };
            assert!(answer.value().is_err(), "{frame}");
        }
    }

    #[test]
    fn an_event_without_its_topic_is_refused() {
        assert!(Incoming::parse(&json!([36, 1, 2, {}, []])).is_err());
        let frame = json!([36, 1, 2, {"topic": "a.model.world.1.add_child"}, [5, "period", {}]]);
        let Incoming::Event(event) = Incoming::parse(&frame).unwrap() else {
            panic!("no event");
        };
        assert_eq!(event.brief(), "world.1.add_child period");
    }

    #[test]
    fn frames_out_of_shape_are_refused() {
        for frame in [json!({}), json!([50, 1]), json!([50, "1", {}]), json!([8, 48, 1, {}, 5])] {
            assert!(Incoming::parse(&frame).is_err(), "{frame}");
        }
    }
}
