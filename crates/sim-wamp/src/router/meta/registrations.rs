//! `wamp.registration.*`: who offers which procedures.
//!
//! Those of the router's own program can be seen, but not taken away.

use super::{Answer, Meta, Procedure, by_policy, ids, sessions};
use crate::router::dealer::Registration;
use crate::{CallError, Value, uri};

pub(super) fn procedure(name: &str) -> Option<Procedure> {
    let procedure: Procedure = match name {
        "list" => |meta| Ok(vec![by_policy(all(meta).map(|it| (it.policy, it.id)))]),
        "lookup" => |meta| lookup(meta),
        "match" => |meta| find(meta),
        "get" => |meta| of_id(meta).map(|it| vec![it.details().into()]),
        "list_callees" => |meta| of_id(meta).map(|it| vec![ids(callees(it))]),
        "count_callees" => |meta| of_id(meta).map(|it| vec![Value::from(it.callees.len() as u64)]),
        "remove_callee" => remove_callee,
        _ => return None,
    };
    Some(procedure)
}

fn all<'a>(meta: &'a Meta<'_>) -> impl Iterator<Item = &'a Registration> {
    meta.realm.dealer.registrations.table.iter()
}

fn callees(registration: &Registration) -> impl Iterator<Item = u64> {
    registration.callees.iter().map(|callee| callee.session)
}

fn lookup(meta: &Meta<'_>) -> Answer {
    let (procedure, policy) = (meta.text(0, "uri")?, meta.policy()?);
    Ok(id(meta.realm.dealer.registrations.table.lookup(procedure, policy)))
}

fn find(meta: &Meta<'_>) -> Answer {
    let procedure = meta.text(0, "uri")?;
    Ok(id(meta.realm.dealer.registrations.table.matching(procedure).next()))
}

fn id(registration: Option<&Registration>) -> Vec<Value> {
    vec![registration.map_or(Value::Null, |it| it.id.into())]
}

fn of_id<'a>(meta: &'a Meta<'_>) -> Result<&'a Registration, CallError> {
    let id = meta.id(0, "registration")?;
    let found = meta.realm.dealer.registrations.table.get(id);
    found.ok_or_else(|| {
        CallError::new(uri::NO_SUCH_REGISTRATION, &format!("no registration `{id}`"))
    })
}

fn remove_callee(meta: &mut Meta<'_>) -> Answer {
    let registration = of_id(meta)?.id;
    let session = meta.id(1, "callee")?;
    let reason = meta.reason(2)?;
    let realm = &mut *meta.realm;
    let is_foreign = realm.sessions.get(&session).is_none_or(|(member, _)| !member.trusted);
    let registrations = &mut realm.dealer.registrations;
    if is_foreign && registrations.revoke(session, registration, &reason, &mut realm.out) {
        Ok(Vec::new())
    } else {
        Err(sessions::no_such(session))
    }
}
