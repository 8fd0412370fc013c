//! When the players of a class arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// When the players of a class arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// All of them in the same moment.
    AllAtOnce,
    /// One after the other, with this much time between them.
    Every(Duration),
    /// By chance, as people come through a door: independently of each other.
    Random {
        /// The same seed brings them at the same times.
        seed: u64,
        /// The time between two of them, on average.
        mean: Duration,
    },
    /// Each at a time of their own, by e-mail address; whoever is not named comes at once.
    Script(BTreeMap<String, Duration>),
}

/// A line of a list of arrivals cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the arrivals reads `{text}`; write an e-mail address and seconds")]
pub struct ArrivalsError {
    /// Which line, from one.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Arrivals {
    /// Reads a list of arrivals: an e-mail address and seconds per line; `#` begins a comment.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn read_script(text: &str) -> Result<Self, ArrivalsError> {
        let mut times = BTreeMap::new();
        for (index, whole) in text.lines().enumerate() {
            let line = whole.split('#').next().unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().collect();
            let (email, time) = match words[..] {
                [] => continue,
                [email, seconds] => (email, read_seconds(seconds)),
                _ => ("", None),
            };
            let error = || ArrivalsError { line: index + 1, text: whole.trim().to_owned() };
            times.insert(email.to_owned(), time.ok_or_else(error)?);
        }
        Ok(Self::Script(times))
    }

    /// How long after the start each of these players arrives, in their order.
    pub(crate) fn times(&self, emails: &[&str]) -> Vec<Duration> {
        match self {
            Self::AllAtOnce => vec![Duration::ZERO; emails.len()],
            Self::Every(gap) => (0..).map(|index| *gap * index).take(emails.len()).collect(),
            Self::Random { seed, mean } => {
                let mut random = StdRng::seed_from_u64(*seed);
                let mut now = Duration::ZERO;
                let mut next = || {
                    // Independent arrivals have exponentially distributed gaps.
                    let chance: f64 = random.random();
                    now += mean.mul_f64(-(1.0 - chance).ln());
                    now
                };
                emails.iter().map(|_| next()).collect()
            }
            Self::Script(times) => {
                emails.iter().map(|email| times.get(*email).copied().unwrap_or_default()).collect()
            }
        }
    }
}

fn read_seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAILS: [&str; 3] = ["a1@div.edu", "a2@div.edu", "a3@div.edu"];

    #[test]
    fn a_gap_lies_between_one_player_and_the_next() {
        let gap = Duration::from_millis(20);
        assert_eq!(Arrivals::Every(gap).times(&EMAILS), [Duration::ZERO, gap, gap * 2]);
        assert_eq!(Arrivals::AllAtOnce.times(&EMAILS), [Duration::ZERO; 3]);
    }

    #[test]
    fn random_arrivals_keep_their_mean_and_repeat_with_their_seed() {
        let emails = ["x"; 2000];
        let arrivals = Arrivals::Random { seed: 7, mean: Duration::from_millis(10) };
        let times = arrivals.times(&emails);
        assert!(times.is_sorted());
        assert_eq!(times, arrivals.times(&emails));
        let mean = times[1999].as_secs_f64() / 2000.0;
        assert!((0.009..0.011).contains(&mean), "{mean}");
        let other = Arrivals::Random { seed: 8, mean: Duration::from_millis(10) };
        assert_ne!(times, other.times(&emails));
    }

    #[test]
    fn a_script_says_when_each_player_comes() {
        let text = "# late\na2@div.edu 1.5\n\na3@div.edu 0 # at once\n";
        let times = Arrivals::read_script(text).unwrap().times(&EMAILS);
        assert_eq!(times, [Duration::ZERO, Duration::from_millis(1500), Duration::ZERO]);
    }

    #[test]
    fn a_line_that_is_no_arrival_is_named() {
        for line in ["a1@div.edu", "a1@div.edu soon", "a1@div.edu -1", "a b c"] {
            let error = Arrivals::read_script(&format!("a1@div.edu 1\n{line}")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (2, line));
        }
    }
}
