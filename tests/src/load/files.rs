//! How many files, and with them sockets, a process may have open.

use anyhow::{Context, Result, bail};

/// Files that a process has open besides its sockets.
const OTHER_FILES: usize = 100;

/// Lets this process, and those that it starts from now on, have so many sockets open, as far as
/// this user may; `option` is the one to make smaller where that is not enough.
pub(super) fn allow_files(sockets: usize, option: &str) -> Result<()> {
    let needed = (sockets + OTHER_FILES) as u64;
    let allowed = rlimit::increase_nofile_limit(needed).context("raising the limit of files")?;
    if allowed < needed {
        bail!(
            "{needed} open files are needed and {allowed} allowed: raise the hard limit \
             (`ulimit -Hn`) or measure fewer with `{option}`"
        );
    }
    Ok(())
}
