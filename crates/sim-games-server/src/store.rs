//! The boundary between the API and its database: what is asked for and what is answered.
//!
//! Nothing here names a database, so that a second one needs no change above this line.

use std::fmt;
use std::sync::Arc;

use sim_games_types::{Change, Committed, GamePk, Resource, RunPk, Stored, Timestamp, UnitOfWork};
use tracing::Span;

use crate::credentials::Digest;
use crate::model::{Condition, Presence, Table};

/// A game and what hangs from it directly, as they stood at one moment.
#[derive(Clone, Debug)]
pub struct GameSnapshot {
    /// The journal's last number at that moment.
    pub seq: u64,
    /// The game.
    pub game: Arc<Stored>,
    /// Its phases, by key.
    pub phases: Vec<Arc<Stored>>,
    /// Its roles, by key.
    pub roles: Vec<Arc<Stored>>,
}

/// A run, or several, with all that belongs to them, as they stood at one moment.
#[derive(Clone, Debug)]
pub struct RunSnapshot {
    /// The journal's last number at that moment.
    pub seq: u64,
    /// The runs and their worlds, members, scenarios, periods, decisions and results: parents
    /// before children, and by key within one resource.
    pub objects: Vec<Arc<Stored>>,
}

/// A unit of work, and how its operations are to be checked.
#[derive(Debug)]
pub(crate) struct Work {
    /// The unit.
    pub(crate) unit: UnitOfWork,
    /// Which fields its changes must have.
    pub(crate) changes: Presence,
    /// Which fields its new rows must have.
    pub(crate) creates: Presence,
    /// How it is told which operation is refused.
    pub(crate) report: Report,
    /// Whether accounts of superusers are left alone, since the caller is none.
    pub(crate) spare_superusers: bool,
    /// Whether the rows are answered as they are after the last operation, not after their own.
    pub(crate) rows_at_end: bool,
    /// The token that its caller uses, which outlives a change of the caller's password.
    pub(crate) keep_token: Option<Digest>,
    /// What it is a part of, for the log of the thread that carries it out.
    pub(crate) span: Span,
}

/// How a unit of work tells which of its operations is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The messages of the first one that is refused.
    Single,
    /// The same, at its position among the operations.
    Position,
    /// The messages of all: they are checked even after one was refused.
    All,
}

impl From<UnitOfWork> for Work {
    fn from(unit: UnitOfWork) -> Self {
        Self {
            unit,
            changes: Presence::Partial,
            creates: Presence::New,
            report: Report::Single,
            spare_superusers: false,
            rows_at_end: false,
            keep_token: None,
            span: Span::current(),
        }
    }
}

/// The answer to a unit of work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// What the caller of the public interface learns.
    pub(crate) committed: Committed,
    /// The row of each operation, as it was left or, when deleted, was; none if there was no row.
    pub(crate) objects: Vec<Option<Arc<Stored>>>,
    /// Which operations made the row that they are about.
    pub(crate) created: Vec<bool>,
}

/// What part of the journal is wanted.
#[derive(Clone, Debug)]
pub(crate) struct JournalQuery {
    /// Changes after this number.
    pub(crate) after: u64,
    /// Only those of this game.
    pub(crate) game: Option<GamePk>,
    /// Only those of this run.
    pub(crate) run: Option<RunPk>,
    /// The most changes to return.
    pub(crate) limit: u32,
}

/// A part of the journal.
#[derive(Clone, Debug)]
pub(crate) struct JournalPage {
    /// The changes with their references for readers outside, in commit order.
    pub(crate) entries: Vec<(Change, String)>,
    /// Up to where the journal was looked at.
    pub(crate) last: u64,
}

/// What of a run's history is wanted, newest first.
#[derive(Clone, Debug)]
pub(crate) struct AuditQuery {
    /// The run.
    pub(crate) run: RunPk,
    /// Only changes before this number.
    pub(crate) before: Option<u64>,
    /// The most changes to return.
    pub(crate) limit: u32,
    /// Only those that this user made.
    pub(crate) actor: Option<i64>,
    /// Only those of this resource.
    pub(crate) resource: Option<Resource>,
}

/// What a list shall contain.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// The resource.
    pub(crate) table: &'static Table,
    /// What the rows must fulfil.
    pub(crate) conditions: Vec<Condition>,
    /// Columns to sort by, and whether downwards; the table's own order is added.
    pub(crate) order: Vec<(&'static str, bool)>,
    /// How many rows to leave out.
    pub(crate) offset: u64,
    /// How many rows to return at most.
    pub(crate) limit: u64,
}

/// A user as the database has it, for the check of a password.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: Arc<Stored>,
    pub(crate) password: Option<String>,
}

/// A subscription with all that its delivery needs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HookRow {
    pub(crate) pk: i64,
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) delivered: u64,
    pub(crate) connected: bool,
    pub(crate) erroring: bool,
}

impl fmt::Debug for HookRow {
    /// Shows neither the secret nor the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRow").field("pk", &self.pk).finish_non_exhaustive()
    }
}

/// An event ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) body: Vec<u8>,
}

/// Some events, and the journal's number up to which there are no others.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    pub(crate) events: Vec<Event>,
    pub(crate) reached: u64,
}

/// A delivery that failed.
#[derive(Clone, Debug)]
pub(crate) struct HookFailure {
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) content: String,
}

/// How far a subscriber got and how it fares.
#[derive(Clone, Debug)]
pub(crate) struct HookProgress {
    pub(crate) pk: i64,
    pub(crate) delivered: u64,
    pub(crate) connected: bool,
    pub(crate) erroring: bool,
    /// The newest failure, when there was one since the last note.
    pub(crate) failure: Option<HookFailure>,
}
