//! What `new-sim` writes, and that it works.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::cargo::cargo;

/// A copy of the workspace to which a crate can be added; its crates are those of the workspace.
fn workspace() -> (TempDir, Workspace) {
    let real = Workspace::load().unwrap();
    let dir = TempDir::new().unwrap();
    let names = ["crates", "tests", "xtask", "clippy.toml", "rust-toolchain.toml", "rustfmt.toml"];
    for name in names {
        symlink(real.root.join(name), dir.path().join(name)).unwrap();
    }
    fs::copy(real.root.join("Cargo.lock"), dir.path().join("Cargo.lock")).unwrap();
    fs::copy(real.root.join("Cargo.toml"), dir.path().join("Cargo.toml")).unwrap();
    let copy = Workspace { root: dir.path().to_owned(), ..real };
    (dir, copy)
}

fn error(outcome: Result<bool>) -> String {
    format!("{:#}", outcome.unwrap_err())
}

#[test]
fn a_new_sim_builds_and_passes_its_tests() {
    let (dir, workspace) = workspace();
    let place = dir.path().join("examples/fresh-sim");
    assert!(create(&workspace, "fresh-sim", &place).unwrap(), "it is a member");
    // All members are named, though one is tested: what they share was built with their features.
    let output = cargo()
        .args(["test", "--offline", "--workspace", "--exclude", "div-game", "--test", "play"])
        .current_dir(dir.path())
        .env("CARGO_TARGET_DIR", &workspace.target_dir)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{complaints}");
    assert!(told.contains("4 passed"), "{told}{complaints}");
}

#[test]
fn a_sim_elsewhere_has_a_workspace_of_its_own() {
    let (dir, workspace) = workspace();
    let place = dir.path().join("elsewhere");
    assert!(!create(&workspace, "far-sim", &place).unwrap(), "it is no member");
    let text = fs::read_to_string(place.join("Cargo.toml")).unwrap();
    let manifest: Table = text.parse().unwrap();
    assert!(!text.contains("workspace = true"), "{text}");
    assert!(manifest.contains_key("workspace"), "{text}");
    assert_eq!(manifest["package"]["edition"].as_str(), Some("2024"));
    let sim = manifest["dependencies"]["sim"]["path"].as_str().unwrap();
    assert!(Path::new(sim).join("src/lib.rs").exists(), "{sim}");
    assert!(place.join("Cargo.lock").exists());
}

#[test]
fn the_name_is_put_in_everywhere() {
    for (file, template) in FILES {
        let text = filled(template, "two-words");
        let left = text.to_lowercase();
        assert!(!left.contains("new-sim") && !left.contains("new_sim"), "{file}: {text}");
    }
    let lib = filled(FILES[2].1, "two-words");
    assert!(lib.contains(r#"Setup::new(SLUG, "Two words")"#), "{lib}");
}

#[test]
fn a_bad_name_is_refused_in_one_line() {
    for name in ["", "My-Sim", "1sim", "-sim", "sim-", "a--b", "a_b", "mod", &"a".repeat(41)] {
        let text = check_name(name).unwrap_err().to_string();
        assert!(text.starts_with(&format!("`{name}` is ")) && !text.contains('\n'), "{text}");
    }
    assert!(check_name("market-2").is_ok());
}

#[test]
fn what_exists_is_left_alone() {
    let (dir, workspace) = workspace();
    let place = dir.path().join("examples/x");
    let text = error(create(&workspace, "sim-engine", &place));
    assert_eq!(text, "there is a crate `sim-engine` already, choose another name");
    let text = error(create(&workspace, "tokio", &place));
    assert_eq!(text, "there is a crate `tokio` already, choose another name");
    fs::create_dir_all(&place).unwrap();
    let text = error(create(&workspace, "x", &place));
    assert!(text.ends_with("exists already, choose another place"), "{text}");
}
