//! How much code a simulation needs: counted, printed, and bounded for those that stand as proof.

use std::path::Path;

use anyhow::{Result, bail};

use crate::cargo::Workspace;
use crate::tidy::{read, rust_files};

/// The most lines of code that a simulation may have, by crate.
const LIMITS: [(&str, usize); 2] = [("div-game", 120), ("calc", 100)];

/// The directory of which every crate is counted.
const EXAMPLES: &str = "examples";

/// The lines of code of one simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Count {
    name: String,
    lines: usize,
    limit: Option<usize>,
}

/// Prints the lines of code of every simulation, and fails when one has too many.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut counts = Vec::new();
    for package in &workspace.packages {
        let limit = LIMITS.iter().find(|(name, _)| *name == package.name).map(|(_, limit)| *limit);
        if limit.is_some() || package.dir.parent().is_some_and(|dir| dir.ends_with(EXAMPLES)) {
            let lines = lines_of(&workspace.root, &package.dir.join("src"))?;
            counts.push(Count { name: package.name.clone(), lines, limit });
        }
    }
    for (name, _) in LIMITS {
        if !counts.iter().any(|count| count.name == name) {
            bail!("there is no crate `{name}` whose lines could be counted");
        }
    }
    counts.iter().for_each(|count| println!("{}", line(count)));
    judge(&counts)
}

/// The lines of code of a directory. A program's `main.rs` serves the game and is none of it.
fn lines_of(root: &Path, dir: &Path) -> Result<usize> {
    let mut lines = 0;
    for path in rust_files(dir)? {
        if !path.ends_with("main.rs") && !path.ends_with("tests.rs") {
            let file = read(root, &path)?;
            lines += count(&file.text);
        }
    }
    Ok(lines)
}

fn line(Count { name, lines, limit }: &Count) -> String {
    let bound = limit.map_or_else(String::new, |limit| format!(" (at most {limit})"));
    format!("{lines:>5} lines of code: {name}{bound}")
}

fn judge(counts: &[Count]) -> Result<()> {
    let over = |count: &&Count| count.limit.is_some_and(|limit| count.lines > limit);
    let over: Vec<_> = counts.iter().filter(over).map(|count| count.name.as_str()).collect();
    if !over.is_empty() {
        bail!("too many lines of code: {}; simplify the game, or the framework", over.join(", "));
    }
    Ok(())
}

/// The lines of a source that are neither blank nor comment, and that are no part of its tests.
fn count(text: &str) -> usize {
    let mut lines = text.lines().map(str::trim_end);
    let mut count = 0;
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            skip_item(&mut lines, indent(line));
        } else if !line.is_empty() && !line.trim_start().starts_with("//") {
            count += 1;
        }
    }
    count
}

/// Passes over the item that follows, as rustfmt lays it out: to its `;`, or to the line that
/// closes it.
fn skip_item<'a>(lines: &mut impl Iterator<Item = &'a str>, depth: usize) {
    for line in lines.by_ref() {
        if indent(line) == depth && line.ends_with([';', '}']) {
            return;
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_comments_and_tests_do_not_count() {
        let text = "//! A game.\n\nuse a;\n\n/// Doc.\nfn f() {\n    // Why.\n    g();\n}\n\n\
                    #[cfg(test)]\nmod tests {\n    fn t() {\n        f();\n    }\n}\n";
        assert_eq!(count(text), 4);
    }

    #[test]
    fn what_follows_the_tests_counts_again() {
        assert_eq!(count("#[cfg(test)]\nmod tests;\n\nfn f() {}\n"), 1);
        let inside =
            "impl A {\n    #[cfg(test)]\n    fn t() {\n        f();\n    }\n\n    fn g() {}\n}\n";
        assert_eq!(count(inside), 3);
    }

    #[test]
    fn a_simulation_over_its_limit_is_named() {
        let of = |name: &str, limit| Count { name: name.to_owned(), lines: 101, limit };
        assert!(judge(&[of("free", None), of("fits", Some(101))]).is_ok());
        let error = judge(&[of("fits", Some(101)), of("large", Some(100))]).unwrap_err();
        assert!(error.to_string().starts_with("too many lines of code: large;"), "{error}");
    }

    #[test]
    fn a_count_is_printed_with_its_limit() {
        let of = |limit| Count { name: "calc".to_owned(), lines: 56, limit };
        assert_eq!(line(&of(Some(100))), "   56 lines of code: calc (at most 100)");
        assert_eq!(line(&of(None)), "   56 lines of code: calc");
    }
}
