//! Channel binding: a proof that holds on one TLS connection only, by RFC 9266.

use super::AuthRefused;
use crate::{Dict, Value};

/// The only kind of binding there is; older ones do not exist in TLS 1.3.
pub(super) const TLS_EXPORTER: &str = "tls-exporter";

/// Writes whether there is a binding, for the field `channel_binding`.
pub(super) fn name(channel_id: Option<[u8; 32]>) -> Value {
    channel_id.map_or(Value::Null, |_| TLS_EXPORTER.into())
}

/// Says whether the field `channel_binding` tells of a binding, or of none, as it is here.
pub(super) fn is_named(extra: &Dict, channel_id: Option<[u8; 32]>) -> bool {
    *extra.get("channel_binding").unwrap_or(&Value::Null) == name(channel_id)
}

/// Finds what a client wants its proof to be bound to.
pub(super) fn wanted(
    authextra: &Dict,
    channel_id: Option<[u8; 32]>,
) -> Result<Option<[u8; 32]>, AuthRefused> {
    if is_named(authextra, None) {
        return Ok(None);
    }
    // Whoever wants a binding would not let us leave it out.
    if channel_id.is_some() && is_named(authextra, channel_id) {
        return Ok(channel_id);
    }
    Err(AuthRefused::new(format!(
        "this channel binding is not to be had here: ask for `{TLS_EXPORTER}` on a TLS \
         connection to the router itself, or for none"
    )))
}
