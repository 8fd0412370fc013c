//! How fast a peer may send: what comes faster is read later.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::counters;

/// Two buckets, of messages and of bytes, which hold what a second brings.
#[derive(Debug)]
pub(crate) struct Throttle {
    messages: Bucket,
    bytes: Bucket,
}

/// A bucket as the time at which it will be full: the further that lies ahead, the emptier it is.
#[derive(Debug)]
struct Bucket {
    full_at: Instant,
    /// What one unit costs.
    nanos: u64,
}

impl Throttle {
    pub(crate) fn new(messages_per_second: u32, bytes_per_second: u32) -> Self {
        Self { messages: Bucket::new(messages_per_second), bytes: Bucket::new(bytes_per_second) }
    }

    /// Waits until a message of so many bytes may pass.
    pub(crate) async fn pass(&mut self, bytes: usize) {
        let now = Instant::now();
        let until = self.messages.take(1, now).max(self.bytes.take(bytes as u64, now));
        if until > now {
            counters::limited("rate");
            sleep_until(until).await;
        }
    }
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        Self { full_at: Instant::now(), nanos: 1_000_000_000 / u64::from(per_second.max(1)) }
    }

    /// Takes units out and returns when they are there.
    fn take(&mut self, units: u64, now: Instant) -> Instant {
        let cost = Duration::from_nanos(self.nanos.saturating_mul(units));
        self.full_at = self.full_at.max(now) + cost;
        // It holds what a second brings.
        self.full_at.checked_sub(Duration::from_secs(1)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_s_worth_passes_at_once_and_the_rest_at_the_rate() {
        let mut throttle = Throttle::new(10, 1_000_000);
        let start = Instant::now();
        for _ in 0..10 {
            throttle.pass(1).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..5 {
            throttle.pass(1).await;
        }
        let took = start.elapsed();
        assert!((500..=502).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_count_as_well() {
        let mut throttle = Throttle::new(1_000, 100);
        let start = Instant::now();
        throttle.pass(100).await;
        throttle.pass(100).await;
        let took = start.elapsed();
        assert!((1_000..=1_002).contains(&took.as_millis()), "{took:?}");
    }
}
