//! The last events of the topics that a router is told to remember.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Published;
use crate::MatchPolicy;
use crate::access::Pattern;

/// The last events of the topics of one pattern.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pattern: Pattern,
    limit: usize,
    events: VecDeque<Recorded>,
}

/// An event with the time at which it was published.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Counts all recorded events of the realm.
    pub(crate) number: u64,
    pub(crate) at: jiff::Timestamp,
    pub(crate) published: Published,
}

impl History {
    pub(crate) fn new(uri: &str, policy: MatchPolicy, limit: usize) -> Self {
        let pattern = Pattern { uri: Arc::from(uri), policy };
        Self { pattern, limit, events: VecDeque::new() }
    }

    /// Remembers an event, if it is one of these, and forgets the oldest if there are too many.
    ///
    /// Events for or against certain sessions are not remembered: those who ask later have other
    /// ids.
    pub(super) fn record(&mut self, number: u64, published: &Published) {
        let publication = &published.publication;
        let is_for_sessions = publication.eligible.is_some() || !publication.exclude.is_empty();
        let matches = self.pattern.policy.matches(&self.pattern.uri, &publication.topic);
        if self.limit == 0 || is_for_sessions || !matches {
            return;
        }
        if self.events.len() >= self.limit {
            self.events.pop_front();
        }
        let at = jiff::Timestamp::now();
        self.events.push_back(Recorded { number, at, published: published.clone() });
    }

    /// Walks over the events, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Recorded> {
        self.events.iter()
    }

    /// Gives the events other times, the oldest first.
    #[cfg(test)]
    pub(crate) fn set_times(&mut self, mut next: impl FnMut() -> jiff::Timestamp) {
        for event in &mut self.events {
            event.at = next();
        }
    }
}
