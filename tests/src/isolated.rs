//! Programs in namespaces of their own: with a disk that is small or read-only, or as the first process.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::service::Service;
use crate::skipped::skipped;

/// What a directory is for the program that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// A disk of its own with so many KiB, on which the directory's files are copied.
    Small(u32),
    /// The same without any room.
    Full(u32),
    /// What it is, but read-only.
    ReadOnly,
}

/// A script that starts a program in namespaces of its own, and the directory in which it lies.
#[derive(Debug)]
pub struct Isolated {
    script: PathBuf,
    _dir: TempDir,
}

impl Isolated {
    /// Starts the program so that the directory is such a disk; nothing where that cannot be done,
    /// which it has said then.
    ///
    /// # Errors
    /// When the script cannot be written, or with the variable `CI`.
    pub fn on_disk(program: &Path, dir: &Path, disk: Disk) -> Result<Option<Self>> {
        let small = |size: u32| {
            format!(
                "mkdir -p \"$0\" && kept=$(mktemp -d) && cp -a \"$0\"/. \"$kept\" \
                 && mount -t tmpfs -o size={size}k tmpfs \"$0\" && cp -a \"$kept\"/. \"$0\" \
                 && rm -r \"$kept\""
            )
        };
        let mount = match disk {
            Disk::Small(size) => small(size),
            Disk::Full(size) => format!(
                "{} && {{ dd if=/dev/zero of=\"$0\"/ballast bs=4k 2>/dev/null; true; }}",
                small(size)
            ),
            Disk::ReadOnly => {
                "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"".to_owned()
            }
        };
        let dir = dir.display();
        let inner =
            format!("/bin/sh -c '{mount} && exec \"$@\"' '{dir}' '{}' \"$@\"", program.display());
        Self::write(&["--mount"], &inner)
    }

    /// Starts the program as the first process that it sees; this one waits for it.
    ///
    /// # Errors
    /// When the script cannot be written, or with the variable `CI`.
    pub fn as_first_process(program: &Path, subcommand: &str) -> Result<Option<Self>> {
        let inner = format!("'{}' {subcommand} \"$@\"", program.display());
        Self::write(&["--pid", "--fork", "--mount-proc", "--kill-child"], &inner)
    }

    /// What to start in the program's place.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.script
    }

    fn write(namespaces: &[&str], inner: &str) -> Result<Option<Self>> {
        let works = |options: &[&str]| {
            let tried = Command::new("unshare").args(options).arg("true").output();
            tried.is_ok_and(|output| output.status.success())
        };
        let as_user = [&["--map-root-user"], namespaces].concat();
        let options = match (works(namespaces), works(&as_user)) {
            (true, _) => namespaces.to_vec(),
            (false, true) => as_user,
            (false, false) => {
                skipped("root", "`unshare` may make no namespaces here, run it as root")?;
                return Ok(None);
            }
        };
        let dir = tempfile::tempdir().context("making a directory for a script")?;
        let script = dir.path().join("isolated.sh");
        fs::write(&script, format!("#!/bin/sh\nexec unshare {} {inner}\n", options.join(" ")))?;
        fs::set_permissions(&script, Permissions::from_mode(0o755))?;
        Ok(Some(Self { script, _dir: dir }))
    }
}

/// The data directory of a service as the service sees it.
fn seen_by(service: &Service) -> Result<PathBuf> {
    let pid = service.pid().context("the service has ended")?;
    let dir = service.dir().strip_prefix("/").context("its directory is no whole path")?;
    Ok(Path::new(&format!("/proc/{pid}/root")).join(dir))
}

/// Leaves no room on the small disk of a service.
///
/// # Errors
/// When the disk is not a small one.
pub fn fill_disk(service: &Service) -> Result<()> {
    let mut ballast = File::create(seen_by(service)?.join("ballast"))?;
    for _ in 0..65_536 {
        match ballast.write_all(&[0; 4096]) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error).context("filling the disk"),
        }
    }
    ensure!(false, "this disk is not small");
    Ok(())
}

/// Makes room on the small disk of a service again.
///
/// # Errors
/// When it was not filled.
pub fn make_room(service: &Service) -> Result<()> {
    fs::remove_file(seen_by(service)?.join("ballast")).context("removing the ballast")
}
