//! What stands under patterns and is held by sessions: procedures by their callees, topics by their
//! subscribers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::outbox::Outbox;
use crate::pattern::PatternMap;
use crate::{MatchPolicy, Payload};

/// Something that stands under a pattern as long as a session holds it.
pub(crate) trait Entry {
    /// The meta topic on which it is announced that a session holds it no more.
    const ON_WITHDRAW: &'static str;
    /// The meta topic on which it is announced that nobody does.
    const ON_DELETE: &'static str;

    fn id(&self) -> u64;

    fn pattern(&self) -> (&Arc<str>, MatchPolicy);

    /// Takes a session out, and says whether nobody is left.
    fn remove(&mut self, session: u64) -> bool;
}

/// Entries, found by id, by pattern and by who holds them.
#[derive(Debug)]
pub(crate) struct Table<E> {
    by_id: HashMap<u64, E>,
    by_pattern: PatternMap<u64>,
    by_session: HashMap<u64, HashSet<u64>>,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self {
            by_id: HashMap::new(),
            by_pattern: PatternMap::default(),
            by_session: HashMap::new(),
        }
    }
}

impl<E: Entry> Table<E> {
    /// Puts an entry in, which nobody holds yet.
    pub(crate) fn insert(&mut self, entry: E) {
        let (uri, policy) = entry.pattern();
        self.by_pattern.insert(Arc::clone(uri), policy, entry.id());
        self.by_id.insert(entry.id(), entry);
    }

    /// Notes that a session holds an entry.
    pub(crate) fn hold(&mut self, session: u64, id: u64) {
        self.by_session.entry(session).or_default().insert(id);
    }

    /// Says whether a session holds an entry.
    pub(crate) fn holds(&self, session: u64, id: u64) -> bool {
        self.by_session.get(&session).is_some_and(|own| own.contains(&id))
    }

    /// Says how many entries a session holds.
    pub(crate) fn count(&self, session: u64) -> usize {
        self.by_session.get(&session).map_or(0, HashSet::len)
    }

    /// Takes an entry from a session and announces it; false if it does not hold it.
    pub(crate) fn withdraw(&mut self, session: u64, id: u64, out: &mut Outbox) -> bool {
        let own = self.by_session.get_mut(&session);
        if !own.is_some_and(|own| own.remove(&id)) {
            return false;
        }
        let Some(entry) = self.by_id.get_mut(&id) else { return false };
        let is_last = entry.remove(session);
        let args = || [session.into(), id.into()];
        out.announce(E::ON_WITHDRAW, Payload::from_values(args(), None));
        if is_last {
            let (uri, policy) = entry.pattern();
            self.by_pattern.remove(uri, policy);
            self.by_id.remove(&id);
            out.announce(E::ON_DELETE, Payload::from_values(args(), None));
        }
        true
    }

    /// Takes all its entries from a session that goes.
    pub(crate) fn leave(&mut self, session: u64, out: &mut Outbox) {
        let own: Vec<u64> = self.by_session.get(&session).into_iter().flatten().copied().collect();
        for id in own {
            self.withdraw(session, id, out);
        }
        self.by_session.remove(&session);
    }

    /// Finds an entry by its id.
    pub(crate) fn get(&self, id: u64) -> Option<&E> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut E> {
        self.by_id.get_mut(&id)
    }

    /// Finds the entry of just this pattern.
    pub(crate) fn lookup(&self, uri: &str, policy: MatchPolicy) -> Option<&E> {
        self.by_id.get(self.by_pattern.get(uri, policy)?)
    }

    /// Walks over the entries that a concrete URI belongs to, the most specific first.
    pub(crate) fn matching<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a E> {
        self.by_pattern.matches(uri).filter_map(|id| self.by_id.get(id))
    }

    /// Finds the most specific entry that a concrete URI belongs to.
    pub(crate) fn best_mut(&mut self, uri: &str) -> Option<&mut E> {
        let id = self.by_pattern.matches(uri).next()?;
        self.by_id.get_mut(id)
    }

    /// Walks over all entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.by_id.values()
    }

    /// Says whether nothing is kept of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.by_session.is_empty()
    }
}
