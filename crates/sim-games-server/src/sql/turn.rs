//! Whose turn it is: of several processes on one database, only one delivers webhooks.

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Tells when this process's turn begins and ends. It is given up when this value is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    is_ours: watch::Receiver<bool>,
    /// Asks for the turn and holds it.
    _holder: Option<AbortOnDropHandle<()>>,
}

impl Turn {
    /// The turn of a process that shares its database with nobody.
    pub(crate) fn forever() -> Self {
        let (_, is_ours) = watch::channel(true);
        Self { is_ours, _holder: None }
    }

    /// A turn that a task asks for, holds and may lose.
    pub(crate) const fn held_by(
        is_ours: watch::Receiver<bool>,
        holder: AbortOnDropHandle<()>,
    ) -> Self {
        Self { is_ours, _holder: Some(holder) }
    }

    /// Waits until it is this process's turn.
    pub(crate) async fn begins(&mut self) {
        self.is(true).await;
    }

    /// Waits until it is no longer.
    pub(crate) async fn ends(&mut self) {
        self.is(false).await;
    }

    async fn is(&mut self, ours: bool) {
        if self.is_ours.wait_for(|it| *it == ours).await.is_err() {
            // Nobody is left who could change it.
            std::future::pending::<()>().await;
        }
    }
}
