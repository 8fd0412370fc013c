//! Makes a crate for a new simulation: a small game that builds, passes its tests and can be played.
//!
//! The templates are a crate named `new-sim` under `new_sim/`; only its name is replaced.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use crate::cargo::Workspace;

/// The files of the new crate, with their templates.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("new_sim/manifest.toml")),
    ("README.md", include_str!("new_sim/README.md")),
    ("src/lib.rs", include_str!("new_sim/src/lib.rs")),
    ("src/main.rs", include_str!("new_sim/src/main.rs")),
    ("tests/play.rs", include_str!("new_sim/tests/play.rs")),
];

/// The longest name: it becomes a slug, and a part of addresses.
const LONGEST_NAME: usize = 40;

/// Names that cargo, the compiler or the templates keep for themselves.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "new-sim",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// What is to be made.
#[derive(Debug, clap::Args)]
pub(crate) struct NewSimArgs {
    /// The crate's name, which is also the game's slug: small letters, digits and hyphens
    name: String,
    /// The directory of the crate; outside of the workspace it gets a workspace of its own
    /// [default: examples/NAME in the workspace]
    #[arg(long)]
    path: Option<PathBuf>,
}

/// Makes the crate and says what comes next.
pub(crate) fn run(args: &NewSimArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let dir = match &args.path {
        Some(path) => std::path::absolute(path).context("finding the current directory")?,
        None => workspace.root.join("examples").join(&args.name),
    };
    let is_member = create(&workspace, &args.name, &dir)?;
    let name = &args.name;
    let dir = dir.strip_prefix(&workspace.root).unwrap_or(&dir).display();
    let (place, package) = match is_member {
        true => (String::new(), format!(" -p {name}")),
        false => (format!("cd {dir}; "), String::new()),
    };
    println!(
        "made {dir}; next:\n  \
         {place}cargo test{package}   # plays it without a network\n  \
         {place}cargo run{package}    # serves it on ws://127.0.0.1:8080/ws\n\
         change src/lib.rs where it says CHANGE; the guide is docs/WRITING-A-SIM.md"
    );
    Ok(())
}

/// Writes the crate, and tells whether it is a member of the workspace.
fn create(workspace: &Workspace, name: &str, dir: &Path) -> Result<bool> {
    let path = workspace.root.join("Cargo.toml");
    let root =
        fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
    let root: Table = root.parse().with_context(|| format!("reading `{}`", path.display()))?;
    check_name(name)?;
    let taken = workspace.packages.iter().any(|package| package.name == name);
    let depended_on = root["workspace"]["dependencies"].get(name).is_some();
    ensure!(!taken && !depended_on, "there is a crate `{name}` already, choose another name");
    ensure!(!dir.exists(), "`{}` exists already, choose another place", dir.display());
    let is_member = members(&root).any(|pattern| covers(&workspace.root, pattern, dir));
    for (file, template) in FILES {
        let mut text = filled(template, name);
        if file == "Cargo.toml" && !is_member {
            text = on_its_own(&text, &root, &workspace.root)?;
        }
        write(&dir.join(file), &text)?;
    }
    if !is_member {
        // The same versions as here: those are tried together.
        let lock = workspace.root.join("Cargo.lock");
        fs::copy(&lock, dir.join("Cargo.lock"))
            .with_context(|| format!("copying `{}`", lock.display()))?;
        write(&dir.join(".gitignore"), "/target\n/data\n")?;
    }
    Ok(is_member)
}

fn check_name(name: &str) -> Result<()> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphens = name.ends_with('-') || name.contains("--");
    if !begins || !name.chars().all(fits) || hyphens || name.len() > LONGEST_NAME {
        bail!(
            "`{name}` is no name for a simulation: use small letters, digits and single hyphens, at \
             most {LONGEST_NAME}, a letter first"
        );
    }
    ensure!(!RESERVED.contains(&name), "`{name}` is reserved, choose another name");
    Ok(())
}

/// The template with the crate's name in place of its own.
fn filled(template: &str, name: &str) -> String {
    let mut title = name.replace('-', " ");
    title[..1].make_ascii_uppercase();
    let template = template.replace("New sim", &title).replace("new_sim", &name.replace('-', "_"));
    template.replace("new-sim", name)
}

/// The members that a workspace's manifest names, as patterns.
fn members(root: &Table) -> impl Iterator<Item = &str> {
    root["workspace"]["members"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a pattern of members, such as `crates/*`, means this directory.
fn covers(root: &Path, pattern: &str, dir: &Path) -> bool {
    match pattern.strip_suffix("/*") {
        Some(parent) => dir.parent() == Some(&root.join(parent)),
        None => dir == root.join(pattern),
    }
}

/// The manifest of a crate outside of the workspace: all that a member inherits is written out, and
/// our crates are found by their paths.
fn on_its_own(manifest: &str, root: &Table, root_dir: &Path) -> Result<String> {
    let mut manifest: Table = manifest.parse().context("reading the template's manifest")?;
    let shared = &root["workspace"];
    manifest.remove("lints");
    for section in ["package", "dependencies", "dev-dependencies"] {
        let of = if section == "package" { "package" } else { "dependencies" };
        let fields = manifest[section].as_table_mut().context("the template has all sections")?;
        for (key, value) in fields.iter_mut() {
            if value.get("workspace").is_some() {
                let inherited = shared[of].get(key);
                *value =
                    inherited.with_context(|| format!("the workspace has no `{key}`"))?.clone();
            }
            if let Some(Value::String(path)) = value.get_mut("path") {
                *path = root_dir.join(&path).display().to_string();
            }
        }
    }
    manifest.insert("workspace".to_owned(), Value::Table(Table::new()));
    if let Some(profiles) = root.get("profile") {
        manifest.insert("profile".to_owned(), profiles.clone());
    }
    toml::to_string(&manifest).context("writing the manifest")
}

fn write(path: &Path, text: &str) -> Result<()> {
    let dir = path.parent().context("a file lies in a directory")?;
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("writing `{}`", path.display()))
}

#[cfg(test)]
mod tests;
