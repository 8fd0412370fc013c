//! How a bot plays Div, and what it must see.

use std::collections::HashMap;

use async_trait::async_trait;
use divide::rules::{DIVIDEND, DIVISOR, outcome};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use sim_bots::{Bot, Moment, Move};

/// What a bot submits, round by round.
#[derive(Debug)]
pub enum Values {
    /// These, and then from the start.
    Scripted(Vec<f64>),
    /// Hundredths between 0.01 and 100, by chance.
    Random(Box<StdRng>),
}

impl Values {
    /// Random values of one of many players; the same seed gives the same ones.
    #[must_use]
    pub fn random(seed: u64, player: usize) -> Self {
        // Far apart, so that players of neighboring seeds do not play alike.
        let its = seed.wrapping_add((player as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self::Random(Box::new(StdRng::seed_from_u64(its)))
    }

    fn next(&mut self, round: usize) -> Option<f64> {
        match self {
            Self::Scripted(values) => {
                let index = round.saturating_sub(1).checked_rem(values.len())?;
                values.get(index).copied()
            }
            Self::Random(random) => Some(f64::from(random.random_range(1..=10_000_u32)) / 100.0),
        }
    }
}

/// A player of Div.
#[derive(Debug)]
pub struct DivBot {
    values: Values,
    /// What it submitted, by period.
    submitted: HashMap<i64, f64>,
}

impl DivBot {
    /// A player who submits these values.
    #[must_use]
    pub fn new(values: Values) -> Self {
        Self { values, submitted: HashMap::new() }
    }
}

#[async_trait]
impl Bot for DivBot {
    async fn decide(&mut self, now: Moment<'_>) -> Option<Move> {
        let value = self.values.next(now.round)?;
        self.submitted.insert(now.period.pk, value);
        // The number field of the stock page delivers text.
        Some(Move::new("submit_decision", vec![json!(value.to_string())]))
    }

    fn check(&self, now: Moment<'_>) -> Result<(), String> {
        let [dividend, divisor] = [operand(now, DIVIDEND)?, operand(now, DIVISOR)?];
        if let Some(own) = self.submitted.get(&now.period.pk) {
            let seen = if now.seat.role_name == DIVIDEND { dividend } else { divisor };
            require(seen.is_some_and(|seen| same(seen, *own)), || {
                format!("{own} was submitted, but the decision says {seen:?}")
            })?;
        }
        let results = now.view.results(now.period.pk);
        require(results.len() == 1, || format!("{} results instead of one", results.len()))?;
        let quotient = results[0].data("quotient");
        let expected = outcome(dividend, divisor).map_err(|refusal| refusal.to_string())?;
        let right = expected.zip(quotient.as_f64()).is_some_and(|(a, b)| same(a, b));
        require(right, || {
            format!("the result of {dividend:?} and {divisor:?} is {quotient}, not {expected:?}")
        })
    }
}

/// The operand that a role has decided on, if it has.
fn operand(now: Moment<'_>, role: &str) -> Result<Option<f64>, String> {
    let pk = now.view.role(role).ok_or_else(|| format!("the game has no role `{role}`"))?;
    let decisions = now.view.decisions(now.period.pk);
    let mut its = decisions.iter().filter(|decision| decision.role() == Some(pk));
    let found = its.next().and_then(|decision| Value::as_f64(decision.data("operand")));
    require(its.next().is_none(), || format!("several decisions of role `{role}`"))?;
    Ok(found)
}

fn require(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

/// Numbers come back digit by digit as they were sent.
fn same(one: f64, other: f64) -> bool {
    one.total_cmp(&other).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripted_values_begin_again_after_the_last() {
        let mut values = Values::Scripted(vec![1.0, 2.0]);
        let played: Vec<_> = (1..=3).map(|round| values.next(round)).collect();
        assert_eq!(played, [Some(1.0), Some(2.0), Some(1.0)]);
        assert_eq!(Values::Scripted(Vec::new()).next(1), None);
    }

    #[test]
    fn random_values_repeat_with_their_seed_and_are_never_zero() {
        let draw = |seed, player| {
            let mut values = Values::random(seed, player);
            (1..=100).filter_map(|round| values.next(round)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert!(draw(1, 2).iter().all(|value| (0.01..=100.0).contains(value)));
    }
}
