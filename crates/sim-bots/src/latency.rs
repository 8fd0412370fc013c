//! How long things took, and what is said of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// What is measured, in the order in which a player comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// From the first byte to the router's WELCOME.
    Login,
    /// From there until all that a page needs has arrived.
    Load,
    /// From the call to its answer.
    Acknowledgment,
    /// From another player's call to the event that tells of the decision.
    Partner,
    /// From the last player's call to the event that tells of the result.
    Result,
    /// The checks at the end of a visit; counted, not measured.
    Check,
    /// From the loss of a session until the page is loaded in the next one.
    Return,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::Load,
        Self::Acknowledgment,
        Self::Partner,
        Self::Result,
        Self::Check,
        Self::Return,
    ];

    /// What a person calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Load => "page loaded",
            Self::Acknowledgment => "call -> answer",
            Self::Partner => "decision -> partner",
            Self::Result => "decision -> result",
            Self::Check => "checks",
            Self::Return => "loss -> page loaded",
        }
    }
}

/// Times by step.
#[derive(Clone, Debug, Default)]
pub struct Latencies(BTreeMap<Step, Vec<Duration>>);

/// What is said of many times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many there are.
    pub count: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// Nine of ten took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// None took longer.
    pub max: Duration,
}

impl Latencies {
    /// Adds a time.
    pub fn add(&mut self, step: Step, time: Duration) {
        self.0.entry(step).or_default().push(time);
    }

    /// Adds the times of another.
    pub fn absorb(&mut self, other: Self) {
        for (step, times) in other.0 {
            self.0.entry(step).or_default().extend(times);
        }
    }

    /// Sums a step up.
    #[must_use]
    pub fn summary(&self, step: Step) -> Summary {
        let mut times = self.0.get(&step).cloned().unwrap_or_default();
        times.sort_unstable();
        Summary {
            count: times.len(),
            p50: percentile(&times, 50),
            p90: percentile(&times, 90),
            p99: percentile(&times, 99),
            max: percentile(&times, 100),
        }
    }
}

/// The shortest of the times that at least so many of a hundred do not exceed (the nearest rank:
/// always a time that was measured).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(times: impl IntoIterator<Item = u64>) -> [u128; 4] {
        let mut latencies = Latencies::default();
        for time in times {
            latencies.add(Step::Login, Duration::from_millis(time));
        }
        let Summary { p50, p90, p99, max, .. } = latencies.summary(Step::Login);
        [p50, p90, p99, max].map(|it| it.as_millis())
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        assert_eq!(summary((1..=100).rev()), [50, 90, 99, 100]);
        assert_eq!(summary(1..=1000), [500, 900, 990, 1000]);
        assert_eq!(summary([3, 1, 2]), [2, 3, 3, 3]);
        assert_eq!(summary([7]), [7; 4]);
    }

    #[test]
    fn what_was_not_measured_sums_up_to_nothing() {
        assert_eq!(Latencies::default().summary(Step::Load), Summary::default());
    }

    #[test]
    fn times_of_all_players_are_summed_up_together() {
        let mut all = Latencies::default();
        for time in [1, 3] {
            let mut one = Latencies::default();
            one.add(Step::Result, Duration::from_millis(time));
            all.absorb(one);
        }
        assert_eq!(all.summary(Step::Result).count, 2);
        assert_eq!(all.summary(Step::Result).max, Duration::from_millis(3));
    }
}
