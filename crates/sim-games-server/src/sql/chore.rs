//! What the writer does besides units of work: small notes that no journal tells of.

use tokio::sync::oneshot;

use super::connection::{Durability, Fault, Writing};
use crate::error::StoreError;

/// A piece of work for the writer. It may be carried out more than once; the last time counts.
pub(super) trait Chore: Send {
    /// Whether its commit waits for the disk.
    fn durability(&self) -> Durability;

    /// Does it, within a transaction.
    fn carry_out(&mut self, connection: &dyn Writing) -> Result<(), Fault>;

    /// Tells whoever waits, after the commit.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// A chore made of a function.
pub(super) struct Task<T, W> {
    durability: Durability,
    work: W,
    found: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Task<T, W>
where
    T: Send,
    W: FnMut(&dyn Writing) -> Result<T, Fault> + Send,
{
    pub(super) fn new(
        durability: Durability,
        work: W,
        answer: oneshot::Sender<Result<T, StoreError>>,
    ) -> Self {
        Self { durability, work, found: None, answer }
    }
}

impl<T, W> Chore for Task<T, W>
where
    T: Send,
    W: FnMut(&dyn Writing) -> Result<T, Fault> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn carry_out(&mut self, connection: &dyn Writing) -> Result<(), Fault> {
        self.found = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { found, answer, .. } = *self;
        let outcome = outcome.and_then(|()| found.ok_or(StoreError::Closed));
        // Whoever asked may have gone away.
        answer.send(outcome).ok();
    }
}
