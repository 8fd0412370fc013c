//! What sessions want to be published when they are gone.

use std::collections::HashMap;

use crate::Publication;

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

/// Reads the arguments of `wamp.session.add_testament`: the topic and what is published there.
pub(crate) fn arguments(
    payload: &crate::Payload,
) -> Result<(String, Publication), crate::CallError> {
    let (args, _) = payload.values().unwrap_or_default();
    let topic = args.first().and_then(crate::Value::as_str).unwrap_or_default().to_owned();
    Ok((topic.clone(), Publication::new(topic, crate::Payload::empty())))
}
