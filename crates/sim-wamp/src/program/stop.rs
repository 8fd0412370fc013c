//! Being told to stop.

use std::io;

use anyhow::{Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wish that the program end: Ctrl-C, or a service manager's SIGTERM.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Takes the signals over: from now on they do not end the program by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next such wish; dropping the future loses none.
    pub(super) async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for something, unless the program is told to stop before.
    pub(super) async fn unless_wanted<T>(&mut self, waiting: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            done = waiting => Ok(done),
            () = self.wanted() => bail!("interrupted"),
        }
    }
}
