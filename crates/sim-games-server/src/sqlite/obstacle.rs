//! What keeps a file from being written, in words that say what to do.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// The room that there must be: enough for hundreds of decisions.
const ROOM: usize = 1024 * 1024;

/// What the system's error means for whoever runs the program.
pub(super) fn told(error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull => "the disk is full: make room on it",
        ErrorKind::QuotaExceeded => {
            "this user's share of the disk is used up: make room, or raise it"
        }
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only: mount it for writing",
        ErrorKind::PermissionDenied => {
            "this user may not write there: give the directory to whoever runs the program"
        }
        ErrorKind::FileTooLarge => "files may not grow further: raise the limit (`ulimit -f`)",
        _ => return error.to_string(),
    };
    remedy.to_owned()
}

/// Writes something beside a file and removes it again. SQLite only says that the disk failed.
pub(super) fn search(path: &Path) -> Result<(), String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".room");
    let trial = Path::new(&name);
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(trial)?;
        file.write_all(&vec![0; ROOM])?;
        file.sync_data()
    };
    let written = write();
    let removed = fs::remove_file(trial);
    written.and(removed).map_err(|error| told(&error))
}
