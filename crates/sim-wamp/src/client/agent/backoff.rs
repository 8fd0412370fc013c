//! How long an agent waits before it tries again.

use std::time::Duration;

/// How long an agent waits before it tries again what has failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// How many times longer than the last each wait is, at least once.
    pub factor: f64,
    /// The longest wait.
    pub longest: Duration,
    /// The part of each wait, from 0 to 1, of which chance takes some or all away, so that the
    /// clients of a router that restarts do not come back all at once.
    pub jitter: f64,
    /// How long an agent tries to join before it gives up; nothing means for ever.
    pub give_up_after: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            factor: 2.0,
            longest: Duration::from_secs(30),
            jitter: 0.5,
            give_up_after: None,
        }
    }
}

impl Backoff {
    /// Begins a series of attempts; [`Backoff::give_up_after`] is for its owner to look after.
    #[must_use]
    pub fn waits(&self) -> Waits {
        Waits { backoff: self.clone(), next: self.first }
    }
}

/// The waits of one series of attempts.
#[derive(Debug, Clone)]
pub struct Waits {
    backoff: Backoff,
    next: Duration,
}

impl Waits {
    /// Returns how long to wait now; the next wait will be longer.
    pub fn next_wait(&mut self) -> Duration {
        let Backoff { factor, longest, jitter, .. } = self.backoff;
        let wait = self.next.min(longest);
        self.next = times(wait, factor.max(1.0)).min(longest);
        let kept = 1.0 - jitter.clamp(0.0, 1.0) * rand::random::<f64>();
        times(wait, kept).min(wait)
    }

    /// Starts the series anew.
    pub fn reset(&mut self) {
        self.next = self.backoff.first;
    }
}

/// Multiplies; what no duration can hold becomes the longest.
fn times(wait: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoff(first: u64, factor: f64, longest: u64, jitter: f64) -> Backoff {
        let (first, longest) = (Duration::from_millis(first), Duration::from_millis(longest));
        Backoff { first, factor, longest, jitter, give_up_after: None }
    }

    #[test]
    fn waits_grow_up_to_the_longest_and_start_anew() {
        let mut waits = backoff(100, 2.0, 500, 0.0).waits();
        let millis = |waits: &mut Waits| waits.next_wait().as_millis();
        assert_eq!([(); 5].map(|()| millis(&mut waits)), [100, 200, 400, 500, 500]);
        waits.reset();
        assert_eq!(millis(&mut waits), 100);
    }

    #[test]
    fn the_first_wait_is_no_longer_than_the_longest() {
        let mut waits = backoff(900, 2.0, 500, 0.0).waits();
        assert_eq!(waits.next_wait(), Duration::from_millis(500));
    }

    proptest! {
        #[test]
        fn chance_only_shortens_waits_and_only_by_its_part(
            first in 0_u64..10_000,
            factor in 0.0..1e300_f64,
            longest in 0_u64..100_000,
            jitter in 0.0..1.0_f64,
        ) {
            let mut exact = backoff(first, factor, longest, 0.0).waits();
            let mut waits = backoff(first, factor, longest, jitter).waits();
            let mut last = Duration::ZERO;
            for _ in 0..20 {
                let (whole, wait) = (exact.next_wait(), waits.next_wait());
                prop_assert!(whole >= last && whole <= Duration::from_millis(longest));
                let least = whole.as_secs_f64() * (1.0 - jitter) - 1e-6;
                prop_assert!(wait <= whole && wait.as_secs_f64() >= least);
                last = whole;
            }
        }
    }

    #[test]
    fn nonsense_neither_panics_nor_lengthens() {
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            let mut waits = backoff(100, nonsense, 500, nonsense).waits();
            for _ in 0..5 {
                assert!(waits.next_wait() <= Duration::from_millis(500));
            }
        }
    }
}
