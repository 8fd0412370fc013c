//! Points in time as the Games API writes them.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: UTC, counted in microseconds since 1970.
///
/// The text form always has six digits after the second, for example
/// `2026-03-02T14:05:07.123456Z`, so that texts sort as the times do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text is not an ISO-8601 point in time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a point in time such as `2026-03-02T14:05:07.123456Z`")]
pub struct TimestampError(String);

impl Timestamp {
    /// The present, as the machine's clock has it.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// The point that lies this many microseconds after the start of 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start of 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The present, or the next microsecond after this point when the clock has not moved on.
    ///
    /// A row's `updated` doubles as its version, so it must grow with every change.
    #[must_use]
    pub fn next(self) -> Self {
        Self::now().max(Self(self.0.saturating_add(1)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Out of jiff's range (year 9999) only if a clock is badly broken; then show the number.
        let Ok(instant) = jiff::Timestamp::from_microsecond(self.0) else {
            return write!(f, "{}us", self.0);
        };
        write!(f, "{instant:.6}")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant: jiff::Timestamp =
            text.parse().map_err(|_| TimestampError(text.chars().take(64).collect()))?;
        Ok(Self(instant.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn six_digits_are_always_printed() {
        let time: Timestamp = "2026-03-02T14:05:07Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-03-02T14:05:07.000000Z");
    }

    #[test]
    fn another_offset_is_converted() {
        let time: Timestamp = "2026-03-02T15:05:07.5+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-03-02T14:05:07.500000Z");
    }

    #[test]
    fn next_is_later_even_when_the_clock_stands_still() {
        let future = Timestamp::from_micros(Timestamp::now().micros() + 60_000_000);
        assert_eq!(future.next().micros(), future.micros() + 1);
    }

    #[test]
    fn nonsense_is_named() {
        let error = "tomorrow".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().starts_with("`tomorrow` is not a point in time"));
    }

    proptest! {
        #[test]
        fn text_and_back(micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }
}
