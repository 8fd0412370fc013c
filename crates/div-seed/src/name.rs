//! The name of a run, from which its players' names follow.

use std::fmt;
use std::str::FromStr;

/// What the local part of an e-mail address may hold besides letters and digits (RFC 5322).
const SPECIAL: &str = "!#$%&'*+/=?^_`{|}~-";

/// RFC 5321 allows 64 characters before the `@`; a player's number takes up to five of them.
const LONGEST: usize = 59;

/// A name that a run can have and from which players' e-mail addresses can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName(String);

/// A text is no name of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunNameError {
    /// It is empty or blank.
    #[error("a run needs a name; leave the option out for `{}`", RunName::DEFAULT)]
    Empty,
    /// It is too long.
    #[error("the name has {0} characters, and at most {LONGEST} fit into an e-mail address")]
    TooLong(usize),
    /// It holds a character that no e-mail address may hold.
    #[error("`{0}` cannot stand in the players' e-mail addresses; use letters, digits, `-` or `_`")]
    Character(char),
    /// It has a dot at its start, or two in a row.
    #[error("an e-mail address can neither begin with a dot nor have two in a row")]
    Dots,
}

impl RunName {
    /// The name of a run whose players are `s1`, `s2` and so on.
    pub const DEFAULT: &'static str = "default";

    /// The default name.
    #[must_use]
    pub fn default_run() -> Self {
        Self(Self::DEFAULT.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the number in a player's e-mail address and password.
    pub(crate) fn prefix(&self) -> &str {
        if self.0 == Self::DEFAULT { "s" } else { &self.0 }
    }

    /// The last name of the run's players.
    pub(crate) fn last_name(&self) -> String {
        // A run named `s` has the players of the default run, who are there already.
        let prefix = self.prefix();
        if prefix == "s" {
            return "User".to_owned();
        }
        let mut characters = prefix.chars();
        let first = characters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(characters).collect()
    }
}

impl FromStr for RunName {
    type Err = RunNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |it: char| it.is_ascii_alphanumeric() || it == '.' || SPECIAL.contains(it);
        if text.trim().is_empty() {
            return Err(RunNameError::Empty);
        }
        if let Some(character) = text.chars().find(|&it| !allowed(it)) {
            return Err(RunNameError::Character(character));
        }
        if text.starts_with('.') || text.contains("..") {
            return Err(RunNameError::Dots);
        }
        if text.len() > LONGEST {
            return Err(RunNameError::TooLong(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RunName {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_run_has_students() {
        for name in [name("default"), RunName::default_run()] {
            assert_eq!((name.prefix(), name.last_name().as_str()), ("s", "User"));
        }
    }

    #[test]
    fn a_named_run_gives_its_name_to_its_players() {
        for (text, last_name) in [("a", "A"), ("spring", "Spring"), ("x.Y_z-1", "X.Y_z-1")] {
            assert_eq!((name(text).prefix(), name(text).last_name().as_str()), (text, last_name));
        }
    }

    #[test]
    fn a_run_named_s_shares_the_default_players() {
        assert_eq!((name("s").prefix(), name("s").last_name().as_str()), ("s", "User"));
    }

    #[test]
    fn what_makes_no_address_is_refused() {
        let error = |text: &str| text.parse::<RunName>().unwrap_err();
        assert_eq!(error(""), RunNameError::Empty);
        assert_eq!(error("  \t"), RunNameError::Empty);
        assert_eq!(error("a b"), RunNameError::Character(' '));
        assert_eq!(error("a@b"), RunNameError::Character('@'));
        assert_eq!(error("é"), RunNameError::Character('é'));
        assert_eq!(error(".a"), RunNameError::Dots);
        assert_eq!(error("a..b"), RunNameError::Dots);
        assert_eq!(error(&"a".repeat(60)), RunNameError::TooLong(60));
        assert_eq!(name(&"a".repeat(59)).as_str().len(), 59);
    }
}
