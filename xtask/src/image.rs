//! The container image: built without a container engine, unpacked, started and played against.

mod archive;
mod root;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, Workspace};

/// The target for which the programs are linked without any shared library.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The names by which the one binary is called.
pub(crate) const NAMES: [&str; 5] =
    ["div-service", "div-seed", "games-api", "div-bots", "sim-router"];

/// The most bytes of an image.
const LARGEST: u64 = 30_000_000;

/// Builds the image, and plays a round against it.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let dir = workspace.target_dir.join("image");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("removing `{}`", dir.display()))?;
    }
    println!("building the static binary");
    let binary = static_binary(&workspace)?;
    let context = dir.join("context");
    lay_out(&context, &binary)?;
    let file = FinalStage::read(&workspace.root.join("docker/Dockerfile"))?;
    let archive = dir.join("div.tar");
    match by_buildah(&context, &file, &archive) {
        Ok(()) => println!("the final stage was built by buildah"),
        Err(error) => {
            println!("buildah cannot build here ({error:#}); the archive is written directly");
            archive::write(&context, &file, &archive)?;
        }
    }
    println!("the builder stage is not run here: it needs a base image from elsewhere");
    let size = fs::metadata(&archive)?.len();
    println!(
        "binary {} bytes, image {size} bytes: {}",
        fs::metadata(&binary)?.len(),
        archive.display()
    );
    ensure!(size <= LARGEST, "the image has {size} bytes, more than {LARGEST}");
    let unpacked = dir.join("root");
    archive::unpack(&archive, &unpacked)?;
    root::play(&unpacked)
}

/// Builds the programs as one static binary, the same wherever it is built by the same compilers. The
/// explicit target keeps the flags away from build scripts and procedural macros, and from what else
/// is built.
pub(crate) fn static_binary(workspace: &Workspace) -> Result<PathBuf> {
    let home = cargo_home()?;
    let home = home.to_str().context("the path of cargo's home is no text")?;
    let status = cargo::cargo()
        .args(["build", "--release", "--locked", "--target", TARGET, "-p", "div-all"])
        .arg("--target-dir")
        .arg(&workspace.target_dir)
        .current_dir(&workspace.root)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(home).join("\x1f"))
        // What asks for the time of the build, or for that of a file, is told this one.
        .env("SOURCE_DATE_EPOCH", "0")
        .status()
        .context("running cargo")?;
    ensure!(status.success(), "the static binary could not be built");
    Ok(workspace.target_dir.join(TARGET).join("release/div"))
}

/// What the compiler is told, where cargo keeps the source of other crates in `home`.
fn flags(home: &str) -> [String; 5] {
    [
        "-C".to_owned(),
        "target-feature=+crt-static".to_owned(),
        // A static program finds the system's source of randomness by this only; otherwise it looks
        // for a device, which an empty root does not have.
        "--cfg".to_owned(),
        "getrandom_backend=\"linux_getrandom\"".to_owned(),
        // Panics and events tell the file where they arise.
        format!("--remap-path-prefix={home}=/cargo"),
    ]
}

/// Where cargo keeps what it downloads.
fn cargo_home() -> Result<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let usual = || Some(std::env::home_dir()?.join(".cargo"));
    let home = named.or_else(usual).context("neither CARGO_HOME nor a home directory is known")?;
    std::path::absolute(home).context("finding cargo's home")
}

/// What the builder stage leaves: the binary with its links, and the directory for the data.
fn lay_out(context: &Path, binary: &Path) -> Result<()> {
    let image = context.join("image");
    fs::create_dir_all(&image)?;
    fs::create_dir_all(context.join("data"))?;
    fs::copy(binary, image.join("div")).context("copying the binary")?;
    for name in NAMES {
        symlink("div", image.join(name))?;
    }
    Ok(())
}

/// The last stage of the Dockerfile, line by line.
struct FinalStage {
    lines: Vec<String>,
}

impl FinalStage {
    fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
        let (_, last) = text.rsplit_once("\nFROM scratch\n").context("no stage from scratch")?;
        let lines = last.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { lines: lines.map(str::to_owned).collect() })
    }

    /// What stands behind an instruction, each time that it is used.
    fn all<'a>(&'a self, instruction: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(instruction)?.strip_prefix(' '))
    }

    /// The same stage, which takes from the context what the builder would have made.
    fn on_context(&self) -> String {
        let lines: Vec<_> =
            self.lines.iter().map(|line| line.replace("--from=builder ", "")).collect();
        format!("FROM scratch\n{}\n", lines.join("\n"))
    }
}

fn by_buildah(context: &Path, stage: &FinalStage, archive: &Path) -> Result<()> {
    install_buildah()?;
    let file = context.with_file_name("Containerfile");
    fs::write(&file, stage.on_context())?;
    let store = context.with_file_name("store");
    let buildah = |args: &[&str]| -> Result<()> {
        let output = Command::new("buildah")
            .args(["--storage-driver", "vfs", "--root"])
            .arg(&store)
            .arg("--runroot")
            .arg(store.with_file_name("runroot"))
            .args(args)
            .output()
            .context("running buildah")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        ensure!(output.status.success(), "`buildah {}`: {last}", args[0]);
        Ok(())
    };
    let (Some(file), Some(context)) = (file.to_str(), context.to_str()) else {
        bail!("the target directory's path is no text");
    };
    let target = format!("oci-archive:{}:div", archive.display());
    buildah(&[
        "bud",
        "--isolation",
        "chroot",
        "--timestamp",
        "0",
        "-f",
        file,
        "-t",
        "div",
        context,
    ])?;
    buildah(&["push", "-q", "div", &target])
}

/// Debian's buildah, installed where that is allowed.
fn install_buildah() -> Result<()> {
    let is_there = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    if is_there("buildah") {
        return Ok(());
    }
    let install = ["install", "-q", "-y", "--no-install-recommends", "buildah"];
    let installed = Command::new("apt-get")
        .args(install)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .is_ok_and(|output| output.status.success());
    ensure!(installed && is_there("buildah"), "it is not installed, and cannot be installed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_stage_takes_everything_from_the_context() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Dockerfile");
        let text = "FROM rust AS builder\nRUN make\n\nFROM scratch\nCOPY --from=builder /image/ /\n\
                    USER 1:1\nEXPOSE 8080 8100\n";
        fs::write(&path, text).unwrap();
        let stage = FinalStage::read(&path).unwrap();
        assert_eq!(
            stage.on_context(),
            "FROM scratch\nCOPY /image/ /\nUSER 1:1\nEXPOSE 8080 8100\n"
        );
        assert_eq!(stage.all("EXPOSE").collect::<Vec<_>>(), ["8080 8100"]);
    }

    #[test]
    fn the_builder_stage_compiles_the_same_binary() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/Dockerfile");
        let text = fs::read_to_string(file).unwrap();
        let flags = flags("/usr/local/cargo").join(" ").replace('"', "\\\"");
        assert!(text.contains(&format!("ENV RUSTFLAGS=\"{flags}\" SOURCE_DATE_EPOCH=0\n")));
    }
}
