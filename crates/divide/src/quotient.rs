//! The division itself and what can be wrong with its operands.

use std::error::Error;
use std::fmt;

/// Why two numbers have no quotient.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DivideError {
    /// The divisor is zero.
    ZeroDivisor,
    /// An operand is infinite or not a number.
    OperandNotFinite(f64),
    /// The quotient is too large for a finite number.
    QuotientNotFinite {
        /// The dividend.
        dividend: f64,
        /// The divisor.
        divisor: f64,
    },
}

impl fmt::Display for DivideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroDivisor => f.write_str("cannot divide by zero"),
            Self::OperandNotFinite(operand) => write!(f, "`{operand}` is not a finite number"),
            Self::QuotientNotFinite { dividend, divisor } => {
                write!(f, "the quotient of `{dividend:e}` and `{divisor:e}` is too large")
            }
        }
    }
}

impl Error for DivideError {}

/// Divides the dividend by the divisor.
///
/// # Errors
/// When the divisor is zero, an operand is not finite, or the quotient would not be.
pub fn divide(dividend: f64, divisor: f64) -> Result<f64, DivideError> {
    if let Some(operand) = [dividend, divisor].into_iter().find(|operand| !operand.is_finite()) {
        return Err(DivideError::OperandNotFinite(operand));
    }
    if divisor == 0.0 {
        return Err(DivideError::ZeroDivisor);
    }
    let quotient = dividend / divisor;
    if !quotient.is_finite() {
        return Err(DivideError::QuotientNotFinite { dividend, divisor });
    }
    // IEEE 754: -0.0 + 0.0 is 0.0, and any other number stays what it is.
    Ok(quotient + 0.0)
}

#[cfg(test)]
mod tests;
