//! The house rules that no compiler checks; every violation is listed, not only the first.

mod features;
mod figures;
mod layers;
mod manifests;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cargo::Workspace;

/// The page that names the test of each feature, and the crate that has the tests.
const FEATURES: &str = "docs/WAMP.md";
const FEATURES_OF: &str = "crates/sim-wamp";

/// The page that explains the service's figures, and the files that ask for them.
const FIGURES: &str = "docs/OPERATIONS.md";
const ASKING: [&str; 2] = ["docs/observation/dashboard.json", "docs/observation/alerts.yml"];

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file or crate that breaks it.
    place: String,
    /// What is wrong and what to do.
    text: String,
    /// Whether it only deserves a look.
    warning: bool,
}

impl Violation {
    fn error(place: &str, text: impl Into<String>) -> Self {
        Self { place: place.to_owned(), text: text.into(), warning: false }
    }

    fn warning(place: &str, text: impl Into<String>) -> Self {
        Self { warning: true, ..Self::error(place, text) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning" } else { "error" };
        write!(f, "{kind}: {}: {}", self.place, self.text)
    }
}

/// A text file of the workspace, its path relative to the root with `/` between its parts.
#[derive(Debug)]
pub(crate) struct TextFile {
    path: String,
    pub(crate) text: String,
}

/// Checks the whole workspace and prints what it finds.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let violations = check(&workspace)?;
    for violation in &violations {
        println!("{violation}");
    }
    let errors = violations.iter().filter(|violation| !violation.warning).count();
    if errors > 0 {
        bail!("tidy found {errors} violations of the house rules");
    }
    println!("tidy: {} crates, nothing to complain about", workspace.packages.len());
    Ok(())
}

fn check(workspace: &Workspace) -> Result<Vec<Violation>> {
    let mut violations = layers::check(&workspace.packages);
    for package in &workspace.packages {
        let manifest = read(&workspace.root, &package.dir.join("Cargo.toml"))?;
        violations.extend(manifests::check(&manifest)?);
        let place = relative(&workspace.root, &package.dir);
        let readme = package.dir.join("README.md");
        if readme.exists() {
            violations.extend(sources::readme(&read(&workspace.root, &readme)?));
        } else {
            violations.push(Violation::error(&place, "has no `README.md`"));
        }
        for path in rust_files(&package.dir)? {
            violations.extend(sources::check(&read(&workspace.root, &path)?));
        }
    }
    let features = workspace.root.join(FEATURES);
    if features.exists() {
        let sources: Result<Vec<TextFile>> = rust_files(&workspace.root.join(FEATURES_OF))?
            .iter()
            .map(|path| read(&workspace.root, path))
            .collect();
        violations.extend(features::check(&read(&workspace.root, &features)?, &sources?));
    }
    if workspace.root.join(FIGURES).exists() {
        let file = |path: &str| read(&workspace.root, &workspace.root.join(path));
        let asking: Vec<_> = ASKING.into_iter().map(file).collect::<Result<_>>()?;
        violations.extend(figures::check(&file(FIGURES)?, &asking));
    }
    let readme = workspace.root.join("README.md");
    if readme.exists() {
        violations.extend(sources::readme(&read(&workspace.root, &readme)?));
    }
    Ok(violations)
}

/// Lists the Rust files below a directory in a stable order.
pub(crate) fn rust_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("listing `{}`", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a text file of the workspace.
pub(crate) fn read(root: &Path, path: &Path) -> Result<TextFile> {
    let text = fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(TextFile { path: relative(root, path), text })
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_how_bad_where_and_what() {
        let error = Violation::error("crates/sim/src/lib.rs", "too long");
        assert_eq!(error.to_string(), "error: crates/sim/src/lib.rs: too long");
        let warning = Violation::warning("crates/sim", "long");
        assert_eq!(warning.to_string(), "warning: crates/sim: long");
    }

    #[test]
    fn paths_are_shown_relative_to_the_root() {
        assert_eq!(relative(Path::new("/w"), Path::new("/w/crates/sim")), "crates/sim");
        assert_eq!(relative(Path::new("/w"), Path::new("/elsewhere/sim")), "//elsewhere/sim");
    }
}
