//! The tests that a table of features names must exist.

use super::{TextFile, Violation};

/// Checks a page whose tables name tests as `file::test`, against the sources that have them.
pub(super) fn check(page: &TextFile, sources: &[TextFile]) -> Vec<Violation> {
    let missing = |name: &&str| !sources.iter().any(|source| has(source, name));
    let say = |name: &str| {
        let text = format!("names the test `{name}`, which does not exist: name the right one");
        Violation::error(&page.path, text)
    };
    tests(&page.text).filter(missing).map(say).collect()
}

/// Finds what stands in backticks and looks like the name of a test.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|name| {
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        name.split_once("::").is_some_and(|(file, test)| is_plain(file) && is_plain(test))
    })
}

/// Says whether a source has the test: the file's name is that of the file or of the directory
/// that its tests lie in.
fn has(source: &TextFile, name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else { return false };
    let path = source.path.trim_end_matches(".rs").trim_end_matches("/tests");
    let is_named = path.split('/').rev().take(3).any(|part| part == file);
    is_named && source.text.contains(&format!("fn {test}("))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn tests_that_do_not_exist_are_named() {
        let page =
            file("docs/X.md", "| `a::it_works` | `a::it_fails` `b::it_works` `Rust::Path` |");
        let sources =
            [file("x/src/a/tests.rs", "fn it_works() {}"), file("x/src/c.rs", "fn it_works() {}")];
        let found: Vec<String> = check(&page, &sources).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("`a::it_fails`") && found[1].contains("`b::it_works`"));
    }
}
