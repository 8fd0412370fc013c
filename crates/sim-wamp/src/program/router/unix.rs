//! The file of a Unix socket: who may take its place, and when it goes away.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::net::{UnixListener, UnixSocket};

/// How many connections wait to be accepted.
const BACKLOG: u32 = 1024;

/// The file of a socket; it goes away with this.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Which file it is, as device and inode.
    id: (u64, u64),
}

/// Listens on a path; the file of a dead server is replaced.
pub(super) fn listen(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile)> {
    let shown = path.display();
    make_room(path)?;
    let socket = UnixSocket::new_stream().context("cannot make a Unix socket")?;
    socket.bind(path).with_context(|| format!("cannot make the Unix socket `{shown}`"))?;
    let file = SocketFile { path: path.to_owned(), id: id(path)? };
    // Nobody can connect before it listens, and then the permissions hold.
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the permissions of the Unix socket `{shown}`"))?;
    let listener = socket.listen(BACKLOG);
    Ok((listener.with_context(|| format!("cannot listen on `{shown}`"))?, file))
}

/// Takes away what a dead server has left behind.
fn make_room(path: &Path) -> Result<()> {
    let shown = path.display();
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot look at `{shown}`")),
    };
    if !metadata.file_type().is_socket() {
        bail!("`{shown}` is there already and is no socket: choose another path for `unix`");
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("another server listens on `{shown}`: stop it, or choose another path"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
            .with_context(|| format!("cannot remove the old Unix socket `{shown}`")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("cannot tell whether a server listens on `{shown}`"))
        }
    }
}

fn id(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody else may have put another in its place.
        if id(&self.path).is_ok_and(|id| id == self.id)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("the Unix socket `{}` stays behind: {error}", self.path.display());
        }
    }
}
