//! What CI runs: a list of steps, each timed, up to the first one that fails.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Workspace};
use crate::{fuzz, image, loc, skipped, tidy};

/// One cargo command of the CI run.
struct Step {
    name: &'static str,
    args: &'static [&'static str],
    env: Option<(&'static str, &'static str)>,
}

const STEPS: [Step; 7] = [
    Step { name: "fmt", args: &["fmt", "--all", "--check"], env: None },
    Step {
        name: "clippy",
        args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: None,
    },
    // What is off by default, among crates with the same features as before, so that little is built.
    Step {
        name: "clippy otel",
        args: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "div-service/otel",
            "--",
            "-D",
            "warnings",
        ],
        env: None,
    },
    Step {
        name: "doc",
        args: &["doc", "--workspace", "--no-deps"],
        env: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
    Step { name: "deny", args: &["deny", "check", "licenses", "bans", "sources"], env: None },
    Step { name: "test", args: &["test", "--workspace"], env: None },
    Step {
        name: "test otel",
        args: &["test", "--workspace", "--features", "div-service/otel", "--test", "export"],
        env: None,
    },
];

/// Runs all steps and then tidy.
pub(crate) fn ci() -> Result<()> {
    let start = Instant::now();
    let notes = skipped::fresh_file(&Workspace::load()?.target_dir)?;
    for step in &STEPS {
        timed(step.name, || run(step, &notes))?;
    }
    println!("==> {}", skipped::summary(&notes)?);
    timed("tidy", || tidy::run().and_then(|()| loc::run()))?;
    timed("image", image::run)?;
    timed("fuzz", || {
        fuzz::all(fuzz::CI_SECONDS)?.iter().for_each(|line| println!("{line}"));
        Ok(())
    })?;
    println!("==> all steps passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
    println!("==> {name} {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs one step; tests that are skipped say so in the file `notes`.
fn run(step: &Step, notes: &Path) -> Result<()> {
    let mut command = cargo::cargo();
    command.args(step.args).env(skipped::VARIABLE, notes);
    if let Some((key, value)) = step.env {
        command.env(key, value);
    }
    let line = format!("cargo {}", step.args.join(" "));
    let status = command.status().with_context(|| format!("running `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_ends_the_run_with_its_own_error() {
        let error = timed("anything", || bail!("it broke")).unwrap_err();
        assert_eq!(error.to_string(), "it broke");
    }

    #[test]
    fn lints_and_documentation_deny_warnings() {
        let step = |name| STEPS.iter().find(|step| step.name == name).unwrap();
        assert!(step("clippy").args.ends_with(&["-D", "warnings"]));
        assert_eq!(step("doc").env, Some(("RUSTDOCFLAGS", "-D warnings")));
    }
}
