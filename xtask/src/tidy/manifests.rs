//! Rules over a crate's manifest.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{TextFile, Violation};

/// Checks one crate's manifest.
pub(super) fn check(manifest: &TextFile) -> Result<Vec<Violation>> {
    let table: Table =
        manifest.text.parse().with_context(|| format!("reading `{}`", manifest.path))?;
    let mut texts = lints(&table);
    texts.extend(versions(&table));
    Ok(texts.into_iter().map(|text| Violation::error(&manifest.path, text)).collect())
}

fn lints(manifest: &Table) -> Vec<String> {
    if inherits(manifest.get("lints")) {
        return Vec::new();
    }
    vec!["does not inherit the lints, add `[lints] workspace = true`".to_owned()]
}

/// Version numbers live in the root manifest, once.
fn versions(manifest: &Table) -> Vec<String> {
    let mut tables = vec![manifest];
    let targets = manifest.get("target").and_then(Value::as_table);
    tables.extend(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables
        .iter()
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
        .filter(|(_, dependency)| !inherits(Some(dependency)))
        .map(|(name, _)| format!("`{name}` must be `{name}.workspace = true`"))
        .collect()
}

fn inherits(value: Option<&Value>) -> bool {
    let table = value.and_then(Value::as_table);
    table.and_then(|table| table.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let manifest = TextFile { path: "crates/x/Cargo.toml".to_owned(), text: text.to_owned() };
        check(&manifest).unwrap().iter().map(|violation| violation.text.clone()).collect()
    }

    #[test]
    fn inherited_lints_and_dependencies_pass() {
        let text = "[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n\
                    clap = { workspace = true, features = [\"env\"] }\n";
        assert_eq!(texts(text), Vec::<String>::new());
    }

    #[test]
    fn missing_lints_are_found() {
        let expected = ["does not inherit the lints, add `[lints] workspace = true`"];
        assert_eq!(texts("[dependencies]\n"), expected);
    }

    #[test]
    fn version_numbers_are_found_in_every_kind_of_dependency() {
        let text = "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n\
                    [dev-dependencies]\nproptest = { version = \"1\" }\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n";
        assert_eq!(
            texts(text),
            [
                "`serde` must be `serde.workspace = true`",
                "`proptest` must be `proptest.workspace = true`",
                "`libc` must be `libc.workspace = true`",
            ]
        );
    }
}
