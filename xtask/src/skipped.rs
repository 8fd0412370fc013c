//! The test cases that were skipped for lack of something, counted over all test programs.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Tells tests where to note that they were skipped: a line with the variable that would let them
/// run, a space, and the test's name.
pub(crate) const VARIABLE: &str = "SKIPPED_TESTS";

/// An empty place for the notes of one run.
pub(crate) fn fresh_file(target_dir: &Path) -> Result<PathBuf> {
    let path = target_dir.join("skipped-tests");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(path),
    }
}

/// What a reader should know about the notes of a run.
pub(crate) fn summary(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(told("")),
        notes => {
            notes.map(|notes| told(&notes)).with_context(|| format!("reading `{}`", file.display()))
        }
    }
}

fn told(notes: &str) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for line in notes.lines() {
        let variable = line.split(' ').next().unwrap_or_default();
        *counts.entry(variable).or_default() += 1;
    }
    if counts.is_empty() {
        return "no test case was skipped".to_owned();
    }
    let all: usize = counts.values().sum();
    let each: Vec<String> =
        counts.iter().map(|(variable, count)| format!("{count} run with `{variable}`")).collect();
    format!("test cases skipped: {all} ({}), see CONTRIBUTING.md", each.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_cases_are_counted_by_what_they_lack() {
        let notes = "TEST_DATABASE_URL a::b\nBLACK_BOX_PYTHON c\nTEST_DATABASE_URL d\n";
        assert_eq!(
            told(notes),
            "test cases skipped: 3 (1 run with `BLACK_BOX_PYTHON`, 2 run with \
             `TEST_DATABASE_URL`), see CONTRIBUTING.md"
        );
    }

    #[test]
    fn a_run_without_notes_skipped_nothing() {
        let missing = Path::new("no such directory/skipped-tests");
        assert_eq!(summary(missing).unwrap(), "no test case was skipped");
    }

    #[test]
    fn notes_of_an_earlier_run_do_not_count() {
        let dir = std::env::temp_dir().join(format!("skipped-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = fresh_file(&dir).unwrap();
        fs::write(&file, "TEST_DATABASE_URL a\n").unwrap();
        assert_eq!(fresh_file(&dir).unwrap(), file);
        assert_eq!(summary(&file).unwrap(), "no test case was skipped");
        fs::remove_dir(&dir).unwrap();
    }
}
