//! The subscriptions of a realm.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Pattern;
use crate::id::random_id;
use crate::message::{Features, Message, Revoked, code};
use crate::router::member::Member;
use crate::router::outbox::Outbox;
use crate::router::permission::Granted;
use crate::router::table::{Entry, Table};
use crate::{Dict, MatchPolicy, Payload, SessionInfo, Value, counters, uri};

/// The subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    pub(crate) table: Table<Subscription>,
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
        Self { table: Table::default(), limit }
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
        let known = self.table.lookup(&topic, policy).map(|subscription| subscription.id);
        let is_new = known.is_none_or(|id| !self.table.holds(session, id));
        if is_new && !from.trusted && self.table.count(session) >= self.limit {
            counters::limited("subscriptions");
            let text = format!("session has its {} subscriptions: end one first", self.limit);
            let uri = uri::RESOURCE_EXHAUSTED;
            out.send(session, Message::error(code::SUBSCRIBE, request, uri, &text));
            return None;
        }
        let id = known.unwrap_or_else(|| self.create(session, policy, topic, out));
        self.table.hold(session, id);
        let subscriber = Subscriber {
            info: Arc::clone(&from.info),
            features: from.features,
            only: granted.only,
        };
        // Asked once more, it may receive more or less than before.
        self.table.get_mut(id)?.subscribers.insert(session, subscriber);
        out.send(session, Message::Subscribed { request, subscription: id });
        if is_new {
            let args = [session.into(), id.into()];
            out.announce(uri::ON_SUBSCRIBE, Payload::from_values(args, None));
        }
        Some(id)
    }

    fn create(
        &mut self,
        session: u64,
        policy: MatchPolicy,
        topic: Arc<str>,
        out: &mut Outbox,
    ) -> u64 {
        let (id, created) = (random_id(), jiff::Timestamp::now());
        let subscription =
            Subscription { id, topic, policy, created, subscribers: BTreeMap::new() };
        let args = [session.into(), subscription.details().into()];
        out.announce(uri::ON_SUBSCRIPTION_CREATE, Payload::from_values(args, None));
        self.table.insert(subscription);
        id
    }

    /// Ends one subscription of a session.
    pub(crate) fn unsubscribe(
        &mut self,
        session: u64,
        request: u64,
        subscription: u64,
        out: &mut Outbox,
    ) {
        if self.table.withdraw(session, subscription, out) {
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
        let found = self.table.get(subscription);
        let Some(subscriber) = found.and_then(|it| it.subscribers.get(&session)) else {
            return false;
        };
        if subscriber.features.has(Features::SUBSCRIPTION_REVOCATION) {
            let revoked = Some(Box::new(Revoked { id: subscription, reason: reason.to_owned() }));
            out.send(session, Message::Unsubscribed { request: 0, revoked });
        }
        self.table.withdraw(session, subscription, out)
    }
}

impl Entry for Subscription {
    const ON_WITHDRAW: &'static str = uri::ON_UNSUBSCRIBE;
    const ON_DELETE: &'static str = uri::ON_SUBSCRIPTION_DELETE;

    fn id(&self) -> u64 {
        self.id
    }

    fn pattern(&self) -> (&Arc<str>, MatchPolicy) {
        (&self.topic, self.policy)
    }

    fn remove(&mut self, session: u64) -> bool {
        self.subscribers.remove(&session);
        self.subscribers.is_empty()
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
