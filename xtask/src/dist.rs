//! What is released: the programs as one static binary, with checksums, a list of what they are made of,
//! manual pages and completions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::cargo::{self, Workspace};
use crate::image::{NAMES, TARGET, static_binary};

/// What is asked of a release.
#[derive(Debug, Args)]
pub(crate) struct DistArgs {
    /// Build the binary a second time, from nothing and elsewhere, and fail if it differs
    #[arg(long)]
    pub(crate) twice: bool,
}

/// Makes the release under `target/dist`.
pub(crate) fn run(args: &DistArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let version = version(&workspace)?;
    let name = format!("div-{version}-{TARGET}");
    let dist = workspace.target_dir.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("removing `{}`", dist.display()))?;
    }
    let dir = dist.join(&name);
    fs::create_dir_all(dir.join("bin"))?;
    let binary = static_binary(&workspace)?;
    fs::copy(&binary, dir.join("bin/div")).context("copying the binary")?;
    for name in NAMES {
        symlink("div", dir.join("bin").join(name))?;
    }
    succeed(Command::new(dir.join("bin/div")).arg("write-documents").arg(&dir))?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(workspace.root.join(file), dir.join(file)).with_context(|| file.to_owned())?;
    }
    let parts = Parts::of("div-all")?;
    fs::write(dir.join("sbom.cdx.json"), serde_json::to_string_pretty(&parts.sbom(&version))?)?;
    fs::write(dir.join("LICENSES.md"), parts.licenses())?;
    let archive = format!("{name}.tar.gz");
    let fixed = ["--format=gnu", "--sort=name", "--mtime=@0", "--mode=u+rw,go=u-w"];
    let nobody = ["--owner=0", "--group=0", "--numeric-owner"];
    let pack = ["--use-compress-program", "gzip -n -9", "-cf", &archive, &name];
    let mut tar = Command::new("tar");
    tar.args(fixed).args(nobody).args(pack);
    succeed(tar.current_dir(&dist))?;
    let sums = output(Command::new("sha256sum").arg(&archive).current_dir(&dist))?;
    fs::write(dist.join("SHA256SUMS"), &sums)?;
    println!("{}", sums.trim());
    println!("{} crates, {} bytes of binary", parts.0.len(), fs::metadata(&binary)?.len());
    if args.twice {
        again(&workspace, &binary)?;
    }
    Ok(())
}

/// Builds the binary from nothing, of a copy of the source in another directory, and compares.
fn again(workspace: &Workspace, first: &Path) -> Result<()> {
    let root = workspace.target_dir.join("dist-again");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("removing `{}`", root.display()))?;
    }
    copy_source(&workspace.root, &root)?;
    let other = Workspace { target_dir: root.join("target"), root, ..workspace.clone() };
    let second = static_binary(&other)?;
    ensure!(
        fs::read(first)? == fs::read(&second)?,
        "two builds of the same source differ: `{}` and `{}`",
        first.display(),
        second.display()
    );
    println!("a second build from nothing, in another directory, gave the same binary");
    Ok(())
}

/// Copies what git knows of, and what it would be told of, as it is now.
fn copy_source(from: &Path, to: &Path) -> Result<()> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = output(Command::new("git").args(list).current_dir(from))?;
    let files = listed.split_terminator('\0').map(|file| (from.join(file), to.join(file)));
    for (file, copy) in files.filter(|(file, _)| file.exists()) {
        fs::create_dir_all(copy.parent().context("a file lies in a directory")?)?;
        fs::copy(&file, copy).with_context(|| format!("copying `{}`", file.display()))?;
    }
    Ok(())
}

fn version(workspace: &Workspace) -> Result<String> {
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let version = manifest["workspace"]["package"]["version"].as_str();
    version.map(str::to_owned).context("the workspace has no version")
}

/// A crate in the binary, and its licence.
struct Part {
    name: String,
    version: String,
    license: String,
    is_ours: bool,
}

/// All crates that a program is made of, by name and version.
struct Parts(Vec<Part>);

impl Parts {
    /// Asks cargo what a crate depends on, on the target, without what only builds or tests need.
    fn of(name: &str) -> Result<Self> {
        let args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET];
        let metadata: Value = serde_json::from_str(&output(cargo::cargo().args(args))?)?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let packages: BTreeMap<String, Value> = list(&metadata["packages"])
            .into_iter()
            .filter_map(|package| Some((package["id"].as_str()?.to_owned(), package)))
            .collect();
        let nodes: BTreeMap<String, Vec<Value>> = list(&metadata["resolve"]["nodes"])
            .into_iter()
            .filter_map(|node| Some((node["id"].as_str()?.to_owned(), list(&node["deps"]))))
            .collect();
        let root = packages.iter().find(|(_, package)| package["name"] == name);
        let mut waiting = vec![root.context("there is no such crate")?.0.clone()];
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            let is_normal =
                |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|it| it["kind"].is_null());
            let deps = nodes.get(&id).into_iter().flatten().filter(is_normal);
            if seen.insert(id.clone()) {
                waiting.extend(deps.filter_map(|dep| dep["pkg"].as_str().map(str::to_owned)));
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut parts: Vec<_> = seen
            .iter()
            .filter_map(|id| packages.get(id))
            .map(|package| Part {
                name: text(&package["name"]),
                version: text(&package["version"]),
                license: text(&package["license"]),
                is_ours: package["source"].is_null(),
            })
            .collect();
        parts.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        Ok(Self(parts))
    }

    /// A software bill of materials in the form of `CycloneDX` 1.5.
    fn sbom(&self, version: &str) -> Value {
        let components: Vec<_> = self
            .0
            .iter()
            .map(|Part { name, version, license, .. }| {
                json!({
                    "type": "library", "name": name, "version": version,
                    "purl": format!("pkg:cargo/{name}@{version}"),
                    "licenses": [{"expression": license.replace('/', " OR ")}],
                })
            })
            .collect();
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "name": "div", "version": version}},
            "components": components,
        })
    }

    /// The licences of what others have written, for people.
    fn licenses(&self) -> String {
        let others = self.0.iter().filter(|part| !part.is_ours);
        let lines =
            others.map(|part| format!("| {} | {} | {} |\n", part.name, part.version, part.license));
        format!(
            "# Licences\n\n| crate | version | licence |\n|---|---|---|\n{}",
            lines.collect::<String>()
        )
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_made_of_our_crates_and_of_others() {
        let parts = Parts::of("div-all").unwrap();
        let named = |name: &str| parts.0.iter().find(|part| part.name == name);
        assert!(named("div-game").unwrap().is_ours);
        assert!(!named("tokio").unwrap().is_ours);
        // What only tests need is in no release.
        assert!(named("proptest").is_none());
        assert!(parts.0.iter().all(|part| !part.license.is_empty()));
        assert!(parts.licenses().contains("| tokio |"));
        assert_eq!(parts.sbom("0.1.0")["bomFormat"], "CycloneDX");
    }
}
