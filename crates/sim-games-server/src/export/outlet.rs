//! The way from the thread that reads to whoever takes the pieces.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;
use crate::sql::connection::{Fault, FaultKind};

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Pieces that may wait to be taken.
const WAITING: usize = 4;

/// How long a piece may wait. A database keeps what has changed for as long as an export reads.
const PATIENCE: Duration = Duration::from_mins(1);

/// Collects what is written into pieces and sends them.
#[derive(Debug)]
pub(super) struct Outlet {
    piece: Vec<u8>,
    pieces: mpsc::Sender<Result<Bytes, StoreError>>,
    runtime: Handle,
    stopping: CancellationToken,
}

impl Outlet {
    /// An outlet and its other end. To be called within a runtime.
    pub(super) fn new() -> (Self, mpsc::Receiver<Result<Bytes, StoreError>>) {
        let (pieces, taken) = mpsc::channel(WAITING);
        let piece = Vec::with_capacity(PIECE);
        let stopping = CancellationToken::new();
        (Self { piece, pieces, runtime: Handle::current(), stopping }, taken)
    }

    /// Lets the export break off when this token is cancelled.
    pub(super) fn until(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    /// Sends what is left, or tells that the export has broken off.
    pub(super) fn finish(mut self, written: Result<(), Fault>) -> Result<(), Fault> {
        let done = written.and_then(|()| self.send().map_err(fault));
        if let Err(fault) = &done {
            let broken = StoreError::unavailable(io::Error::other(fault.to_string()));
            // Nobody is left to be told when nobody takes the pieces.
            self.pieces.try_send(Err(broken)).ok();
        }
        done
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sending = self.pieces.send(Ok(piece.into()));
        let sending = self.stopping.run_until_cancelled(sending);
        match self.runtime.block_on(async { timeout(PATIENCE, sending).await }) {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(None) => Err(io::Error::new(io::ErrorKind::Interrupted, "the service stops")),
            Ok(Some(Err(_))) => {
                Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the export"))
            }
            Err(_) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the export is taken too slowly"))
            }
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A failure to write, on its way through those who read.
pub(super) fn fault(error: io::Error) -> Fault {
    Fault::new(FaultKind::Other, error)
}
