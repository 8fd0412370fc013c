//! What a router allows one peer to take of it.

use std::time::Duration;

/// The bounds of a router; what lies beyond one is refused, never buffered.
///
/// The limits on subscriptions, registrations and open calls hold for remote sessions and for
/// those of [`Router::attach_as`](crate::Router::attach_as); trusted sessions have none. Each time
/// that a bound is hit, the counter `wamp_limited_total` goes up under the bound's name.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest message that a remote peer may send, in bytes; a longer one closes its
    /// connection, a WebSocket with 1009.
    pub message_bytes: usize,
    /// The longest HELLO and AUTHENTICATE, in bytes: what strangers may send is less.
    pub hello_bytes: usize,
    /// How many messages a remote peer may send per second, on average over a burst of as many;
    /// what comes faster is read later, so that the peer's own socket slows it down.
    pub messages_per_second: u32,
    /// How many bytes a remote peer may send per second, likewise.
    pub bytes_per_second: u32,
    /// How many messages wait for one remote peer.
    pub queue: usize,
    /// How many bytes wait for one remote peer, about; a longer message waits alone.
    pub queue_bytes: usize,
    /// What happens to an event that finds no room in the queue of its subscriber.
    pub slow_subscriber: SlowSubscriber,
    /// How many invocations and events wait for one in-process session; see
    /// [`Incoming`](crate::Incoming) for what happens at the bound.
    pub local_queue: usize,
    /// How many commands wait for a realm; senders wait for a place.
    pub realm_queue: usize,
    /// How many connections the router has in all; one more is closed at once.
    pub connections: usize,
    /// How many connections come from one address; one more is closed at once.
    pub connections_per_address: usize,
    /// How many sessions one realm has; one more is aborted with `wamp.error.resource_exhausted`.
    pub sessions: usize,
    /// How many subscriptions one session has; one more answers `wamp.error.resource_exhausted`.
    pub subscriptions: usize,
    /// How many registrations one session has; one more answers `wamp.error.resource_exhausted`.
    pub registrations: usize,
    /// How many of its calls one session has open; one more answers
    /// `wamp.error.resource_exhausted`.
    pub open_calls: usize,
    /// How many testaments one session has; one more answers `wamp.error.resource_exhausted`.
    pub testaments: usize,
    /// How many events a realm retains; one more takes the place of the oldest.
    pub retained_events: usize,
    /// How many bytes of events a realm retains, about.
    pub retained_bytes: usize,
    /// How long a peer may take from the open connection to the end of its authentication.
    pub handshake: Duration,
    /// How often a remote peer is pinged.
    pub ping: Duration,
    /// How long a remote peer may send nothing at all, not even a pong.
    pub idle: Duration,
    /// How long a closing peer is waited for, and how long [`Router::shutdown`](crate::Router::shutdown)
    /// waits for all of them.
    pub closing: Duration,
}

/// What happens to an event that finds no room in the queue of its subscriber.
///
/// Answers to calls and other requests are never dropped: where they find no room the session is
/// ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlowSubscriber {
    /// The session is ended: no event is ever lost unnoticed.
    #[default]
    Close,
    /// The event is dropped and counted in `wamp_events_dropped_total`.
    Drop,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            hello_bytes: 16 << 10,
            messages_per_second: 100_000,
            bytes_per_second: 100 << 20,
            queue: 8_192,
            queue_bytes: 16 << 20,
            slow_subscriber: SlowSubscriber::Close,
            local_queue: 262_144,
            realm_queue: 4_096,
            connections: 100_000,
            connections_per_address: 100_000,
            sessions: 100_000,
            subscriptions: 10_000,
            registrations: 10_000,
            open_calls: 4_096,
            testaments: 64,
            retained_events: 10_000,
            retained_bytes: 64 << 20,
            handshake: Duration::from_secs(10),
            ping: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            closing: Duration::from_secs(2),
        }
    }
}
