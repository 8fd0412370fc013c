//! What sessions want to be published when they are gone.

use std::collections::HashMap;
use std::sync::Arc;

use super::realm::Realm;
use crate::{CallError, Dict, Payload, Publication, Value, counters, uri};

/// The testaments of a realm's sessions.
#[derive(Debug)]
pub(crate) struct Testaments {
    by_session: HashMap<u64, Vec<Testament>>,
    /// How many one session has at most.
    limit: usize,
}

#[derive(Debug)]
struct Testament {
    scope: Scope,
    publication: Publication,
}

/// When a testament is published. Sessions here are not resumed, so that they are destroyed as
/// soon as they are detached: the detached ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// When the connection is gone.
    Detached,
    /// When the session is.
    Destroyed,
}

impl Testaments {
    pub(crate) fn new(limit: usize) -> Self {
        Self { by_session: HashMap::new(), limit }
    }

    /// Adds a testament; false if the session has too many.
    pub(crate) fn add(&mut self, session: u64, scope: Scope, publication: Publication) -> bool {
        let own = self.by_session.entry(session).or_default();
        let has_room = own.len() < self.limit;
        if has_room {
            own.push(Testament { scope, publication });
        }
        has_room
    }

    /// Forgets the testaments of a scope and says how many there were.
    pub(crate) fn flush(&mut self, session: u64, scope: Scope) -> usize {
        let Some(own) = self.by_session.get_mut(&session) else { return 0 };
        let before = own.len();
        own.retain(|testament| testament.scope != scope);
        before - own.len()
    }

    /// Takes what shall be published now that a session is gone.
    pub(crate) fn execute(&mut self, session: u64) -> Vec<Publication> {
        let mut own = self.by_session.remove(&session).unwrap_or_default();
        own.sort_by_key(|testament| testament.scope);
        own.into_iter().map(|testament| testament.publication).collect()
    }
}

/// Reads the arguments of `wamp.session.add_testament`: the topic, what is published there, and
/// when.
pub(crate) fn arguments(payload: &Payload) -> Result<(Arc<str>, Publication, Scope), CallError> {
    let (args, kwargs) = payload.values().map_err(|error| invalid(&error.to_string()))?;
    let mut args = args.into_iter();
    let Some(Value::Text(topic)) = args.next() else {
        return Err(invalid("argument `topic` must be a text"));
    };
    let values = match args.next() {
        Some(Value::List(values)) => Some(values),
        None | Some(Value::Null) => None,
        Some(_) => return Err(invalid("argument `args` must be a list")),
    };
    let named = match args.next() {
        Some(Value::Dict(named)) => Some(named),
        None | Some(Value::Null) => None,
        Some(_) => return Err(invalid("argument `kwargs` must be a dictionary")),
    };
    let scope = scope(kwargs.get("scope"))?;
    let topic: Arc<str> = topic.into();
    let payload = match (values, named) {
        (None, None) => Payload::empty(),
        (values, named) => Payload::from_values(values.unwrap_or_default(), named),
    };
    let mut publication = Publication::new(Arc::clone(&topic), payload);
    match kwargs.get("publish_options") {
        None | Some(Value::Null) => {}
        Some(Value::Dict(options)) => read_options(options, &mut publication)?,
        Some(_) => return Err(invalid("argument `publish_options` must be a dictionary")),
    }
    Ok((topic, publication, scope))
}

/// Answers `wamp.session.add_testament`; that the session may publish there has been checked.
pub(super) fn add(
    realm: &mut Realm,
    session: u64,
    payload: &Payload,
) -> Result<Vec<Value>, CallError> {
    let (_, publication, scope) = arguments(payload)?;
    if realm.testaments.add(session, scope, publication) {
        return Ok(Vec::new());
    }
    counters::limited("testaments");
    let text = format!("session has its {} testaments: flush them first", realm.testaments.limit);
    Err(CallError::new(uri::RESOURCE_EXHAUSTED, &text))
}

/// Answers `wamp.session.flush_testaments`.
pub(super) fn flush(
    realm: &mut Realm,
    session: u64,
    payload: &Payload,
) -> Result<Vec<Value>, CallError> {
    let (args, kwargs) = payload.values().map_err(|error| invalid(&error.to_string()))?;
    let scope = scope(args.first().or_else(|| kwargs.get("scope")))?;
    Ok(vec![Value::from(realm.testaments.flush(session, scope) as u64)])
}

fn scope(value: Option<&Value>) -> Result<Scope, CallError> {
    match value {
        None | Some(Value::Null) => Ok(Scope::Destroyed),
        Some(Value::Text(scope)) if scope == "destroyed" => Ok(Scope::Destroyed),
        Some(Value::Text(scope)) if scope == "detached" => Ok(Scope::Detached),
        Some(_) => Err(invalid("argument `scope` must be `destroyed` or `detached`")),
    }
}

/// Reads the options of a publication that make a difference once its session is gone.
fn read_options(options: &Dict, publication: &mut Publication) -> Result<(), CallError> {
    for (name, value) in options.iter().filter(|(_, value)| **value != Value::Null) {
        let wrong = || invalid(&format!("publish option `{name}` is of the wrong type"));
        let flag = || value.as_bool().ok_or_else(wrong);
        let texts = || -> Result<Vec<String>, CallError> {
            let list = value.as_list().ok_or_else(wrong)?;
            list.iter().map(|it| it.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        };
        let ids = || -> Result<Vec<u64>, CallError> {
            let list = value.as_list().ok_or_else(wrong)?;
            list.iter().map(|it| it.as_u64().ok_or_else(wrong)).collect()
        };
        match name {
            "disclose_me" => publication.disclose_me = flag()?,
            "retain" => publication.retain = flag()?,
            "exclude" => publication.exclude = ids()?,
            "exclude_authid" => publication.exclude_authid = texts()?,
            "exclude_authrole" => publication.exclude_authrole = texts()?,
            "eligible" => publication.eligible = Some(ids()?),
            "eligible_authid" => {
                let list = texts()?.into_iter().map(Arc::from).collect();
                publication.eligible_authid = Some(list);
            }
            "eligible_authrole" => publication.eligible_authrole = Some(texts()?),
            // Nobody is left to be acknowledged or excluded, and others may know more options.
            _ => {}
        }
    }
    Ok(())
}

fn invalid(text: &str) -> CallError {
    CallError::new(uri::INVALID_ARGUMENT, text)
}
