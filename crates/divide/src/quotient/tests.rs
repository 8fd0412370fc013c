//! The division against the model's own examples and against arbitrary numbers.

use proptest::num::f64::{ANY, NORMAL, SUBNORMAL, ZERO};
use proptest::prelude::*;

use super::*;

#[test]
fn a_quarter_goes_five_times_into_five_quarters() {
    assert_eq!(divide(1.25, 0.25), Ok(5.0));
}

#[test]
fn one_over_two_is_a_half() {
    assert_eq!(divide(1.0, 2.0), Ok(0.5));
}

#[test]
fn a_third_has_the_shortest_digits_that_lead_back_to_it() {
    assert_eq!(divide(1.0, 3.0).unwrap().to_string(), "0.3333333333333333");
}

#[test]
fn zero_is_no_divisor_whatever_its_sign() {
    for divisor in [0.0, -0.0] {
        assert_eq!(divide(1.0, divisor), Err(DivideError::ZeroDivisor));
        assert_eq!(divide(0.0, divisor), Err(DivideError::ZeroDivisor));
    }
}

#[test]
fn a_zero_quotient_has_no_sign() {
    for (dividend, divisor) in [(0.0, -3.0), (-0.0, 3.0), (-1e-308, 1e308)] {
        let quotient = divide(dividend, divisor).unwrap();
        assert!(quotient == 0.0 && quotient.is_sign_positive(), "{dividend} / {divisor}");
    }
}

#[test]
fn a_quotient_that_overflows_is_an_error() {
    let error = divide(1e308, 1e-308).unwrap_err();
    assert_eq!(error.to_string(), "the quotient of `1e308` and `1e-308` is too large");
}

#[test]
fn operands_that_are_no_finite_numbers_are_named() {
    for operand in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let expected = format!("`{operand}` is not a finite number");
        assert_eq!(divide(operand, 2.0).unwrap_err().to_string(), expected);
        assert_eq!(divide(2.0, operand).unwrap_err().to_string(), expected);
        assert_eq!(divide(operand, 0.0).unwrap_err().to_string(), expected);
    }
}

proptest! {
    #[test]
    fn a_quotient_is_finite_and_never_negative_zero(dividend in ANY, divisor in ANY) {
        if let Ok(quotient) = divide(dividend, divisor) {
            prop_assert!(quotient.is_finite());
            prop_assert!(quotient != 0.0 || quotient.is_sign_positive());
        }
    }

    #[test]
    fn finite_operands_give_what_the_machine_divides(
        dividend in NORMAL | SUBNORMAL | ZERO,
        divisor in NORMAL | SUBNORMAL,
    ) {
        let expected = dividend / divisor;
        match divide(dividend, divisor) {
            Ok(quotient) => prop_assert_eq!(quotient, expected),
            Err(error) => {
                prop_assert!(expected.is_infinite());
                prop_assert_eq!(error, DivideError::QuotientNotFinite { dividend, divisor });
            }
        }
    }

    #[test]
    fn a_number_over_one_is_itself(dividend in NORMAL | SUBNORMAL) {
        prop_assert_eq!(divide(dividend, 1.0), Ok(dividend));
    }
}
