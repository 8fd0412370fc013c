//! The last event of each topic whose publisher asked to keep it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Published;
use crate::MatchPolicy;

/// The retained events, of which the oldest go when there are too many.
#[derive(Debug)]
pub(super) struct Retained {
    /// In the order in which they came.
    events: BTreeMap<u64, Published>,
    by_topic: HashMap<Arc<str>, u64>,
    next: u64,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl Retained {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self {
            events: BTreeMap::new(),
            by_topic: HashMap::new(),
            next: 0,
            bytes: 0,
            most_events,
            most_bytes,
        }
    }

    /// Keeps an event in place of the last one of its topic.
    pub(super) fn put(&mut self, published: Published) {
        let topic = Arc::clone(&published.publication.topic);
        if let Some(last) = self.by_topic.remove(&topic) {
            self.remove(last);
        }
        self.bytes += weight(&published);
        self.events.insert(self.next, published);
        self.by_topic.insert(topic, self.next);
        self.next += 1;
        while self.events.len() > self.most_events || self.bytes > self.most_bytes {
            let Some((oldest, _)) = self.events.first_key_value() else { return };
            self.remove(*oldest);
        }
    }

    fn remove(&mut self, position: u64) {
        if let Some(published) = self.events.remove(&position) {
            self.bytes -= weight(&published);
            self.by_topic.remove(&published.publication.topic);
        }
    }

    /// Walks over the events of the topics that a pattern stands for, in the order in which they
    /// came.
    pub(super) fn of<'a>(
        &'a self,
        pattern: &'a str,
        policy: MatchPolicy,
    ) -> Box<dyn Iterator<Item = &'a Published> + 'a> {
        match policy {
            MatchPolicy::Exact => {
                let position = self.by_topic.get(pattern);
                Box::new(position.and_then(|position| self.events.get(position)).into_iter())
            }
            MatchPolicy::Prefix | MatchPolicy::Wildcard => {
                let matches = move |published: &&Published| {
                    policy.matches(pattern, &published.publication.topic)
                };
                Box::new(self.events.values().filter(matches))
            }
        }
    }
}

fn weight(published: &Published) -> usize {
    published.publication.payload.weight() + published.publication.topic.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payload, Publication};

    fn published(id: u64, topic: &str) -> Published {
        let publication = Publication::new(topic, Payload::from_json(Some("[1]"), None));
        Published { id, publisher: None, disclosed: false, publication }
    }

    fn ids(retained: &Retained, pattern: &str, policy: MatchPolicy) -> Vec<u64> {
        retained.of(pattern, policy).map(|published| published.id).collect()
    }

    #[test]
    fn a_topic_keeps_its_last_event_only() {
        let mut retained = Retained::new(10, 1_000);
        for (id, topic) in [(1, "a.b"), (2, "a.c"), (3, "a.b")] {
            retained.put(published(id, topic));
        }
        assert_eq!(ids(&retained, "a.b", MatchPolicy::Exact), [3]);
        assert_eq!(ids(&retained, "a.", MatchPolicy::Prefix), [2, 3]);
        assert_eq!(ids(&retained, ".c", MatchPolicy::Wildcard), [2]);
        assert_eq!(ids(&retained, "a", MatchPolicy::Exact), [] as [u64; 0]);
    }

    #[test]
    fn oldest_events_make_room() {
        let mut retained = Retained::new(2, 1_000);
        for (id, topic) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            retained.put(published(id, topic));
        }
        assert_eq!(ids(&retained, "", MatchPolicy::Prefix), [3, 4]);
        let mut retained = Retained::new(100, 9);
        for (id, topic) in [(1, "a"), (2, "b"), (3, "c")] {
            retained.put(published(id, topic));
        }
        assert_eq!(ids(&retained, "", MatchPolicy::Prefix), [2, 3]);
        assert_eq!(retained.bytes, 8);
    }
}
