//! What one asks a collection for.

use std::fmt;

/// Filters of a collection, in the order in which they were added.
///
/// ```
/// use sim_games_types::Lookup;
///
/// let lookup = Lookup::new().with("game_slug", "div").with("active", true);
/// assert_eq!(lookup.to_string(), "game_slug=div, active=true");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup(Vec<(String, String)>);

impl Lookup {
    /// No filter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a filter.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl fmt::Display) -> Self {
        self.0.push((field.into(), value.to_string()));
        self
    }

    /// The filters as pairs of field and value.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{field}={value}")?;
        }
        Ok(())
    }
}
