//! Who plays what: lists of e-mail addresses, with or without numbers.

/// A player of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Login name.
    pub email: String,
    /// What to submit, round by round and then from the start; empty in a classic list.
    pub values: Vec<f64>,
}

/// A list of players.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script(pub Vec<Line>);

/// A line of a script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the script reads `{text}`; write an e-mail address and numbers")]
pub struct ScriptError {
    /// Which line, from one.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Script {
    /// Reads a script: per line an e-mail address and what it submits; `#` begins a comment.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn read(text: &str) -> Result<Self, ScriptError> {
        let mut lines = Vec::new();
        for (index, whole) in text.lines().enumerate() {
            let mut words = whole.split('#').next().unwrap_or_default().split_whitespace();
            let Some(email) = words.next() else { continue };
            let error = || ScriptError { line: index + 1, text: whole.trim().to_owned() };
            let values: Result<Vec<f64>, _> = words.map(str::parse).collect();
            let values = values.map_err(|_| error())?;
            let is_email = email.split_once('@').is_some_and(|(local, _)| !local.is_empty());
            if !is_email || values.iter().any(|value| !value.is_finite()) {
                return Err(error());
            }
            lines.push(Line { email: email.to_owned(), values });
        }
        Ok(Self(lines))
    }

    /// What an address submits, if the script names it.
    #[must_use]
    pub fn line(&self, email: &str) -> Option<&Line> {
        self.0.iter().find(|line| line.email.eq_ignore_ascii_case(email))
    }

    /// The runs that a classic list names: the first letters of its addresses.
    #[must_use]
    pub fn runs(&self) -> Vec<String> {
        let mut runs: Vec<String> =
            self.0.iter().filter_map(|line| line.email.chars().next()).map(String::from).collect();
        runs.sort();
        runs.dedup();
        runs
    }

    /// Whether it is a classic list: addresses alone.
    #[must_use]
    pub fn is_classic(&self) -> bool {
        self.0.iter().all(|line| line.values.is_empty())
    }
}

/// What a player is called before the `@`; in Div also the password.
pub(crate) fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}

/// The number in a player's name: `a3@div.edu` plays 3.
pub(crate) fn value_in(email: &str) -> Option<f64> {
    local_part(email).trim_start_matches(|it: char| !it.is_ascii_digit()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classic_list_names_run_value_and_password() {
        let script = Script::read("a1@div.edu\na2@div.edu\n\nb3@div.edu\n").unwrap();
        assert!(script.is_classic());
        assert_eq!(script.runs(), ["a", "b"]);
        assert_eq!((value_in("a3@div.edu"), local_part("a3@div.edu")), (Some(3.0), "a3"));
        assert_eq!(value_in("ann@div.edu"), None);
    }

    #[test]
    fn a_script_says_what_each_player_submits() {
        let script = Script::read("# round 1 and 2\ns1@div.edu 10 -2.5 # Dividend\n").unwrap();
        assert!(!script.is_classic());
        assert_eq!(script.line("S1@div.edu").unwrap().values, [10.0, -2.5]);
        assert_eq!(script.line("s2@div.edu"), None);
    }

    #[test]
    fn a_line_that_is_no_player_is_named() {
        for line in ["nobody", "@div.edu 1", "s1@div.edu ten", "s1@div.edu inf"] {
            let error = Script::read(&format!("s1@div.edu 1\n{line}\n")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (2, line));
        }
    }
}
