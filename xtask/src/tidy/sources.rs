//! Rules over a single source file or README.

use super::{TextFile, Violation};

/// Above this a file deserves a look.
const LONG: usize = 500;
/// Above this a file must be cut.
const TOO_LONG: usize = 800;
/// The most a binary's entry point may have; the rest belongs into a library.
const MAIN_LINES: usize = 100;
/// The most a reader is asked to read first.
const README_LINES: usize = 150;

/// What may stand nowhere. Written in two parts, so that this file passes its own rule.
const FORBIDDEN: [(&str, &str); 4] = [
    (concat!("#[", "ignore"), "assert what happens today instead"),
    (concat!("#[", "should_panic"), "assert on the error instead"),
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("db", "g!("), "use tracing"),
];

/// Checks one Rust file.
pub(super) fn check(file: &TextFile) -> Vec<Violation> {
    let rules = [module_file, header, length, main_length, forbidden];
    rules.iter().flat_map(|rule| rule(file)).collect()
}

/// Checks a README.
pub(super) fn readme(file: &TextFile) -> Vec<Violation> {
    at_most(file, file.text.lines().count(), README_LINES)
}

fn module_file(file: &TextFile) -> Vec<Violation> {
    if file_name(file) != "mod.rs" {
        return Vec::new();
    }
    vec![Violation::error(&file.path, "name module files `foo.rs` beside `foo/`, not `mod.rs`")]
}

fn header(file: &TextFile) -> Vec<Violation> {
    let first = file.text.lines().next().unwrap_or_default();
    if first.starts_with("//!") || first.starts_with("#![doc = include_str!") {
        return Vec::new();
    }
    vec![Violation::error(&file.path, "the first line must be a `//!` that says what is here")]
}

fn length(file: &TextFile) -> Vec<Violation> {
    let lines = code_lines(file);
    if lines > TOO_LONG {
        let text = format!("{lines} lines without its tests, {TOO_LONG} at most: cut it");
        return vec![Violation::error(&file.path, text)];
    }
    if lines > LONG {
        let text = format!("{lines} lines without its tests, {LONG} are enough for most");
        return vec![Violation::warning(&file.path, text)];
    }
    Vec::new()
}

fn main_length(file: &TextFile) -> Vec<Violation> {
    if file_name(file) != "main.rs" {
        return Vec::new();
    }
    at_most(file, code_lines(file), MAIN_LINES)
}

fn forbidden(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (needle, advice) in FORBIDDEN {
            if code.contains(needle) {
                let place = format!("{}:{}", file.path, index + 1);
                found.push(Violation::error(&place, format!("`{needle}` is banned: {advice}")));
            }
        }
    }
    found
}

fn at_most(file: &TextFile, lines: usize, limit: usize) -> Vec<Violation> {
    if lines <= limit {
        return Vec::new();
    }
    vec![Violation::error(&file.path, format!("{lines} lines, {limit} at most"))]
}

fn file_name(file: &TextFile) -> &str {
    file.path.rsplit('/').next().unwrap_or_default()
}

/// Counts the lines of a file that are no tests.
///
/// Tests are whole files (`tests.rs`, anything below a `tests` directory of a crate, the modules
/// of the black-box binary) and what follows an inline test module, which comes last in a file.
fn code_lines(file: &TextFile) -> usize {
    let in_crate = file.path.strip_prefix("crates/").unwrap_or(&file.path);
    let inner = in_crate.split('/').skip(1);
    if file_name(file) == "tests.rs" || inner.clone().any(|part| part == "tests" || part == "it") {
        return 0;
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests;
