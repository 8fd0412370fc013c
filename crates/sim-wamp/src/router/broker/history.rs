//! The last events of the topics that a router is told to remember.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Published;
use crate::access::Pattern;
use crate::{MatchPolicy, SessionInfo};

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
    pub(crate) at: jiff::Timestamp,
    pub(crate) published: Published,
}

impl History {
    pub(crate) fn new(uri: &str, policy: MatchPolicy, limit: usize) -> Self {
        let pattern = Pattern { uri: Arc::from(uri), policy };
        Self { pattern, limit, events: VecDeque::new() }
    }

    /// Remembers an event, if it is one of these, and forgets the oldest if there are too many.
    pub(super) fn record(&mut self, published: &Published) {
        let topic = &published.publication.topic;
        if self.limit == 0 || !self.pattern.policy.matches(&self.pattern.uri, topic) {
            return;
        }
        if self.events.len() >= self.limit {
            self.events.pop_front();
        }
        let at = jiff::Timestamp::now();
        self.events.push_back(Recorded { at, published: published.clone() });
    }

    /// Walks over the events, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Recorded> {
        self.events.iter()
    }
}

impl Recorded {
    /// Says whether the lists of the publication let a session see the event.
    pub(crate) fn is_for(&self, info: &SessionInfo) -> bool {
        self.published.publication.is_for(info)
    }
}
