//! The broker: who subscribed to what, and who receives a publication.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::realm::{Member, Outbox};
use crate::id::random_id;
use crate::message::{EventMessage, Message, code};
use crate::pattern::PatternMap;
use crate::{MatchPolicy, Payload, Publication, SessionInfo, uri};

/// The subscriptions of one realm.
#[derive(Debug)]
pub(crate) struct Broker {
    topics: PatternMap<Subscription>,
    patterns: HashMap<u64, (Arc<str>, MatchPolicy)>,
    sessions: HashMap<u64, HashSet<u64>>,
    /// How many subscriptions a session has at most.
    limit: usize,
    disclose: bool,
}

#[derive(Debug)]
struct Subscription {
    id: u64,
    subscribers: BTreeMap<u64, Arc<SessionInfo>>,
}

impl Broker {
    pub(crate) fn new(limit: usize, disclose: bool) -> Self {
        Self {
            topics: PatternMap::default(),
            patterns: HashMap::new(),
            sessions: HashMap::new(),
            limit,
            disclose,
        }
    }

    /// Subscribes a session; all subscribers of a pattern share one subscription id.
    pub(crate) fn subscribe(
        &mut self,
        from: &Member,
        request: u64,
        policy: MatchPolicy,
        topic: Arc<str>,
        out: &mut Outbox,
    ) {
        let session = from.info.session;
        let own = self.sessions.entry(session).or_default();
        let known = self.topics.get_mut(&topic, policy);
        let is_new = known.as_ref().is_none_or(|known| !known.subscribers.contains_key(&session));
        if is_new && !from.trusted && own.len() >= self.limit {
            let text = format!("session has its {} subscriptions: end one first", self.limit);
            let error = Message::error(code::SUBSCRIBE, request, uri::RESOURCE_EXHAUSTED, &text);
            out.push((session, error));
            return;
        }
        let subscription = if let Some(known) = known {
            known.subscribers.insert(session, Arc::clone(&from.info));
            known.id
        } else {
            let id = random_id();
            let subscribers = BTreeMap::from([(session, Arc::clone(&from.info))]);
            self.patterns.insert(id, (Arc::clone(&topic), policy));
            self.topics.insert(topic, policy, Subscription { id, subscribers });
            id
        };
        own.insert(subscription);
        out.push((session, Message::Subscribed { request, subscription }));
    }

    /// Ends one subscription of a session.
    pub(crate) fn unsubscribe(
        &mut self,
        from: &Member,
        request: u64,
        subscription: u64,
        out: &mut Outbox,
    ) {
        let session = from.info.session;
        let own = self.sessions.get_mut(&session);
        let answer = if own.is_some_and(|own| own.remove(&subscription)) {
            self.remove(session, subscription);
            Message::Unsubscribed { request }
        } else {
            let text = format!("session has no subscription `{subscription}`");
            Message::error(code::UNSUBSCRIBE, request, uri::NO_SUCH_SUBSCRIPTION, &text)
        };
        out.push((session, answer));
    }

    /// Publishes for a session, and acknowledges it if asked to.
    pub(crate) fn publish(
        &mut self,
        from: &Member,
        request: u64,
        publication: &Publication,
        out: &mut Outbox,
    ) {
        let id = self.dispatch(Some(from), publication, out);
        if publication.acknowledge {
            out.push((from.info.session, Message::Published { request, publication: id }));
        }
    }

    /// Publishes in the name of the router itself.
    pub(crate) fn announce(&mut self, topic: &'static str, payload: Payload, out: &mut Outbox) {
        self.dispatch(None, &Publication::new(topic, payload), out);
    }

    /// Forgets a session.
    pub(crate) fn leave(&mut self, session: u64) {
        for subscription in self.sessions.remove(&session).into_iter().flatten() {
            self.remove(session, subscription);
        }
    }

    fn remove(&mut self, session: u64, subscription: u64) {
        let Some((topic, policy)) = self.patterns.get(&subscription) else { return };
        let Some(entry) = self.topics.get_mut(topic, *policy) else { return };
        entry.subscribers.remove(&session);
        if entry.subscribers.is_empty() {
            self.topics.remove(topic, *policy);
            self.patterns.remove(&subscription);
        }
    }

    /// Makes one event per matching subscription, which all its receivers share.
    fn dispatch(&self, from: Option<&Member>, publication: &Publication, out: &mut Outbox) -> u64 {
        let id = random_id();
        let excluded =
            from.filter(|_| publication.exclude_me).map(|publisher| publisher.info.session);
        for subscription in self.topics.matches(&publication.topic) {
            let event = Arc::new(EventMessage {
                subscription: subscription.id,
                publication: id,
                topic: Arc::clone(&publication.topic),
                publisher: from.map(|publisher| publisher.info.caller()),
                disclosed: self.disclose || publication.disclose_me,
                payload: publication.payload.clone(),
                text: OnceLock::new(),
            });
            let for_all = publication.is_for_all();
            for (session, info) in &subscription.subscribers {
                if Some(*session) != excluded && (for_all || publication.is_for(info)) {
                    out.push((*session, Message::Event(Arc::clone(&event))));
                }
            }
        }
        id
    }
}

#[cfg(test)]
mod tests;
