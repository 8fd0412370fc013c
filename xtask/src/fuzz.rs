//! Runs the fuzz targets, each for a limited time.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cargo::Workspace;

/// The crate whose targets are run, and their names.
const CRATE: &str = "crates/sim-wamp";
const TARGETS: [&str; 3] = ["decode", "raw_socket", "session"];
/// What CI and the long campaign give each target.
pub(crate) const CI_SECONDS: u64 = 20;
pub(crate) const SOAK_SECONDS: u64 = 200;

/// How long to fuzz.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// How long each target runs
    #[arg(long, default_value_t = CI_SECONDS)]
    seconds: u64,
}

/// Builds all targets and runs one after the other.
pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    for line in all(args.seconds)? {
        println!("{line}");
    }
    Ok(())
}

/// Builds all targets, runs each for so many seconds, and returns a line about each.
pub(crate) fn all(seconds: u64) -> Result<Vec<String>> {
    let workspace = Workspace::load()?;
    let fuzzing = Fuzzing {
        dir: workspace.root.join(CRATE).join("fuzz"),
        found: workspace.target_dir.join("fuzz-corpus"),
    };
    let status = fuzzing.cargo("build", &[]).status().context("running `cargo fuzz`")?;
    if !status.success() {
        bail!(
            "the fuzz targets were not built ({status}): they need the toolchain `nightly` and `cargo install cargo-fuzz`"
        );
    }
    TARGETS.iter().map(|target| fuzzing.target(target, seconds)).collect()
}

struct Fuzzing {
    dir: PathBuf,
    /// Where inputs go that reach something new; the committed corpus stays as it is.
    found: PathBuf,
}

impl Fuzzing {
    /// A command of `cargo fuzz`. There is no unsafe code here that a sanitizer could watch, and
    /// without one a target does several times as much.
    fn cargo(&self, command: &str, rest: &[&str]) -> Command {
        let mut cargo = Command::new("rustup");
        cargo.args(["run", "nightly", "cargo", "fuzz", command, "--fuzz-dir"]).arg(&self.dir);
        cargo.args(["--sanitizer", "none", "--debug-assertions"]).args(rest);
        // Those of the toolchain that runs us are not for the other one.
        for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            cargo.env_remove(variable);
        }
        cargo
    }

    fn target(&self, target: &str, seconds: u64) -> Result<String> {
        let found = self.found.join(target);
        std::fs::create_dir_all(&found).with_context(|| format!("making `{}`", found.display()))?;
        let corpus = self.dir.join("corpus").join(target);
        let (found, corpus) = (found.display().to_string(), corpus.display().to_string());
        let time = format!("-max_total_time={seconds}");
        let limits = ["-rss_limit_mb=1024", "-timeout=10", "-max_len=4096", "-print_final_stats=1"];
        let mut rest = vec![target, &found, &corpus, "--", &time];
        rest.extend(limits);
        let mut child = self
            .cargo("run", &rest)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("running the fuzz target `{target}`"))?;
        let stderr = child.stderr.take().context("the output is piped")?;
        let mut last = Vec::new();
        let mut executed = String::new();
        for line in BufReader::new(stderr).lines() {
            let line = line.context("reading what the fuzz target says")?;
            if let Some((_, count)) = line.split_once("stat::number_of_executed_units:") {
                executed = count.trim().to_owned();
            }
            // One line per new input is too much for a log.
            if !line.starts_with('#') {
                last.push(line);
            }
        }
        let status = child.wait().context("waiting for the fuzz target")?;
        if !status.success() {
            bail!(
                "the fuzz target `{target}` has found something ({status}):\n{}",
                last.join("\n")
            );
        }
        Ok(format!("fuzz target `{target}`: {executed} inputs in {seconds} s, nothing found"))
    }
}
