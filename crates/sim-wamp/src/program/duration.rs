//! Durations as people write them.

use std::time::Duration;

/// The longest duration that is taken; clocks could not be set to much longer ones.
const MOST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// What to give instead of what is no duration.
pub(super) const EXPECTED: &str =
    "give seconds, or a number with its unit (`ms`, `s`, `m`, `h`) such as `10s`, up to a year";

/// Reads a duration that is longer than nothing: `10s`, `500ms`, `2m`, `1.5h`, or plain seconds.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(EXPECTED),
    };
    let number: f64 = digits.trim_end().parse().map_err(|_| EXPECTED)?;
    from_seconds(number * factor)
}

/// Makes a duration that is longer than nothing.
pub(super) fn from_seconds(seconds: f64) -> Result<Duration, &'static str> {
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| EXPECTED)?;
    if duration.is_zero() || duration > MOST {
        return Err(EXPECTED);
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_unit_or_are_seconds() {
        for (text, millis) in [
            ("10s", 10_000),
            ("10", 10_000),
            ("0.25", 250),
            ("500ms", 500),
            ("2m", 120_000),
            ("1.5h", 5_400_000),
            (" 3 s ", 3_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_refused() {
        for text in
            ["", "s", "0", "0s", "-1s", "1d", "1 s s", "NaN", "inf", "infs", "1e12", "9000h", "ten"]
        {
            assert_eq!(parse(text), Err(EXPECTED), "{text}");
        }
    }
}
