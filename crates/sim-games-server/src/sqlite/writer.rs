//! The thread that writes: it takes all units of work that wait into one transaction.

use std::fs::File;
use std::sync::Arc;

use rusqlite::Connection;
use sim_games_types::Change;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::hooks::{self, HookProgress};
use super::unit::{self, Failure};
use super::{Observer, read};
use crate::error::StoreError;
use crate::store::{Outcome, Work};

/// The most units that share one transaction.
const GROUP: usize = 256;

/// A unit of work and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// How far a subscriber got, and who waits until that is noted.
#[derive(Debug)]
pub(super) struct HookNote {
    pub(super) progress: HookProgress,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Store this.
    Work(Box<Job>),
    /// Note how far a subscriber got.
    Hook(Box<HookNote>),
    /// Finish what came before this and end.
    Stop,
}

/// What the writer's thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Keeps other processes out for as long as the thread runs.
    pub(super) _lock: File,
    /// The journal's last number.
    pub(super) head: u64,
    pub(super) live: broadcast::Sender<Arc<[Change]>>,
    pub(super) observer: Observer,
    pub(super) checkpointer: Checkpointer,
    /// Whether a commit does not wait for the disk, as it does only for notes.
    pub(super) is_relaxed: bool,
}

/// What a unit of a group came to, before the group is committed.
type Pending = (oneshot::Sender<Result<Outcome, StoreError>>, Result<Outcome, StoreError>);

impl Writer {
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut stopped = false;
        while !stopped && let Some(first) = inbox.blocking_recv() {
            let (mut group, mut notes) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Work(job) => group.push(*job),
                    Message::Hook(note) => notes.push(*note),
                    Message::Stop => stopped = true,
                }
                let more = !stopped && group.len() + notes.len() < GROUP;
                next = if more { inbox.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group);
            }
            if !notes.is_empty() {
                self.note(notes);
            }
        }
        // Whoever still waits in the queue learns that the store is closed when it is dropped.
    }

    /// Stores a group in one transaction and tells everybody.
    pub(super) fn commit(&mut self, group: Vec<Job>) {
        let (answers, works): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.answer, job.work)).unzip();
        match self.transaction(&works) {
            Ok((outcomes, changes)) => {
                if let Some(last) = changes.last() {
                    self.head = last.seq;
                    (self.observer)(&changes);
                    self.checkpointer.note(changes.len());
                    // Nobody may be listening, and whoever comes later reads the journal.
                    self.live.send(changes.into()).ok();
                }
                answer_all(answers.into_iter().zip(outcomes));
            }
            Err(error) => {
                tracing::error!(error = %error, units = works.len(), "could not save");
                self.abandon();
                let error = StoreError::unavailable(error);
                answer_all(answers.into_iter().map(|answer| (answer, Err(error.clone()))));
            }
        }
    }

    /// Carries out the units; an error concerns all of them.
    #[expect(clippy::type_complexity, reason = "the pair is taken apart by the only caller")]
    fn transaction(
        &mut self,
        works: &[Work],
    ) -> rusqlite::Result<(Vec<Result<Outcome, StoreError>>, Vec<Change>)> {
        if self.is_relaxed {
            // Nothing is stored as durable unless this succeeds.
            self.connection.execute_batch("PRAGMA synchronous = FULL")?;
            self.is_relaxed = false;
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut outcomes = Vec::with_capacity(works.len());
        let mut all_changes = Vec::new();
        let mut head = self.head;
        for work in works {
            self.connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
            match unit::execute(&self.connection, work, head) {
                Ok((outcome, changes)) => {
                    head = outcome.committed.seq;
                    all_changes.extend(changes);
                    outcomes.push(Ok(outcome));
                }
                Err(failure) => {
                    // A full disk may have ended the whole transaction; then nothing is left of it.
                    if self.connection.is_autocommit()
                        && let Failure::Sql(error) = failure
                    {
                        return Err(error);
                    }
                    outcomes.push(Err(failure.into()));
                    self.connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
                }
            }
            self.connection.prepare_cached("RELEASE unit")?.execute([])?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok((outcomes, all_changes))
    }

    /// Stores how far subscribers got, without waiting for the disk: who loses the newest of it
    /// with the machine's power delivers again.
    pub(super) fn note(&mut self, notes: Vec<HookNote>) {
        let outcome = self.unflushed(&notes).map_err(|error| {
            tracing::warn!(error = %error, "could not note what was delivered");
            self.abandon();
            StoreError::unavailable(error)
        });
        for note in notes {
            // A subscriber that was removed meanwhile no longer listens.
            note.answer.send(outcome.clone()).ok();
        }
    }

    fn unflushed(&mut self, notes: &[HookNote]) -> rusqlite::Result<()> {
        self.is_relaxed = true;
        self.connection.execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")?;
        for note in notes {
            hooks::note(&self.connection, &note.progress)?;
        }
        self.connection.execute_batch("COMMIT")
    }

    /// Leaves no transaction behind after a failure.
    fn abandon(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(error = %error, "could not roll back");
        }
        match read::head(&self.connection) {
            Ok(head) => self.head = head,
            Err(error) => tracing::error!(error = %error, "could not read the journal's end"),
        }
    }
}

/// Tells everybody; a caller that has gone away is no matter.
fn answer_all(pending: impl Iterator<Item = Pending>) {
    for (answer, outcome) in pending {
        answer.send(outcome).ok();
    }
}
