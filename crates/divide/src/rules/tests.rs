//! Operands in all their spellings, and the rounds that take them.

use super::*;

const OPEN: Round = Round { in_play: true, closed: false };

#[test]
fn numbers_in_all_their_spellings_are_read() {
    for (text, number) in [
        ("10", 10.0),
        (" 4 ", 4.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("-0.5", -0.5),
        ("+7", 7.0),
        (".5", 0.5),
        ("5.", 5.0),
    ] {
        assert_eq!(read_operand(text), Ok(number), "{text}");
    }
}

#[test]
fn what_is_no_finite_number_is_refused() {
    for text in ["", " ", ".", "e3", "abc", "1_000", "１", "0x10", "1,5", "1 2", "true"] {
        assert_eq!(read_operand(text), Err(Refusal::NotANumber), "{text}");
    }
    for text in ["nan", "inf", "-Infinity", "1e999"] {
        assert_eq!(read_operand(text), Err(Refusal::NotFinite), "{text}");
    }
}

#[test]
fn only_the_divisor_must_not_be_zero() {
    assert_eq!(OPEN.accept(DIVISOR, -0.0), Err(Refusal::ZeroDivisor));
    assert_eq!(OPEN.accept(DIVIDEND, 0.0), Ok(()));
    assert_eq!(OPEN.accept(DIVISOR, 0.1), Ok(()));
}

#[test]
fn a_round_that_takes_no_submission_says_why() {
    let debrief = Round { in_play: false, ..OPEN };
    assert_eq!(debrief.accept(DIVIDEND, 1.0), Err(Refusal::OutsidePlay));
    let closed = Round { closed: true, ..OPEN };
    assert_eq!(closed.accept(DIVIDEND, 1.0).unwrap_err().to_string(), "This round is closed.");
}

#[test]
fn one_decision_alone_has_no_outcome() {
    assert_eq!(outcome(Some(1.0), None), Ok(None));
    assert_eq!(outcome(None, Some(2.0)), Ok(None));
    assert_eq!(outcome(Some(1.0), Some(2.0)), Ok(Some(0.5)));
    assert_eq!(outcome(Some(1e308), Some(1e-308)), Err(Refusal::TooLarge));
}
