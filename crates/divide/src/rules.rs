//! The rules of a submission: who may submit what, when, and what a refusal reads.
//!
//! They are the same for a call by a player, for a command and for a simulated player.

use std::error::Error;
use std::fmt;

use crate::{DivideError, divide};

/// The role that enters the dividend.
pub const DIVIDEND: &str = "Dividend";
/// The role that enters the divisor.
pub const DIVISOR: &str = "Divisor";
/// The phase in which decisions can be submitted.
pub const PLAY: &str = "Play";
/// The answer to a submission that was accepted.
pub const ACCEPTED: &str = "ok";

/// Why a submission is not accepted; as text, what the player reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The operand is no number.
    NotANumber,
    /// The operand is infinite, or beyond what a number holds.
    NotFinite,
    /// The divisor is zero.
    ZeroDivisor,
    /// The run is in another phase.
    OutsidePlay,
    /// The leader has closed the round.
    RoundClosed,
    /// The quotient is too large for a finite number.
    TooLarge,
}

impl Refusal {
    /// What the player reads.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotANumber => "Please enter a number.",
            Self::NotFinite => "Please enter a finite number.",
            Self::ZeroDivisor => "Cannot divide by zero",
            Self::OutsidePlay => "Decisions can be submitted only during Play.",
            Self::RoundClosed => "This round is closed.",
            Self::TooLarge => "The result is too large.",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Error for Refusal {}

/// Reads an operand as a person types it: decimal digits with or without sign, fraction, exponent
/// and white space around them.
///
/// # Errors
/// When it is no number, or none that is finite.
pub fn read_operand(text: &str) -> Result<f64, Refusal> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(Refusal::NotFinite),
        Err(_) => Err(Refusal::NotANumber),
    }
}

/// What a round allows at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Whether the run is in phase [`PLAY`].
    pub in_play: bool,
    /// Whether the leader has closed the round.
    pub closed: bool,
}

impl Round {
    /// Says whether a role may submit this operand now.
    ///
    /// # Errors
    /// When the operand is a zero divisor, or the round takes none.
    pub fn accept(self, role: &str, operand: f64) -> Result<(), Refusal> {
        if role == DIVISOR && operand == 0.0 {
            return Err(Refusal::ZeroDivisor);
        }
        if !self.in_play {
            return Err(Refusal::OutsidePlay);
        }
        if self.closed {
            return Err(Refusal::RoundClosed);
        }
        Ok(())
    }
}

/// The quotient of what both roles have decided on, once both have.
///
/// # Errors
/// When the quotient is not a finite number: the submission is then refused as a whole.
pub fn outcome(dividend: Option<f64>, divisor: Option<f64>) -> Result<Option<f64>, Refusal> {
    let both = dividend.zip(divisor);
    both.map(|(dividend, divisor)| divide(dividend, divisor)).transpose().map_err(|error| {
        match error {
            DivideError::ZeroDivisor => Refusal::ZeroDivisor,
            DivideError::OperandNotFinite(_) => Refusal::NotFinite,
            DivideError::QuotientNotFinite { .. } => Refusal::TooLarge,
        }
    })
}

#[cfg(test)]
mod tests;
