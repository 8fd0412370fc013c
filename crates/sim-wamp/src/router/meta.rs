//! The meta API: what a realm answers about itself under `wamp.`.

mod history;
mod registrations;
mod sessions;
mod subscriptions;

use super::realm::Realm;
use crate::message::CallMessage;
use crate::{CallError, Dict, MatchPolicy, Payload, Value, uri};

pub(super) use sessions::details as session_details;

/// What a procedure answers.
type Answer = Result<Vec<Value>, CallError>;

/// A procedure of the router itself.
type Procedure = fn(&mut Meta<'_>) -> Answer;

/// A call of a procedure of the router itself.
struct Meta<'a> {
    realm: &'a mut Realm,
    caller: u64,
    payload: &'a Payload,
    args: Vec<Value>,
    kwargs: Dict,
}

/// Answers a procedure of the router itself, or nothing if it is none.
pub(super) fn call(
    realm: &mut Realm,
    caller: u64,
    call: &CallMessage,
) -> Option<Result<Payload, CallError>> {
    let (family, name) = call.procedure.strip_prefix(uri::RESERVED)?.split_once('.')?;
    let procedure = match family {
        "session" => sessions::procedure(name)?,
        "registration" => registrations::procedure(name)?,
        "subscription" => subscriptions::procedure(name)?,
        _ => return None,
    };
    let payload = &call.payload;
    let answer = payload.values().map_err(|error| invalid(&error.to_string()));
    let answer = answer
        .and_then(|(args, kwargs)| procedure(&mut Meta { realm, caller, payload, args, kwargs }));
    Some(answer.map(|values| Payload::from_values(values, None)))
}

impl Meta<'_> {
    fn id(&self, index: usize, name: &str) -> Result<u64, CallError> {
        let id = self.args.get(index).and_then(Value::as_u64);
        id.ok_or_else(|| invalid(&format!("argument `{name}` must be an id")))
    }

    fn text(&self, index: usize, name: &str) -> Result<&str, CallError> {
        let text = self.args.get(index).and_then(Value::as_str);
        text.ok_or_else(|| invalid(&format!("argument `{name}` must be a text")))
    }

    /// Finds an argument that may be missing: the specification has some by name and some in order,
    /// and clients pass either in either way.
    fn optional(&self, index: usize, name: &str) -> Option<&Value> {
        let given = |value: &&Value| **value != Value::Null;
        self.args.get(index).filter(given).or_else(|| self.kwargs.get(name).filter(given))
    }

    /// Reads a text that may be missing.
    fn optional_text(&self, index: usize, name: &str) -> Result<Option<&str>, CallError> {
        read_text(name, self.optional(index, name))
    }

    /// Reads a text that is passed by name or not at all.
    fn keyword(&self, name: &str) -> Result<Option<&str>, CallError> {
        read_text(name, self.kwargs.get(name))
    }

    /// Reads how URIs are compared, from the options of `lookup`.
    fn policy(&self) -> Result<MatchPolicy, CallError> {
        let options = match self.args.get(1) {
            None | Some(Value::Null) => None,
            Some(Value::Dict(options)) => Some(options),
            Some(_) => return Err(invalid("argument `options` must be a dictionary")),
        };
        let name = options.and_then(|options| options.get("match"));
        let name = name.or_else(|| self.kwargs.get("match"));
        let policy = match name {
            None | Some(Value::Null) => Some(MatchPolicy::Exact),
            Some(name) => name.as_str().and_then(MatchPolicy::from_name),
        };
        policy.ok_or_else(|| invalid("option `match` must be `exact`, `prefix` or `wildcard`"))
    }

    /// Reads why something is taken from a session.
    fn reason(&self, index: usize) -> Result<String, CallError> {
        match self.optional_text(index, "reason")? {
            None => Ok(uri::CLOSE_NORMAL.to_owned()),
            Some(reason) if uri::validate(reason, MatchPolicy::Exact) => Ok(reason.to_owned()),
            Some(_) => Err(CallError::new(uri::INVALID_URI, "argument `reason` must be a URI")),
        }
    }
}

fn read_text<'a>(name: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, CallError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(&format!("argument `{name}` must be a text"))),
    }
}

fn invalid(text: &str) -> CallError {
    CallError::new(uri::INVALID_ARGUMENT, text)
}

/// Makes a list of ids.
fn ids(ids: impl IntoIterator<Item = u64>) -> Value {
    Value::List(ids.into_iter().map(Value::from).collect())
}

/// Makes the ids of one kind of thing, in a list per matching policy.
fn by_policy(all: impl Iterator<Item = (MatchPolicy, u64)>) -> Value {
    let (mut exact, mut prefix, mut wildcard) = (Vec::new(), Vec::new(), Vec::new());
    for (policy, id) in all {
        match policy {
            MatchPolicy::Exact => exact.push(id),
            MatchPolicy::Prefix => prefix.push(id),
            MatchPolicy::Wildcard => wildcard.push(id),
        }
    }
    let lists = [("exact", ids(exact)), ("prefix", ids(prefix)), ("wildcard", ids(wildcard))];
    Value::Dict(lists.into_iter().collect())
}

#[cfg(test)]
mod tests;
