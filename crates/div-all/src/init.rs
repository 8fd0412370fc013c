//! The duty of a container's first process: to wait for those whose parents have ended.

use std::time::Duration;

use rustix::process::{WaitOptions, getpid, wait};

/// How long a process that nobody waits for may lie about.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for whatever ends, if this is the first process. The programs here start no others, so that
/// nobody else waits for them.
pub(crate) fn bury_if_first() {
    if getpid().is_init() {
        let buried = std::thread::Builder::new().name("init".to_owned()).spawn(bury);
        // Without it processes that have ended stay in the list, which hurts nobody for long.
        drop(buried);
    }
}

fn bury() {
    loop {
        // Nobody is there most of the time: only `exec` into the container brings others.
        if wait(WaitOptions::empty()).is_err() {
            std::thread::park_timeout(PAUSE);
        }
    }
}
