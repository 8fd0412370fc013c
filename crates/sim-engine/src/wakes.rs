//! Which runs shall be in memory: asked for here, loaded and put to rest by the follower, which is
//! the only one that knows how far the journal has been applied.

use std::sync::Mutex;

use sim_games_types::RunPk;
use tokio::sync::{mpsc, oneshot};

use crate::error::{CallError, CallResult};
use crate::sync::lock;

/// How many calls may wait for runs to be loaded.
const WAITING: usize = 4096;

/// What somebody waits for.
#[derive(Debug)]
pub(crate) enum Wake {
    /// That a run is in memory.
    Run {
        run: RunPk,
        /// Whether it shall be although it is not active.
        even_inactive: bool,
        /// Told when the run has been loaded, or does not exist; dropped when it cannot be loaded
        /// now.
        done: oneshot::Sender<()>,
    },
    /// That all runs which nobody uses at this moment rest.
    Rest { done: oneshot::Sender<()> },
}

#[derive(Debug)]
pub(crate) struct Wakes {
    sender: mpsc::Sender<Wake>,
    receiver: Mutex<Option<mpsc::Receiver<Wake>>>,
}

impl Wakes {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }

    /// What is asked for; for the follower, once.
    pub(crate) fn receiver(&self) -> Option<mpsc::Receiver<Wake>> {
        lock(&self.receiver).take()
    }

    /// Waits until a run is in memory, or is known not to exist or not to be active.
    pub(crate) async fn wake(&self, run: RunPk) -> CallResult<()> {
        self.ask(run, false).await
    }

    /// Waits until a run is in memory, active or not, or is known not to exist.
    pub(crate) async fn restore(&self, run: RunPk) -> CallResult<()> {
        self.ask(run, true).await
    }

    async fn ask(&self, run: RunPk, even_inactive: bool) -> CallResult<()> {
        let (done, loaded) = oneshot::channel();
        let asked = self.sender.try_send(Wake::Run { run, even_inactive, done }).is_ok();
        if asked && loaded.await.is_ok() {
            return Ok(());
        }
        Err(CallError::unavailable("the run cannot be loaded at the moment, try again"))
    }

    /// Waits until all runs rest that nobody uses at this moment; tells whether they do.
    pub(crate) async fn rest(&self) -> bool {
        let (done, rested) = oneshot::channel();
        self.sender.try_send(Wake::Rest { done }).is_ok() && rested.await.is_ok()
    }
}
