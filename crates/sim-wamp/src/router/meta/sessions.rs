//! `wamp.session.*`: who is there, and sending them away.
//!
//! Sessions of the router's own program (trusted ones) can be seen, but not sent away.

use super::{Answer, Meta, Procedure, ids, invalid};
use crate::message::Message;
use crate::router::member::Member;
use crate::router::testaments;
use crate::{CallError, Dict, SessionInfo, Value, uri};

pub(super) fn procedure(name: &str) -> Option<Procedure> {
    let procedure: Procedure = match name {
        "count" => |meta| list(meta).map(|sessions| vec![Value::from(sessions.len() as u64)]),
        "list" => |meta| list(meta).map(|sessions| vec![ids(sessions)]),
        "get" => |meta| get(meta),
        "kill" => kill,
        "kill_by_authid" => kill_by_authid,
        "kill_by_authrole" => kill_by_authrole,
        "kill_all" => |meta| kill_if(meta, 0, |_| true).map(counted),
        "add_testament" => |meta| testaments::add(meta.realm, meta.caller, meta.payload),
        "flush_testaments" => |meta| testaments::flush(meta.realm, meta.caller, meta.payload),
        _ => return None,
    };
    Some(procedure)
}

/// Returns what is told of a session.
pub(crate) fn details(info: &SessionInfo) -> Dict {
    let fields: [(&str, Value); 5] = [
        ("session", info.session.into()),
        ("authid", (&*info.authid).into()),
        ("authrole", (&*info.authrole).into()),
        ("authmethod", (&*info.authmethod).into()),
        ("authprovider", (&*info.authprovider).into()),
    ];
    fields.into_iter().collect()
}

/// Finds the sessions of the roles that the caller names, or all of them.
fn list(meta: &Meta<'_>) -> Result<Vec<u64>, CallError> {
    let roles: Option<Vec<&str>> = match meta.optional(0, "filter_authroles") {
        None => None,
        Some(Value::List(roles)) => {
            let roles: Option<_> = roles.iter().map(Value::as_str).collect();
            Some(roles.ok_or_else(|| invalid("argument `filter_authroles` must be texts"))?)
        }
        Some(_) => return Err(invalid("argument `filter_authroles` must be a list of texts")),
    };
    let is_meant = |member: &Member| {
        roles.as_ref().is_none_or(|roles| roles.contains(&&*member.info.authrole))
    };
    Ok(meta.realm.sessions_that(is_meant))
}

fn get(meta: &Meta<'_>) -> Answer {
    let id = meta.id(0, "session")?;
    let (member, _) = meta.realm.sessions.get(&id).ok_or_else(|| no_such(id))?;
    let mut details = details(&member.info);
    details.insert("joined", member.joined.to_string());
    Ok(vec![details.into()])
}

fn kill(meta: &mut Meta<'_>) -> Answer {
    let id = meta.id(0, "session")?;
    let killed = kill_if(meta, 1, |member| member.session() == id)?;
    if killed.is_empty() { Err(no_such(id)) } else { Ok(Vec::new()) }
}

fn kill_by_authid(meta: &mut Meta<'_>) -> Answer {
    let authid = meta.text(0, "authid")?.to_owned();
    kill_if(meta, 1, |member| *member.info.authid == *authid).map(|killed| vec![ids(killed)])
}

fn kill_by_authrole(meta: &mut Meta<'_>) -> Answer {
    let authrole = meta.text(0, "authrole")?.to_owned();
    kill_if(meta, 1, |member| *member.info.authrole == *authrole).map(counted)
}

/// Sends sessions away, but never the caller itself; the reason and the message for them are the
/// arguments from `index` on.
fn kill_if(
    meta: &mut Meta<'_>,
    index: usize,
    is_meant: impl Fn(&Member) -> bool,
) -> Result<Vec<u64>, CallError> {
    let reason = meta.reason(index)?;
    let message = meta.optional_text(index + 1, "message")?.unwrap_or_default().to_owned();
    let caller = meta.caller;
    let is_meant =
        |member: &Member| !member.trusted && member.session() != caller && is_meant(member);
    let killed = meta.realm.sessions_that(is_meant);
    // Those who go together hear nothing of each other: of each departure all the others would be
    // told, which is too much for their queues and for the realm when thousands go.
    for session in &killed {
        meta.realm.broker.subscriptions.table.leave(*session, &mut meta.realm.out);
    }
    for session in &killed {
        let (message, reason) = (message.clone(), reason.clone());
        meta.realm.end(*session, Message::Goodbye { message, reason });
    }
    Ok(killed)
}

fn counted(killed: Vec<u64>) -> Vec<Value> {
    vec![Value::from(killed.len() as u64)]
}

pub(super) fn no_such(id: u64) -> CallError {
    CallError::new(uri::NO_SUCH_SESSION, &format!("no session `{id}` that this call is for"))
}
