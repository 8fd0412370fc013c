//! The bounds of a router.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::{Field, Section};
use crate::limits::SlowSubscriber;
use crate::{AttemptLimits, Limits};

/// What can be counted: none at all would let nobody in.
const COUNT: RangeInclusive<u64> = 1..=u32::MAX as u64;
/// Sizes in bytes, up to a terabyte.
const BYTES: RangeInclusive<u64> = 1..=1 << 40;

/// A table whose keys have defaults.
struct Defaults<'a>(Option<Section<'a>>);

impl Defaults<'_> {
    fn integer<N: TryFrom<u64>>(
        &mut self,
        key: &'static str,
        bounds: &RangeInclusive<u64>,
        default: N,
    ) -> N {
        let section = self.0.as_mut();
        section.and_then(|s| s.read(key, |field| field.integer(bounds))).unwrap_or(default)
    }

    fn count<N: TryFrom<u64>>(&mut self, key: &'static str, default: N) -> N {
        self.integer(key, &COUNT, default)
    }

    fn bytes<N: TryFrom<u64>>(&mut self, key: &'static str, default: N) -> N {
        self.integer(key, &BYTES, default)
    }

    fn duration(&mut self, key: &'static str, default: Duration) -> Duration {
        let section = self.0.as_mut();
        section.and_then(|section| section.read(key, Field::duration)).unwrap_or(default)
    }
}

/// Reads the limits of what one peer may take.
pub(super) fn read(section: Option<Section<'_>>) -> Limits {
    let mut given = Defaults(section);
    let d = Limits::default();
    let slow_subscriber = given.0.as_mut().and_then(|section| {
        let choices = [("close", SlowSubscriber::Close), ("drop", SlowSubscriber::Drop)];
        section.read("slow_subscriber", |field| field.choice(&choices))
    });
    // All fields stand here, so that none can be forgotten.
    let limits = Limits {
        message_bytes: given.bytes("message_bytes", d.message_bytes),
        hello_bytes: given.bytes("hello_bytes", d.hello_bytes),
        messages_per_second: given.count("messages_per_second", d.messages_per_second),
        bytes_per_second: given.count("bytes_per_second", d.bytes_per_second),
        queue: given.count("queue", d.queue),
        queue_bytes: given.bytes("queue_bytes", d.queue_bytes),
        slow_subscriber: slow_subscriber.unwrap_or(d.slow_subscriber),
        local_queue: given.count("local_queue", d.local_queue),
        realm_queue: given.count("realm_queue", d.realm_queue),
        connections: given.count("connections", d.connections),
        connections_per_address: given.count("connections_per_address", d.connections_per_address),
        sessions: given.count("sessions", d.sessions),
        subscriptions: given.count("subscriptions", d.subscriptions),
        registrations: given.count("registrations", d.registrations),
        open_calls: given.count("open_calls", d.open_calls),
        testaments: given.count("testaments", d.testaments),
        retained_events: given.count("retained_events", d.retained_events),
        retained_bytes: given.bytes("retained_bytes", d.retained_bytes),
        handshake: given.duration("handshake", d.handshake),
        ping: given.duration("ping", d.ping),
        idle: given.duration("idle", d.idle),
        closing: given.duration("closing", d.closing),
    };
    if let Some(section) = given.0 {
        if limits.idle <= limits.ping {
            section.wrong("idle", "must be longer than `ping`, whose answer it waits for");
        }
        section.finish();
    }
    limits
}

/// Reads how often logins may fail.
pub(super) fn read_attempts(section: Option<Section<'_>>) -> AttemptLimits {
    let mut given = Defaults(section);
    let d = AttemptLimits::default();
    let attempts = AttemptLimits {
        per_authid: given.count("per_authid", d.per_authid),
        per_address: given.count("per_address", d.per_address),
        window: given.duration("window", d.window),
        remembered: given.count("remembered", d.remembered),
    };
    if let Some(section) = given.0 {
        section.finish();
    }
    attempts
}
