//! The ids of WAMP: integers from 1 to 2^53, random where they are global.

/// The largest id that every WAMP peer, JavaScript included, can hold exactly.
pub(crate) const MAX_ID: u64 = 1 << 53;

/// Draws an id of the global scope (sessions, publications, subscriptions, registrations).
pub(crate) fn random_id() -> u64 {
    rand::random_range(1..=MAX_ID)
}
