//! What a class showed: a table, and one sentence.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::player::Visit;
use crate::{Latencies, Step, Summary};

/// How many failures are told in full.
const TOLD: usize = 10;

/// What a class showed.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many bots were to play.
    pub players: usize,
    /// How many rounds each of them was to play.
    pub rounds: usize,
    /// How many rounds were played to their end, over all bots.
    pub rounds_played: usize,
    /// How long it took from the first arrival to the last goodbye.
    pub duration: Duration,
    /// How long things took.
    pub latencies: Latencies,
    /// How often something went wrong, by step and URI.
    pub errors: BTreeMap<(Step, String), usize>,
    /// What went wrong, one sentence each.
    pub failures: Vec<String>,
}

/// Whether a class was played well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every check held, and the calls were answered in time.
    Plays,
    /// Every check held, but the calls were not answered in time.
    Slow,
    /// Something went wrong.
    Fails,
}

impl Report {
    pub(crate) fn new(players: usize, rounds: usize) -> Self {
        Self {
            players,
            rounds,
            rounds_played: 0,
            duration: Duration::ZERO,
            latencies: Latencies::default(),
            errors: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, visit: Visit) {
        self.rounds_played += visit.rounds;
        self.latencies.absorb(visit.latencies);
        for (step, uri, text) in visit.failures {
            *self.errors.entry((step, uri)).or_default() += 1;
            self.failures.push(text);
        }
    }

    /// Whether nothing went wrong and anything was played at all.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.failures.is_empty() && self.rounds_played > 0
    }

    /// Judges by a limit that 99 of 100 acknowledgments keep.
    #[must_use]
    pub fn verdict(&self, limit: Duration) -> Verdict {
        if !self.is_right() {
            return Verdict::Fails;
        }
        let p99 = self.latencies.summary(Step::Acknowledgment).p99;
        if p99 <= limit { Verdict::Plays } else { Verdict::Slow }
    }

    /// The sentence that says what this run showed, and no more.
    #[must_use]
    pub fn sentence(&self, limit: Duration) -> String {
        let players = self.players;
        let p99 = Shown(self.latencies.summary(Step::Acknowledgment).p99);
        let limit_shown = Shown(limit);
        match self.verdict(limit) {
            Verdict::Plays => format!(
                "This machine plays a class of {players}: every check held, and 99 of 100 calls \
                 were answered within {p99} (limit {limit_shown}); a larger class was not tried."
            ),
            Verdict::Slow => format!(
                "This machine does not play a class of {players} in time: every check held, but 99 \
                 of 100 calls were answered only within {p99} (limit {limit_shown})."
            ),
            Verdict::Fails if self.failures.is_empty() => {
                format!("A class of {players} played nothing, so this run shows nothing.")
            }
            Verdict::Fails => format!(
                "This machine does not play a class of {players}: {} of its bots failed.",
                self.failures.len()
            ),
        }
    }

    /// The report for programs; times are in milliseconds.
    #[must_use]
    pub fn to_json(&self, limit: Duration) -> Value {
        let steps = measured().map(|step| {
            let Summary { count, p50, p90, p99, max } = self.latencies.summary(step);
            let [p50, p90, p99, max] = [p50, p90, p99, max].map(|time| time.as_secs_f64() * 1e3);
            json!({
                "step": step, "count": count, "p50_ms": p50, "p90_ms": p90, "p99_ms": p99,
                "max_ms": max, "errors": self.errors_of(step),
            })
        });
        let errors = self
            .errors
            .iter()
            .map(|((step, uri), count)| json!({"step": step, "uri": uri, "count": count}));
        json!({
            "players": self.players,
            "rounds": self.rounds,
            "rounds_played": self.rounds_played,
            "seconds": self.duration.as_secs_f64(),
            "steps": steps.collect::<Vec<_>>(),
            "errors": errors.collect::<Vec<_>>(),
            "failures": self.failures,
            "right": self.is_right(),
            "plays": self.verdict(limit) == Verdict::Plays,
            "limit_ms": limit.as_secs_f64() * 1e3,
            "sentence": self.sentence(limit),
        })
    }

    fn errors_of(&self, step: Step) -> usize {
        let its = self.errors.iter().filter(|((its, _), _)| *its == step);
        its.map(|(_, count)| count).sum()
    }
}

/// The table, the errors by URI, and the first failures.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} players, {} of {} rounds played to their end in {:.1} s",
            self.players,
            self.rounds_played,
            self.players * self.rounds,
            self.duration.as_secs_f64()
        )?;
        writeln!(
            f,
            "{:<20} {:>7} {:>10} {:>10} {:>10} {:>10} {:>7}",
            "", "count", "p50", "p90", "p99", "max", "errors"
        )?;
        for step in Step::ALL {
            let Summary { count, p50, p90, p99, max } = self.latencies.summary(step);
            write!(f, "{:<20} {count:>7}", step.name())?;
            for time in [p50, p90, p99, max] {
                let time = if count == 0 { String::new() } else { Shown(time).to_string() };
                write!(f, " {time:>10}")?;
            }
            writeln!(f, " {:>7}", self.errors_of(step))?;
        }
        for ((step, uri), count) in &self.errors {
            writeln!(f, "error in {}: {count} x {uri}", step.name())?;
        }
        for failure in self.failures.iter().take(TOLD) {
            writeln!(f, "failed: {failure}")?;
        }
        if let Some(more) = self.failures.len().checked_sub(TOLD).filter(|more| *more > 0) {
            writeln!(f, "failed: and {more} more")?;
        }
        Ok(())
    }
}

fn measured() -> impl Iterator<Item = Step> {
    Step::ALL.into_iter()
}

/// A time as a person reads it.
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 1.0 {
            write!(f, "{:.1} ms", seconds * 1e3)
        } else {
            write!(f, "{seconds:.2} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trouble;

    const LIMIT: Duration = Duration::from_secs(1);

    fn report(times: &[u64], failures: usize) -> Report {
        let mut report = Report::new(2, 1);
        let mut visit = Visit { rounds: 1, ..Visit::default() };
        for time in times {
            visit.latencies.add(Step::Acknowledgment, Duration::from_millis(*time));
        }
        for _ in 0..failures {
            let trouble = Trouble::Late { what: "the result".to_owned(), limit: LIMIT };
            visit.fail(Step::Result, "s1@div.edu", &trouble);
        }
        report.add(visit);
        report
    }

    #[test]
    fn a_class_is_played_when_all_is_right_and_in_time() {
        assert_eq!(report(&[10, 1000], 0).verdict(LIMIT), Verdict::Plays);
        assert_eq!(report(&[10, 1001], 0).verdict(LIMIT), Verdict::Slow);
        assert_eq!(report(&[10], 1).verdict(LIMIT), Verdict::Fails);
        assert_eq!(Report::new(0, 1).verdict(LIMIT), Verdict::Fails);
    }

    #[test]
    fn the_sentence_claims_no_more_than_was_seen() {
        let text = report(&[10], 0).sentence(LIMIT);
        assert!(text.starts_with("This machine plays a class of 2: "), "{text}");
        assert!(text.ends_with("a larger class was not tried."), "{text}");
        let text = report(&[10], 1).sentence(LIMIT);
        assert_eq!(text, "This machine does not play a class of 2: 1 of its bots failed.");
    }

    #[test]
    fn errors_are_counted_by_step_and_uri() {
        let report = report(&[10], 12);
        let text = report.to_string();
        assert!(text.contains("error in decision -> result: 12 x late\n"), "{text}");
        assert!(text.contains("failed: and 2 more\n"), "{text}");
        let json = report.to_json(LIMIT);
        assert_eq!(json["steps"][4]["errors"], 12);
        assert_eq!(json["right"], false);
    }
}
