//! `wamp.subscription.get_events`: what was published on the topics of a subscription.

use jiff::Timestamp;

use super::{Answer, Meta, invalid, subscriptions};
use crate::router::broker::{Recorded, Subscriber};
use crate::router::member::Member;
use crate::{CallError, Dict, Value};

/// Answers the remembered events that the caller may see: it must follow the topic itself, and
/// sees no more of the past than it would have received.
pub(super) fn events(meta: &Meta<'_>) -> Answer {
    let subscription = subscriptions::of_id(meta)?;
    let Some((member, _)) = meta.realm.sessions.get(&meta.caller) else {
        return Err(subscriptions::no_such(subscription.id));
    };
    let subscriber = subscription.subscribers.get(&meta.caller);
    if subscriber.is_none() && !member.trusted {
        return Err(subscriptions::no_such(subscription.id));
    }
    let query = Query::read(meta)?;
    let mut recorded: Vec<&Recorded> = all(meta).collect();
    recorded.retain(|it| {
        let topic = &it.published.publication.topic;
        subscription.policy.matches(&subscription.topic, topic)
            && is_for(it, member, subscriber)
            && query.includes(it)
    });
    // The patterns of two histories may overlap.
    recorded.sort_by_key(|it| it.number);
    recorded.dedup_by_key(|it| it.number);
    if query.reverse {
        recorded.reverse();
    }
    recorded.truncate(query.limit);
    let events = recorded.into_iter().map(|it| event(it, subscription.id, member.trusted));
    Ok(vec![Value::List(events.collect())])
}

/// Walks over all that is remembered, of some events more than once.
fn all<'a>(meta: &'a Meta<'_>) -> impl Iterator<Item = &'a Recorded> {
    meta.realm.broker.history.iter().flat_map(|it| it.iter())
}

fn is_for(recorded: &Recorded, member: &Member, subscriber: Option<&Subscriber>) -> bool {
    match subscriber {
        Some(subscriber) => {
            let audience = recorded.published.publication.audience();
            subscriber.receives(&recorded.published, &audience)
        }
        None => member.trusted,
    }
}

fn event(recorded: &Recorded, subscription: u64, trusted: bool) -> Value {
    let published = &recorded.published;
    let mut details = Dict::new();
    details.insert("topic", &*published.publication.topic);
    if let Some(publisher) = published.publisher.as_ref().filter(|_| published.disclosed || trusted)
    {
        details.insert("publisher", publisher.session);
        details.insert("publisher_authid", &*publisher.authid);
        details.insert("publisher_authrole", &*publisher.authrole);
    }
    if let Some(passthru) = &published.publication.passthru {
        details.insert("ppt_scheme", &*passthru.scheme);
        let fields = [
            ("ppt_serializer", &passthru.serializer),
            ("ppt_cipher", &passthru.cipher),
            ("ppt_keyid", &passthru.keyid),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                details.insert(name, &**value);
            }
        }
    }
    let mut event = Dict::new();
    event.insert("timestamp", recorded.at.to_string());
    event.insert("subscription", subscription);
    event.insert("publication", published.id);
    event.insert("details", details);
    let payload = &published.publication.payload;
    // What no other serialization has is left out.
    if let Ok((args, kwargs)) = payload.values() {
        if payload.has_args() {
            event.insert("args", args);
        }
        if payload.has_kwargs() {
            event.insert("kwargs", kwargs);
        }
    }
    event.into()
}

/// The number of the event that is a bound, which is less than that of any event if it is not
/// remembered any more: it was before all that are.
type Place = Option<u64>;

/// Which events somebody wants to see.
#[derive(Debug)]
struct Query {
    limit: usize,
    reverse: bool,
    topic: Option<String>,
    from: [Option<Timestamp>; 2],
    until: [Option<Timestamp>; 2],
    from_publication: [Option<Place>; 2],
    until_publication: [Option<Place>; 2],
}

impl Query {
    fn read(meta: &Meta<'_>) -> Result<Self, CallError> {
        let number = |name: &str, value: Option<&Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_u64().filter(|number| *number > 0);
                let text = format!("argument `{name}` must be a positive integer");
                number.map(Some).ok_or_else(|| invalid(&text))
            }
        };
        let place = |name: &str| -> Result<Option<Place>, CallError> {
            let found = |id| all(meta).find(|it| it.published.id == id).map(|it| it.number);
            Ok(number(name, meta.kwargs.get(name))?.map(found))
        };
        let time = |name: &str| match meta.keyword(name)?.map(str::parse) {
            None => Ok(None),
            Some(Ok(time)) => Ok(Some(time)),
            Some(Err(_)) => {
                Err(invalid(&format!("argument `{name}` must be a timestamp of RFC 3339")))
            }
        };
        let reverse = match meta.kwargs.get("reverse") {
            None | Some(Value::Null) => false,
            Some(value) => value
                .as_bool()
                .ok_or_else(|| invalid("argument `reverse` must be true or false"))?,
        };
        let limit = number("limit", meta.optional(1, "limit"))?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        Ok(Self {
            limit: limit.unwrap_or(usize::MAX),
            reverse,
            topic: meta.keyword("topic")?.map(str::to_owned),
            from: [time("from_time")?, time("after_time")?],
            until: [time("until_time")?, time("before_time")?],
            from_publication: [place("from_publication")?, place("after_publication")?],
            until_publication: [place("until_publication")?, place("before_publication")?],
        })
    }

    fn includes(&self, event: &Recorded) -> bool {
        let [from, after] = self.from_publication;
        let [until, before] = self.until_publication;
        let here = Some(event.number);
        let topic = &*event.published.publication.topic;
        from.is_none_or(|from| here >= from)
            && after.is_none_or(|after| here > after)
            && until.is_none_or(|until| here <= until)
            && before.is_none_or(|before| here < before)
            && self.from[0].is_none_or(|from| event.at >= from)
            && self.from[1].is_none_or(|after| event.at > after)
            && self.until[0].is_none_or(|until| event.at <= until)
            && self.until[1].is_none_or(|before| event.at < before)
            && self.topic.as_deref().is_none_or(|wanted| wanted == topic)
    }
}
