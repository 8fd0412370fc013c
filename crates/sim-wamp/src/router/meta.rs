//! The meta API: what a realm answers about itself under `wamp.`.

use super::realm::Realm;
use crate::message::CallMessage;
use crate::{CallError, Dict, Payload, SessionInfo, Value};

/// Answers a procedure of the router itself, or nothing if it is none.
pub(super) fn call(
    _realm: &mut Realm,
    _session: u64,
    _call: &CallMessage,
) -> Option<Result<Payload, CallError>> {
    None
}

/// Returns what is told of a session.
pub(super) fn session_details(info: &SessionInfo) -> Dict {
    let fields: [(&str, Value); 5] = [
        ("session", info.session.into()),
        ("authid", (&*info.authid).into()),
        ("authrole", (&*info.authrole).into()),
        ("authmethod", (&*info.authmethod).into()),
        ("authprovider", (&*info.authprovider).into()),
    ];
    fields.into_iter().collect()
}
