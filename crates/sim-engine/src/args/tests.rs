//! How arguments bind: positions, keywords, defaults, numbers as text.

use serde_json::Value;

use super::*;

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Play {
    operand: f64,
    #[serde(default)]
    round: u8,
    note: Option<String>,
}

fn play(args: &str, kwargs: &str) -> Result<Play, ArgsError> {
    bind(args, kwargs)
}

fn operand(args: &str) -> Result<f64, ArgsError> {
    play(args, "{}").map(|play| play.operand)
}

#[test]
fn positions_and_keywords_meet() {
    let expected = Play { operand: 2.5, round: 3, note: Some("x".into()) };
    assert_eq!(play(r#"[2.5, 3, "x"]"#, "{}"), Ok(expected));
    let expected = Play { operand: 2.5, round: 3, note: None };
    assert_eq!(play("[2.5]", r#"{"other": [], "round": 3}"#), Ok(expected));
}

#[test]
fn null_means_the_default_where_there_is_one() {
    assert_eq!(play("[1, null, null]", "{}"), Ok(Play { operand: 1.0, round: 0, note: None }));
    assert_eq!(operand("[null]"), Err(ArgsError::Missing("operand".into())));
    assert_eq!(operand("[]"), Err(ArgsError::Missing("operand".into())));
}

#[test]
fn numbers_may_be_text() {
    for (args, expected) in
        [(r#"["4"]"#, 4.0), (r#"[" 4 "]"#, 4.0), (r#"["1e3"]"#, 1000.0), (r#"["-0.5"]"#, -0.5)]
    {
        assert_eq!(operand(args), Ok(expected), "{args}");
    }
    assert_eq!(play(r#"[1, "7"]"#, "{}").map(|play| play.round), Ok(7));
}

#[test]
fn other_spellings_are_no_numbers() {
    for args in [
        r#"["1_000"]"#,
        r#"["１"]"#,
        r#"["0x10"]"#,
        r#"["abc"]"#,
        r#"[""]"#,
        "[true]",
        "[[1]]",
        r#"[{"a": 1}]"#,
        r#"["."]"#,
        r#"["1e"]"#,
        r#"["--1"]"#,
    ] {
        assert!(matches!(operand(args), Err(ArgsError::NotANumber(_))), "{args}");
    }
}

#[test]
fn what_is_not_finite_is_told_apart() {
    for args in [r#"["nan"]"#, r#"["-inf"]"#, r#"["Infinity"]"#, "[1e999]", r#"["-1e999"]"#] {
        assert!(matches!(operand(args), Err(ArgsError::NotFinite(_))), "{args}");
    }
}

#[test]
fn surplus_and_doubled_arguments_are_errors() {
    assert_eq!(play("[1, 2, null, 4]", "{}"), Err(ArgsError::Surplus { takes: 3, given: 4 }));
    assert!(matches!(play("[1]", r#"{"operand": 2}"#), Err(ArgsError::Invalid(_))));
    assert_eq!(bind::<()>("[1]", "{}"), Err(ArgsError::Surplus { takes: 0, given: 1 }));
    assert_eq!(bind::<()>("[]", r#"{"any": 1}"#), Ok(()));
}

#[test]
fn any_json_fits_a_value() {
    #[derive(serde::Deserialize)]
    struct Any {
        value: Value,
        raw: Box<RawValue>,
    }
    let Any { value, raw } = bind(r#"[{"a": [1]}, 1e999]"#, "{}").unwrap();
    assert_eq!(value["a"][0], 1);
    assert_eq!(raw.get(), "1e999");
}
