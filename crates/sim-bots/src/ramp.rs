//! Looking for the largest class that is played well.

use std::time::Duration;

use crate::report::Shown;
use crate::{Report, Step, Verdict};

/// The smallest class that is tried.
const SMALLEST: usize = 10;
/// The search ends when the answer is known to a tenth.
const PRECISION: usize = 10;

/// What a search for the largest class found.
#[derive(Debug)]
pub struct Found {
    /// The largest class that was played well, if any was.
    pub largest: Option<Report>,
    /// The smallest class that was not, if any was not.
    pub too_large: Option<Report>,
    /// The limit that acknowledgments had to keep.
    pub limit: Duration,
}

impl Found {
    /// The sentence that says what was found.
    #[must_use]
    pub fn sentence(&self) -> String {
        let limit = Shown(self.limit);
        let why = |report: &Report| match report.verdict(self.limit) {
            Verdict::Fails => format!("{} bots failed", report.failures.len()),
            _ => format!("99 of 100 calls took up to {}", shown_p99(report)),
        };
        match (&self.largest, &self.too_large) {
            (Some(largest), Some(too_large)) => format!(
                "This machine plays a class of {}: every check held, and 99 of 100 calls were \
                 answered within {} (limit {limit}); a class of {} was too large ({}).",
                largest.players,
                shown_p99(largest),
                too_large.players,
                why(too_large)
            ),
            (Some(largest), None) => largest.sentence(self.limit),
            (None, Some(too_large)) => format!(
                "This machine does not even play a class of {} ({}; limit {limit}).",
                too_large.players,
                why(too_large)
            ),
            (None, None) => "No class was tried.".to_owned(),
        }
    }
}

fn shown_p99(report: &Report) -> Shown {
    Shown(report.latencies.summary(Step::Acknowledgment).p99)
}

/// Finds the largest class, up to a size, for which every check holds and 99 of 100
/// acknowledgments keep the limit.
///
/// Doubles the class until one is too large, then halves the gap until it is a tenth. Sizes are
/// multiples of `team`.
///
/// # Errors
/// What `play` fails with.
pub async fn find_class<E>(
    most: usize,
    team: usize,
    limit: Duration,
    mut play: impl AsyncFnMut(usize) -> Result<Report, E>,
) -> Result<Found, E> {
    let team = team.max(1);
    let teams = |players: usize| (players / team).max(1) * team;
    let mut found = Found { largest: None, too_large: None, limit };
    let mut next = Some(teams(SMALLEST.min(most)));
    while let Some(players) = next {
        let report = play(players).await?;
        let plays = report.verdict(limit) == Verdict::Plays;
        *if plays { &mut found.largest } else { &mut found.too_large } = Some(report);
        let good = found.largest.as_ref().map_or(0, |report| report.players);
        next = match &found.too_large {
            None => Some(teams((2 * good).min(most))).filter(|next| *next > good),
            Some(bad) if bad.players - good <= team.max(good / PRECISION) => None,
            Some(bad) => Some(teams(good.midpoint(bad.players)))
                .filter(|next| *next > good && *next < bad.players),
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::player::Visit;

    const LIMIT: Duration = Duration::from_secs(1);

    /// A machine that answers within a millisecond for every `1 / speed` players.
    async fn search(most: usize, capacity: usize) -> (Found, Vec<usize>) {
        let mut tried = Vec::new();
        let found = find_class(most, 2, LIMIT, async |players| {
            tried.push(players);
            let mut report = Report::new(players, 1);
            let mut visit = Visit { rounds: 1, ..Visit::default() };
            let time = if players <= capacity { LIMIT } else { LIMIT * 2 };
            visit.latencies.add(Step::Acknowledgment, time);
            report.add(visit);
            Ok::<_, Infallible>(report)
        });
        let found = found.await.unwrap_or_else(|never| match never {});
        (found, tried)
    }

    #[tokio::test]
    async fn the_class_is_found_between_the_last_good_and_the_first_bad_one() {
        let (found, tried) = search(1000, 100).await;
        assert_eq!(tried, [10, 20, 40, 80, 160, 120, 100, 110]);
        assert_eq!(found.largest.as_ref().unwrap().players, 100);
        assert!(found.sentence().contains("plays a class of 100: "), "{}", found.sentence());
        assert!(found.sentence().contains("a class of 110 was too large"), "{}", found.sentence());
    }

    #[tokio::test]
    async fn the_largest_class_that_may_be_tried_is_tried() {
        let (found, tried) = search(51, 1000).await;
        assert_eq!(tried, [10, 20, 40, 50]);
        assert!(found.sentence().ends_with("a larger class was not tried."));
    }

    #[tokio::test]
    async fn a_machine_that_is_too_slow_for_anybody_is_told_so() {
        let (found, tried) = search(1000, 1).await;
        assert_eq!(tried, [10, 4, 2]);
        assert!(found.sentence().starts_with("This machine does not even play a class of 2"));
    }
}
