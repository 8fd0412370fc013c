//! What a router allows one peer to take of it.

use std::time::Duration;

/// The bounds of a router; what lies beyond one is refused, never buffered.
///
/// The limits on subscriptions, registrations and open calls hold for remote sessions and for
/// those of [`Router::attach_as`](crate::Router::attach_as); trusted sessions have none.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest message that a remote peer may send, in bytes; a longer one closes its socket
    /// with 1009.
    pub message_bytes: usize,
    /// How many messages wait for one remote peer; one more disconnects that peer with 1008.
    pub queue: usize,
    /// How many invocations and events wait for one in-process session; see
    /// [`Incoming`](crate::Incoming) for what happens at the bound.
    pub local_queue: usize,
    /// How many commands wait for a realm; senders wait for a place.
    pub realm_queue: usize,
    /// How many sessions one realm has; one more is aborted with `wamp.error.resource_exhausted`.
    pub sessions: usize,
    /// How many subscriptions one session has; one more answers `wamp.error.resource_exhausted`.
    pub subscriptions: usize,
    /// How many registrations one session has; one more answers `wamp.error.resource_exhausted`.
    pub registrations: usize,
    /// How many of its calls one session has open; one more answers
    /// `wamp.error.resource_exhausted`.
    pub open_calls: usize,
    /// How long a peer may take from the open socket to the end of its authentication.
    pub handshake: Duration,
    /// How often a WebSocket peer is pinged.
    pub ping: Duration,
    /// How long a WebSocket peer may send nothing at all, not even a pong.
    pub idle: Duration,
    /// How long a closing peer is waited for, and how long [`Router::shutdown`](crate::Router::shutdown)
    /// waits for all of them.
    pub closing: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            queue: 8_192,
            local_queue: 262_144,
            realm_queue: 4_096,
            sessions: 100_000,
            subscriptions: 10_000,
            registrations: 10_000,
            open_calls: 4_096,
            handshake: Duration::from_secs(10),
            ping: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            closing: Duration::from_secs(2),
        }
    }
}
