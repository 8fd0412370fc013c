//! The thread that writes: it takes all units of work that wait into one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sim_games_types::{Change, Timestamp};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::chore::Chore;
use super::condition::Condition;
use super::connection::{Backend, Durability, Fault, FaultKind, Writing};
use super::read;
use super::unit::{self, Failure};
use crate::counters;
use crate::error::StoreError;
use crate::store::{Outcome, Work};

/// The most units that share one transaction.
const GROUP: usize = 256;

/// How often a transaction is tried when the connection breaks or another one crosses it.
const ATTEMPTS: usize = 3;

/// Changes by others that are read from the journal at once.
const PAGE: u32 = 512;

/// How often old answers are forgotten.
const SWEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// What the writer has seen in the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'c> {
    /// These changes.
    Changes(&'c [Change]),
    /// That others have changed something which could not be read.
    Unknown,
}

/// Called by the writer with what was committed, before anybody else learns of it.
pub(crate) type Observer = Box<dyn Fn(Seen<'_>) + Send>;

/// A unit of work and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// What the writer is told.
pub(super) enum Message {
    /// Store this.
    Work(Box<Job>),
    /// Do this.
    Chore(Box<dyn Chore>),
    /// Another process has written: tell what.
    Look,
    /// Finish what came before this and end.
    Stop,
}

/// What the writer's thread owns.
pub(super) struct Writer {
    pub(super) backend: Arc<dyn Backend>,
    /// None after it broke, until the next transaction.
    pub(super) connection: Option<Box<dyn Writing>>,
    /// The journal's last number that was told.
    pub(super) head: u64,
    /// The same, for those who ask whether there is news.
    pub(super) told: Arc<AtomicU64>,
    pub(super) live: broadcast::Sender<Arc<[Change]>>,
    pub(super) observer: Observer,
    /// Whether the database takes what is written.
    pub(super) condition: Arc<Condition>,
    /// How long answers to calls that carried a key are kept.
    pub(super) answers_kept: Duration,
    /// When it last forgot older ones.
    pub(super) swept: Option<Instant>,
}

/// What was done for a group of units, once it is committed.
struct Group {
    /// The journal's last number before.
    before: u64,
    outcomes: Vec<Result<Outcome, StoreError>>,
    changes: Vec<Change>,
}

impl Writer {
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut stopped = false;
        while !stopped && let Some(first) = inbox.blocking_recv() {
            let (mut group, mut chores, mut look) = (Vec::new(), Vec::new(), false);
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Work(job) => group.push(*job),
                    Message::Chore(chore) => chores.push(chore),
                    Message::Look => look = true,
                    Message::Stop => stopped = true,
                }
                let more = !stopped && group.len() + chores.len() < GROUP;
                next = if more { inbox.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group);
            } else if look {
                self.look();
            }
            if !chores.is_empty() {
                self.do_chores(chores);
            }
            if self.swept.is_none_or(|at| at.elapsed() >= SWEEP) {
                self.sweep();
            }
        }
        // Whoever still waits in the queue learns that the store is closed when it is dropped.
    }

    /// Stores a group in one transaction and tells everybody.
    pub(super) fn commit(&mut self, group: Vec<Job>) {
        let (answers, works): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.answer, job.work)).unzip();
        let begun = Instant::now();
        let done = self.attempt(|connection| transaction(connection, &works));
        let took = begun.elapsed();
        counters::committed(works.len(), took, done.is_ok());
        match done {
            Ok(Group { before, outcomes, changes }) => {
                // A transaction that changes nothing writes nothing.
                if !changes.is_empty() {
                    self.condition.succeeded();
                }
                self.catch_up(before);
                self.publish(changes.into());
                note(&works, &outcomes, took);
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A caller that has gone away is no matter.
                    answer.send(outcome).ok();
                }
            }
            Err(fault) => {
                tracing::debug!(error = %fault, units = works.len(), "could not save");
                self.note_failure(&fault);
                let error = StoreError::from(fault);
                for answer in answers {
                    answer.send(Err(error.clone())).ok();
                }
            }
        }
    }

    /// Does chores, those together that want the same of the disk.
    fn do_chores(&mut self, chores: Vec<Box<dyn Chore>>) {
        let (durable, relaxed): (Vec<_>, Vec<_>) =
            chores.into_iter().partition(|chore| chore.durability() == Durability::Durable);
        for (mut chores, durability) in
            [(durable, Durability::Durable), (relaxed, Durability::Relaxed)]
        {
            if chores.is_empty() {
                continue;
            }
            let done = self.attempt(|connection| {
                connection.begin(durability)?;
                for chore in &mut chores {
                    chore.carry_out(connection)?;
                }
                connection.commit()
            });
            let done = done.map_err(|fault| {
                tracing::debug!(error = %fault, "could not note what was done");
                self.note_failure(&fault);
                StoreError::from(fault)
            });
            for chore in chores {
                chore.answer(done.clone());
            }
        }
    }

    /// Notes that nothing was written. Databases do not tell a full disk from a broken one, so the
    /// cause is looked for.
    fn note_failure(&self, fault: &Fault) {
        self.condition.failed(|| match self.backend.try_to_write() {
            Ok(()) => fault.to_string(),
            Err(found) => found.to_string(),
        });
    }

    /// Forgets answers to calls that nobody will repeat any more.
    fn sweep(&mut self) {
        self.swept = Some(Instant::now());
        let kept = i64::try_from(self.answers_kept.as_micros()).unwrap_or(i64::MAX);
        let until = Timestamp::now().micros().saturating_sub(kept);
        let swept = self.attempt(|connection| {
            connection.begin(Durability::Relaxed)?;
            connection.execute("DELETE FROM answer WHERE at <= ?", &[until.into()])?;
            connection.commit()
        });
        if let Err(fault) = swept {
            tracing::warn!(error = %fault, "could not forget old answers");
        }
    }

    /// Tells what other processes have written.
    fn look(&mut self) {
        match self.attempt(|connection| read::head(connection)) {
            Ok(head) => self.catch_up(head),
            // Whoever needs it reads the journal, and the next word of news leads here again.
            Err(fault) => tracing::warn!(error = %fault, "could not read the journal's end"),
        }
    }

    /// Tells what the journal holds up to a number, as far as this process has not written it.
    fn catch_up(&mut self, head: u64) {
        while self.head < head {
            let after = self.head;
            let page = self.attempt(|connection| read::journal(connection, after, PAGE));
            match page {
                Ok(changes) if changes.is_empty() => self.head = head,
                Ok(changes) => self.publish(changes.into()),
                Err(fault) => {
                    tracing::warn!(error = %fault, "could not read what others have written");
                    // Readers of the feed notice the gap and read the journal themselves.
                    (self.observer)(Seen::Unknown);
                    self.head = head;
                }
            }
        }
    }

    fn publish(&mut self, changes: Arc<[Change]>) {
        let Some(last) = changes.last() else { return };
        self.head = last.seq;
        self.told.store(last.seq, Ordering::SeqCst);
        (self.observer)(Seen::Changes(&changes));
        // Nobody may be listening, and whoever comes later reads the journal.
        self.live.send(changes).ok();
    }

    /// Works on the connection, on a fresh one when it broke.
    fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&dyn Writing) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut attempt = 1;
        loop {
            let outcome = self
                .connected()
                .and_then(|connection| work(connection).inspect_err(|_| connection.abandon()));
            let fault = match outcome {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            if fault.kind == FaultKind::Gone {
                self.connection = None;
            }
            if !fault.is_transient() || attempt == ATTEMPTS {
                return Err(fault);
            }
            tracing::debug!(error = %fault, attempt, "trying the transaction again");
            attempt += 1;
        }
    }

    fn connected(&mut self) -> Result<&dyn Writing, Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.backend.writer()?,
        };
        Ok(&**self.connection.insert(connection))
    }
}

/// Logs what became of each unit, as a part of what it belongs to.
fn note(works: &[Work], outcomes: &[Result<Outcome, StoreError>], took: Duration) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for (work, outcome) in works.iter().zip(outcomes) {
        // A parent that is only named would be shown in JSON without the spans around it.
        let _span = work.span.enter();
        match outcome {
            Ok(outcome) => tracing::debug!(
                journal.seq = outcome.committed.seq,
                units = works.len(),
                elapsed_ms = took.as_micros() as f64 / 1000.0,
                "stored"
            ),
            Err(error) => tracing::debug!(error = %error, "not stored"),
        }
    }
}

/// Carries out the units; a fault concerns all of them.
fn transaction(connection: &dyn Writing, works: &[Work]) -> Result<Group, Fault> {
    let before = connection.begin(Durability::Durable)?;
    let mut group =
        Group { before, outcomes: Vec::with_capacity(works.len()), changes: Vec::new() };
    let mut head = before;
    for work in works {
        let _span = work.span.enter();
        connection.begin_unit()?;
        match unit::execute(connection, work, head) {
            Ok((outcome, changes)) => {
                connection.keep_unit()?;
                head = outcome.committed.seq;
                group.changes.extend(changes);
                group.outcomes.push(Ok(outcome));
            }
            Err(Failure::Sql(fault)) if fault.is_transient() => return Err(fault),
            Err(failure) => match connection.undo_unit() {
                Ok(()) => group.outcomes.push(Err(failure.into())),
                // A full disk may have ended the whole transaction; then nothing is left of it.
                Err(undoing) => {
                    return Err(match failure {
                        Failure::Sql(fault) => fault,
                        Failure::Refused(_) => undoing,
                    });
                }
            },
        }
    }
    connection.record(&group.changes)?;
    connection.commit()?;
    Ok(group)
}
