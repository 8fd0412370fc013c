//! The figures that dashboards and alerts ask for must be those that the service has.

use super::{TextFile, Violation};

/// What the names of figures begin with.
const FAMILIES: [&str; 4] = ["engine_", "games_", "wamp_", "process_"];

/// What Prometheus adds to the name of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Checks files that ask for figures against the page that explains them.
pub(super) fn check(page: &TextFile, files: &[TextFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for name in named(&file.text) {
            let plain = PARTS.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            if ![name, plain].iter().any(|name| page.text.contains(&format!("| `{name}`"))) {
                let text = format!("asks for `{name}`, which `{}` does not explain", page.path);
                violations.push(Violation::error(&file.path, text));
            }
        }
    }
    violations
}

/// The figures that a text names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| FAMILIES.iter().any(|family| word.starts_with(family)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_and_not_explained_is_found() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let page = file("page.md", "| `wamp_sessions` | x |\n| `engine_call_seconds` | x |\n");
        let asks =
            file("a.yml", "sum(wamp_sessions) rate(engine_call_seconds_bucket[1m]) wamp_gone");
        let found = check(&page, &[asks]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "error: a.yml: asks for `wamp_gone`, which `page.md` does not explain"
        );
    }
}
