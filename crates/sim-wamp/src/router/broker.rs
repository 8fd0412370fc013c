//! The broker: who subscribed to what, and who receives a publication.

mod history;
mod retained;
mod subscriptions;

use std::sync::Arc;

pub(crate) use history::{History, Recorded};
use retained::Retained;
use subscriptions::Subscriptions;
pub(crate) use subscriptions::{Subscriber, Subscription};

use metrics::Counter;

use super::member::Member;
use super::outbox::{Notice, Outbox};
use super::permission::Granted;
use crate::id::random_id;
use crate::message::{Caller, EventMessage, Features, Message};
use crate::session::Audience;
use crate::{Limits, Publication, SubscribeOptions, counters};

/// The subscriptions of one realm, and the events that it keeps.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) subscriptions: Subscriptions,
    pub(crate) history: Vec<History>,
    /// How many events were offered to the history.
    offered: u64,
    retained: Retained,
    disclose: bool,
    publications: Counter,
    events: Counter,
}

/// A publication on its way, with what the router knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) id: u64,
    /// Nobody where the router itself publishes.
    pub(crate) publisher: Option<Caller>,
    pub(crate) disclosed: bool,
    pub(crate) publication: Publication,
}

impl Broker {
    pub(crate) fn new(limits: &Limits, history: Vec<History>, disclose: bool) -> Self {
        Self {
            subscriptions: Subscriptions::new(limits.subscriptions),
            history,
            offered: 0,
            retained: Retained::new(limits.retained_events, limits.retained_bytes),
            disclose,
            publications: counters::publications(),
            events: counters::events(),
        }
    }

    /// Subscribes a session, and sends it what was kept for it if it asks for that.
    pub(crate) fn subscribe(
        &mut self,
        from: &Member,
        request: u64,
        options: SubscribeOptions,
        topic: Arc<str>,
        granted: Granted,
        out: &mut Outbox,
    ) {
        let policy = options.policy;
        let subscribed =
            self.subscriptions.subscribe(from, request, policy, Arc::clone(&topic), granted, out);
        if let Some(id) = subscribed
            && options.get_retained
            && let Some(subscription) = self.subscriptions.table.get(id)
            && let Some(subscriber) = subscription.subscribers.get(&from.session())
        {
            for published in self.retained.of(&topic, policy) {
                // That the publisher itself has subscribed later is no reason to withhold it.
                if subscriber.receives(published, &published.publication.audience()) {
                    let event = published.event(subscription.id, true);
                    out.send(from.session(), Message::Event(Arc::new(event)));
                }
            }
        }
    }

    /// Publishes for a session, and acknowledges it if asked to.
    pub(crate) fn publish(
        &mut self,
        from: &Member,
        request: u64,
        publication: Publication,
        granted: &Granted,
        out: &mut Outbox,
    ) {
        let acknowledge = publication.acknowledge;
        let id = self.publish_silently(from, publication, granted.disclose, out);
        if acknowledge {
            out.send(from.session(), Message::Published { request, publication: id });
        }
    }

    /// Publishes for a session and returns the publication's id.
    pub(crate) fn publish_silently(
        &mut self,
        from: &Member,
        publication: Publication,
        disclose: bool,
        out: &mut Outbox,
    ) -> u64 {
        let published = Published {
            id: random_id(),
            publisher: Some(from.info.caller()),
            disclosed: self.disclose || disclose || publication.disclose_me,
            publication,
        };
        let id = published.id;
        self.publications.increment(1);
        self.dispatch(&published, out);
        self.keep(published);
        id
    }

    /// Publishes in the name of the router itself.
    pub(crate) fn announce(&self, notice: Notice, out: &mut Outbox) {
        let publication = Publication::new(notice.topic, notice.payload);
        let id = random_id();
        self.dispatch(&Published { id, publisher: None, disclosed: false, publication }, out);
    }

    fn keep(&mut self, published: Published) {
        self.offered += 1;
        for history in &mut self.history {
            history.record(self.offered, &published);
        }
        if published.publication.retain {
            self.retained.put(published);
        }
    }

    /// Makes one event per matching subscription, which all its receivers share.
    fn dispatch(&self, published: &Published, out: &mut Outbox) {
        let publication = &published.publication;
        let excluded = published.publisher.as_ref().filter(|_| publication.exclude_me);
        let excluded = excluded.map(|publisher| publisher.session);
        let audience = publication.audience();
        let mut events = 0;
        for subscription in self.subscriptions.table.matching(&publication.topic) {
            let event = Arc::new(published.event(subscription.id, false));
            for (session, subscriber) in &subscription.subscribers {
                if Some(*session) != excluded && subscriber.receives(published, &audience) {
                    out.send(*session, Message::Event(Arc::clone(&event)));
                    events += 1;
                }
            }
        }
        self.events.increment(events);
    }
}

impl Published {
    fn event(&self, subscription: u64, retained: bool) -> EventMessage {
        EventMessage {
            subscription,
            publication: self.id,
            topic: Arc::clone(&self.publication.topic),
            publisher: self.publisher.clone(),
            disclosed: self.disclosed,
            retained,
            passthru: self.publication.passthru.clone(),
            payload: self.publication.payload.clone(),
            encoded: Default::default(),
        }
    }
}

impl Subscriber {
    /// Says whether a publication is for this subscriber.
    pub(crate) fn receives(&self, published: &Published, audience: &Audience<'_>) -> bool {
        let publication = &published.publication;
        let narrowed = self.only.as_ref();
        audience.includes(&self.info)
            && narrowed.is_none_or(|only| only.policy.matches(&only.uri, &publication.topic))
            && (publication.passthru.is_none() || self.features.has(Features::SUBSCRIBER_PASSTHRU))
    }
}

#[cfg(test)]
mod tests;
