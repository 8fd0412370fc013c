//! Builds the programs under test, once per test process, and finds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// Where the programs under test lie.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The service.
    pub service: PathBuf,
    /// The command that creates the default environment.
    pub seed: PathBuf,
    /// The Games API as a program of its own.
    pub games: PathBuf,
    /// The bots.
    pub bots: PathBuf,
    /// All of them in one, for the image.
    pub all: PathBuf,
}

impl Binaries {
    /// Builds the programs in the profile of the running test, the first time it is asked.
    ///
    /// The variable `BLACK_BOX_BINARIES` names a directory to take them from instead, such as one
    /// with the static binaries of the container image.
    ///
    /// # Errors
    /// When the build fails; every later call answers with the same text.
    pub fn get() -> Result<&'static Self> {
        static BUILT: OnceLock<Result<Binaries, String>> = OnceLock::new();
        let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
        built.as_ref().map_err(|error| anyhow::anyhow!(error.clone()))
    }

    /// Builds the router and its client in the profile of the running test, the first time it is asked.
    ///
    /// It is built apart from the others: the library that it shares with them has fewer features
    /// there. `BLACK_BOX_BINARIES` holds for it as well.
    ///
    /// # Errors
    /// When the build fails; every later call answers with the same text.
    pub fn router() -> Result<&'static Path> {
        static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let built = BUILT.get_or_init(|| build_router().map_err(|error| format!("{error:#}")));
        built.as_deref().map_err(|error| anyhow::anyhow!(error.clone()))
    }

    /// The router's client for the command line, built as the router is.
    ///
    /// # Errors
    /// When the build fails.
    pub fn wamp() -> Result<PathBuf> {
        let dir = Self::router()?.parent().context("a program lies in a directory")?;
        Ok(program(dir, "wamp"))
    }

    /// Builds an example in the profile of the running test. No chosen directory has it.
    ///
    /// # Errors
    /// When the build fails.
    pub fn example(name: &str) -> Result<PathBuf> {
        Ok(program(&build_into_profile(&["-p", name, "--bin", name])?, name))
    }

    /// Finds the programs beside the running one, or in the directory chosen by
    /// `BLACK_BOX_BINARIES`, without building anything.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn beside_this_program() -> Result<Self> {
        let found = Self::in_dir(&chosen_dir().map_or_else(profile_dir, Ok)?);
        for path in [&found.service, &found.seed, &found.games] {
            if !path.exists() {
                bail!("`{}` is missing, run `cargo build` for it first", path.display());
            }
        }
        Ok(found)
    }

    fn in_dir(dir: &Path) -> Self {
        let path = |name| program(dir, name);
        let [service, seed, games] = ["div-service", "div-seed", "games-api"].map(path);
        Self { service, seed, games, bots: path("div-bots"), all: path("div") }
    }
}

fn program(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn build() -> Result<Binaries> {
    let packages = ["div-service", "div-seed", "sim-games-server", "div-bots", "div-all"];
    let packages = packages.map(|package| ["-p", package]).concat();
    let dir = chosen_or_built(&[&["--bins"][..], &packages].concat())?;
    Ok(Binaries::in_dir(&dir))
}

fn build_router() -> Result<PathBuf> {
    let args = ["-p", "sim-wamp", "--features", "cli", "--bin", "sim-router", "--bin", "wamp"];
    Ok(program(&chosen_or_built(&args)?, "sim-router"))
}

/// Builds what these arguments of `cargo build` say, and tells where it lies; where a directory
/// was chosen, nothing is built.
fn chosen_or_built(args: &[&str]) -> Result<PathBuf> {
    chosen_dir().map_or_else(|| build_into_profile(args), Ok)
}

fn build_into_profile(args: &[&str]) -> Result<PathBuf> {
    let dir = profile_dir()?;
    let target_dir = dir.parent().context("a profile's directory lies in the target directory")?;
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => bail!("cannot tell the profile from `{}`", dir.display()),
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Build scripts that look at what cargo tells of this package would run again each time.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(key);
        }
    }
    let output = cargo
        .args(["build", "--quiet", "--profile", profile])
        .args(args)
        .arg("--target-dir")
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("running `cargo build`")?;
    if !output.status.success() {
        bail!("building the programs failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(dir)
}

fn chosen_dir() -> Option<PathBuf> {
    std::env::var_os("BLACK_BOX_BINARIES").map(PathBuf::from)
}

/// The directory cargo put the running program into: its profile's, without `deps`.
fn profile_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding the running program")?;
    let dir = program.parent().context("a program lies in a directory")?;
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_path_buf())
}
