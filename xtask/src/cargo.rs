//! Runs cargo and asks it about the workspace.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A crate of the workspace, as `cargo metadata` describes it.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// The crate's name.
    pub(crate) name: String,
    /// The directory of its manifest.
    pub(crate) dir: PathBuf,
    /// The names of what it depends on, in whatever form, with the kind of the dependency.
    pub(crate) dependencies: Vec<(String, DependencyKind)>,
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// By the crate itself or its build script.
    Normal,
    /// By its tests only.
    Dev,
}

/// The workspace: where it is and what it consists of.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The directory of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target_dir: PathBuf,
    /// The member crates.
    pub(crate) packages: Vec<Package>,
}

/// A command that runs the cargo which runs us, as if it were called from a shell.
///
/// Build scripts that look at what cargo tells of a package would otherwise see ours, and whatever
/// depends on them would be built anew whenever cargo is called directly in between.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    command
}

impl Workspace {
    /// Asks cargo for the workspace of the current directory.
    pub(crate) fn load() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("running `cargo metadata`")?;
        ensure!(
            output.status.success(),
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata = serde_json::from_slice(&output.stdout)
            .context("reading what `cargo metadata` printed")?;
        Self::from_metadata(&metadata)
    }

    /// Reads the workspace out of what `cargo metadata` printed.
    fn from_metadata(metadata: &Value) -> Result<Self> {
        let text = |value: &Value, key: &str| {
            let found = value[key].as_str().map(str::to_owned);
            found.with_context(|| format!("`cargo metadata` gives no `{key}`"))
        };
        let mut packages = Vec::new();
        for package in metadata["packages"].as_array().into_iter().flatten() {
            let manifest = PathBuf::from(text(package, "manifest_path")?);
            let mut dependencies = Vec::new();
            for dependency in package["dependencies"].as_array().into_iter().flatten() {
                let kind = match dependency["kind"].as_str() {
                    Some("dev") => DependencyKind::Dev,
                    _ => DependencyKind::Normal,
                };
                dependencies.push((text(dependency, "name")?, kind));
            }
            packages.push(Package {
                name: text(package, "name")?,
                dir: manifest.parent().context("a manifest lies in a directory")?.to_path_buf(),
                dependencies,
            });
        }
        Ok(Self {
            root: text(metadata, "workspace_root")?.into(),
            target_dir: text(metadata, "target_directory")?.into(),
            packages,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_becomes_packages_with_their_edges() {
        let workspace = Workspace::from_metadata(&json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [{
                "name": "sim",
                "manifest_path": "/w/crates/sim/Cargo.toml",
                "dependencies": [{"name": "sim-engine", "kind": null}, {"name": "anyhow", "kind": "dev"}],
            }],
        }))
        .unwrap();
        let package = &workspace.packages[0];
        assert_eq!(package.dir, PathBuf::from("/w/crates/sim"));
        assert_eq!(package.dependencies[0], ("sim-engine".to_owned(), DependencyKind::Normal));
        assert_eq!(package.dependencies[1], ("anyhow".to_owned(), DependencyKind::Dev));
    }

    #[test]
    fn metadata_without_a_root_is_refused() {
        let error = Workspace::from_metadata(&json!({"packages": []})).unwrap_err();
        assert_eq!(error.to_string(), "`cargo metadata` gives no `workspace_root`");
    }
}
