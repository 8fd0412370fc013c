//! The subscriptions of a realm.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::access::Pattern;
use crate::id::random_id;
use crate::message::{Features, Message, Revoked, code};
use crate::pattern::PatternMap;
use crate::router::member::Member;
use crate::router::outbox::Outbox;
use crate::router::permission::Granted;
use crate::{Dict, MatchPolicy, Payload, SessionInfo, Value, counters, uri};

/// The subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    by_id: HashMap<u64, Subscription>,
    by_pattern: PatternMap<u64>,
    by_session: HashMap<u64, HashSet<u64>>,
    /// How many subscriptions a session has at most.
    limit: usize,
}

/// A topic, or all topics of a pattern; all its subscribers share one id.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) topic: Arc<str>,
    pub(crate) policy: MatchPolicy,
    pub(crate) created: jiff::Timestamp,
    pub(crate) subscribers: BTreeMap<u64, Subscriber>,
}

/// A session that receives the events of a subscription.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) info: Arc<SessionInfo>,
    pub(crate) features: Features,
    /// All that it receives, if that is less than the subscription has.
    pub(crate) only: Option<Box<Pattern>>,
}

impl Subscriptions {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_id: HashMap::new(),
            by_pattern: PatternMap::default(),
            by_session: HashMap::new(),
            limit,
        }
    }

    /// Says whether nothing is kept of anybody.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.by_session.is_empty()
    }

    /// Subscribes a session, answers it, and returns the subscription's id.
    pub(super) fn subscribe(
        &mut self,
        from: &Member,
        request: u64,
        policy: MatchPolicy,
        topic: Arc<str>,
        granted: Granted,
        out: &mut Outbox,
    ) -> Option<u64> {
        let session = from.session();
        let own = self.by_session.entry(session).or_default();
        let known = self.by_pattern.get(&topic, policy).copied();
        let is_new = known.is_none_or(|id| !own.contains(&id));
        if is_new && !from.trusted && own.len() >= self.limit {
            counters::limited("subscriptions");
            let text = format!("session has its {} subscriptions: end one first", self.limit);
            let uri = uri::RESOURCE_EXHAUSTED;
            out.send(session, Message::error(code::SUBSCRIBE, request, uri, &text));
            return None;
        }
        let id = known.unwrap_or_else(random_id);
        own.insert(id);
        if known.is_none() {
            self.create(id, session, policy, topic, out);
        }
        let subscriber = Subscriber {
            info: Arc::clone(&from.info),
            features: from.features,
            only: granted.only,
        };
        // Asked once more, it may receive more or less than before.
        self.by_id.get_mut(&id)?.subscribers.insert(session, subscriber);
        out.send(session, Message::Subscribed { request, subscription: id });
        if is_new {
            let args = [session.into(), id.into()];
            out.announce(uri::ON_SUBSCRIBE, Payload::from_values(args, None));
        }
        Some(id)
    }

    fn create(
        &mut self,
        id: u64,
        session: u64,
        policy: MatchPolicy,
        topic: Arc<str>,
        out: &mut Outbox,
    ) {
        let subscription = Subscription {
            id,
            topic: Arc::clone(&topic),
            policy,
            created: jiff::Timestamp::now(),
            subscribers: BTreeMap::new(),
        };
        let args = [session.into(), subscription.details().into()];
        out.announce(uri::ON_SUBSCRIPTION_CREATE, Payload::from_values(args, None));
        self.by_pattern.insert(topic, policy, id);
        self.by_id.insert(id, subscription);
    }

    /// Ends one subscription of a session.
    pub(crate) fn unsubscribe(
        &mut self,
        session: u64,
        request: u64,
        subscription: u64,
        out: &mut Outbox,
    ) {
        if self.withdraw(session, subscription, out) {
            out.send(session, Message::Unsubscribed { request, revoked: None });
        } else {
            let text = format!("session has no subscription `{subscription}`");
            let uri = uri::NO_SUCH_SUBSCRIPTION;
            out.send(session, Message::error(code::UNSUBSCRIBE, request, uri, &text));
        }
    }

    /// Takes a subscription from a session and tells it; false if it has no such one.
    pub(crate) fn revoke(
        &mut self,
        session: u64,
        subscription: u64,
        reason: &str,
        out: &mut Outbox,
    ) -> bool {
        let found = self.by_id.get(&subscription);
        let Some(subscriber) = found.and_then(|it| it.subscribers.get(&session)) else {
            return false;
        };
        if subscriber.features.has(Features::SUBSCRIPTION_REVOCATION) {
            let revoked = Some(Box::new(Revoked { id: subscription, reason: reason.to_owned() }));
            out.send(session, Message::Unsubscribed { request: 0, revoked });
        }
        self.withdraw(session, subscription, out)
    }

    fn withdraw(&mut self, session: u64, id: u64, out: &mut Outbox) -> bool {
        let own = self.by_session.get_mut(&session);
        if !own.is_some_and(|own| own.remove(&id)) {
            return false;
        }
        let Some(subscription) = self.by_id.get_mut(&id) else { return false };
        subscription.subscribers.remove(&session);
        let args = || [session.into(), id.into()];
        out.announce(uri::ON_UNSUBSCRIBE, Payload::from_values(args(), None));
        if subscription.subscribers.is_empty() {
            self.by_pattern.remove(&subscription.topic, subscription.policy);
            self.by_id.remove(&id);
            out.announce(uri::ON_SUBSCRIPTION_DELETE, Payload::from_values(args(), None));
        }
        true
    }

    /// Forgets a session.
    pub(crate) fn leave(&mut self, session: u64, out: &mut Outbox) {
        let own: Vec<u64> = self.by_session.get(&session).into_iter().flatten().copied().collect();
        for id in own {
            self.withdraw(session, id, out);
        }
        self.by_session.remove(&session);
    }

    /// Walks over the subscriptions that a topic belongs to.
    pub(crate) fn matching<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Subscription> {
        self.by_pattern.matches(topic).filter_map(|id| self.by_id.get(id))
    }

    /// Finds the subscription of just this pattern.
    pub(crate) fn lookup(&self, topic: &str, policy: MatchPolicy) -> Option<&Subscription> {
        self.by_id.get(self.by_pattern.get(topic, policy)?)
    }

    /// Finds a subscription by its id.
    pub(crate) fn get(&self, id: u64) -> Option<&Subscription> {
        self.by_id.get(&id)
    }

    /// Walks over all subscriptions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.by_id.values()
    }
}

impl Subscription {
    /// Returns what the meta API tells of the subscription.
    pub(crate) fn details(&self) -> Dict {
        let fields: [(&str, Value); 4] = [
            ("id", self.id.into()),
            ("created", self.created.to_string().into()),
            ("uri", (&*self.topic).into()),
            ("match", self.policy.name().into()),
        ];
        fields.into_iter().collect()
    }
}
