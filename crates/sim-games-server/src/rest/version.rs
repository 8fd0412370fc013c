//! Versions of objects: what `ETag` tells and `If-Match` relies on.

use axum::http::HeaderValue;
use axum::http::header::IF_MATCH;
use sim_games_types::{Precondition, Record, Stored, Timestamp};

use super::answer::Refusal;
use super::request::Call;
use crate::error::StoreError;

/// The version of an object: when it was stored last. Users and subscriptions have none.
pub(super) const fn of(object: &Stored) -> Option<Timestamp> {
    match &object.record {
        Record::Hook(_) => None,
        record => record.updated(),
    }
}

/// A version as `ETag` tells it.
pub(super) fn tag(version: Timestamp) -> HeaderValue {
    let tag = format!("\"{}\"", version.micros());
    HeaderValue::from_str(&tag).expect("quotes and digits may stand in a header")
}

/// What must hold when the object is written, by the caller's `If-Match`.
///
/// Whether it holds is found out within the transaction that writes. Here is only chosen which of
/// several versions it is.
pub(super) fn wanted(call: &Call, object: &Stored) -> Result<Vec<Precondition>, Refusal> {
    let given: Vec<&HeaderValue> = call.headers.get_all(IF_MATCH).iter().collect();
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let tags: Vec<&str> = given
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    if tags.contains(&"*") {
        return Ok(Vec::new());
    }
    let current = of(object).ok_or_else(Refusal::version_differs)?;
    let versions: Vec<Timestamp> = tags.into_iter().filter_map(version).collect();
    let first = versions.first().copied().ok_or_else(Refusal::version_differs)?;
    let updated = if versions.contains(&current) { current } else { first };
    let (resource, pk) = (object.record.resource(), object.record.pk());
    Ok(vec![Precondition::Unchanged { resource, pk, updated }])
}

/// The version that a tag names; weak tags name none.
fn version(tag: &str) -> Option<Timestamp> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.parse().ok().map(Timestamp::from_micros)
}

/// A single write relies on nothing but its version.
pub(super) fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::PreconditionFailed { .. } => Refusal::version_differs(),
        error => error.into(),
    }
}
