//! `wamp.subscription.*`: who follows which topics, and what was published there.

use super::{Answer, Meta, Procedure, by_policy, history, ids, sessions};
use crate::router::broker::Subscription;
use crate::{CallError, Value, uri};

pub(super) fn procedure(name: &str) -> Option<Procedure> {
    let procedure: Procedure = match name {
        "list" => |meta| {
            let all = meta.realm.broker.subscriptions.table.iter();
            Ok(vec![by_policy(all.map(|it| (it.policy, it.id)))])
        },
        "lookup" => |meta| lookup(meta),
        "match" => |meta| find(meta),
        "get" => |meta| of_id(meta).map(|it| vec![it.details().into()]),
        "list_subscribers" => {
            |meta| of_id(meta).map(|it| vec![ids(it.subscribers.keys().copied())])
        }
        "count_subscribers" => {
            |meta| of_id(meta).map(|it| vec![Value::from(it.subscribers.len() as u64)])
        }
        "remove_subscriber" => remove_subscriber,
        "get_events" => |meta| history::events(meta),
        _ => return None,
    };
    Some(procedure)
}

fn lookup(meta: &Meta<'_>) -> Answer {
    let (topic, policy) = (meta.text(0, "topic")?, meta.policy()?);
    let found = meta.realm.broker.subscriptions.table.lookup(topic, policy);
    Ok(vec![found.map_or(Value::Null, |it| it.id.into())])
}

fn find(meta: &Meta<'_>) -> Answer {
    let topic = meta.text(0, "topic")?;
    let mut found =
        meta.realm.broker.subscriptions.table.matching(topic).map(|it| it.id).peekable();
    Ok(vec![if found.peek().is_some() { ids(found) } else { Value::Null }])
}

pub(super) fn of_id<'a>(meta: &'a Meta<'_>) -> Result<&'a Subscription, CallError> {
    let id = meta.id(0, "subscription")?;
    meta.realm.broker.subscriptions.table.get(id).ok_or_else(|| no_such(id))
}

pub(super) fn no_such(id: u64) -> CallError {
    CallError::new(uri::NO_SUCH_SUBSCRIPTION, &format!("no subscription `{id}`"))
}

fn remove_subscriber(meta: &mut Meta<'_>) -> Answer {
    let subscription = of_id(meta)?.id;
    let session = meta.id(1, "subscriber")?;
    let reason = meta.reason(2)?;
    let realm = &mut *meta.realm;
    if realm.broker.subscriptions.revoke(session, subscription, &reason, &mut realm.out) {
        Ok(Vec::new())
    } else {
        Err(sessions::no_such(session))
    }
}
