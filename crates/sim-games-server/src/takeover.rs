//! Taking over an installation of the original: its tables on PostgreSQL, into an empty database.
//!
//! Everything is copied within one transaction, with its keys and times, and put into the journal.
//! Rows that break rules which the original did not keep are left out and listed. Of doubled rows
//! the newest is kept, and what hung from the others hangs from it.

mod copy;
mod rows;
mod source;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use crate::api::GamesApi;
use crate::error::StoreError;
use crate::postgres::{Address, PgConnection};
use crate::sql::connection::{Durability, Fault, Writing};
use crate::sql::restore;
use copy::Failure;

/// Rows left out that are listed; of more only the number is told.
const LISTED: usize = 10_000;

/// How many rows of a kind were copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The kind, as collections are named; tokens are one besides.
    pub kind: &'static str,
    /// Rows that the original has.
    pub read: u64,
    /// Rows that were copied.
    pub copied: u64,
}

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// The rows by kind.
    pub kinds: Vec<Copied>,
    /// The rows that were left out, each with its table, its key and the reason.
    pub left_out: Vec<String>,
    /// The rows that were copied without something that they could not keep, in the same form.
    pub changed: Vec<String>,
}

impl TakenOver {
    /// How many rows were left out.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.kinds.iter().map(|it| it.read - it.copied).sum()
    }

    /// Whether every row was copied as it is.
    fn is_whole(&self) -> bool {
        self.missing() == 0 && self.changed.is_empty()
    }

    fn leave_out(&mut self, table: &str, key: impl fmt::Display, reason: &str) {
        note(&mut self.left_out, table, key, reason);
    }

    fn change(&mut self, table: &str, key: impl fmt::Display, reason: &str) {
        note(&mut self.changed, table, key, reason);
    }
}

fn note(lines: &mut Vec<String>, table: &str, key: impl fmt::Display, reason: &str) {
    if lines.len() < LISTED {
        lines.push(format!("{table} {key}: {reason}"));
    }
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeOverError {
    /// The address of the original's database cannot be used.
    #[error(transparent)]
    Source(StoreError),
    /// There is something in the database that the copies could collide with.
    #[error("the database is not empty, take over into a new one")]
    NotEmpty,
    /// Rows would have been left out or changed, which was forbidden.
    #[error(
        "{} rows break the rules and {} could not stay as they are, so nothing was taken over",
        .0.missing(), .0.changed.len()
    )]
    Strict(TakenOver),
    /// The copying failed.
    #[error("nothing was taken over: {0}")]
    Failed(String),
}

impl GamesApi {
    /// Copies everything from a database of the original at a PostgreSQL address. Nothing is copied
    /// when that fails, or when rows cannot be copied as they are and `strict` demands it.
    ///
    /// # Errors
    /// See [`TakeOverError`].
    pub async fn take_over(&self, url: &str, strict: bool) -> Result<TakenOver, TakeOverError> {
        let source = Address::parse(url).map_err(TakeOverError::Source)?;
        let work = move |target: &dyn Writing| attempt(target, &source, strict);
        match self.store().chore(Durability::Durable, work).await {
            Ok(outcome) => outcome,
            Err(StoreError::Unavailable { source }) => {
                Err(TakeOverError::Failed(source.to_string()))
            }
            Err(error) => Err(TakeOverError::Failed(error.to_string())),
        }
    }
}

/// Copies within the writer's transaction, of which nothing is left when it must not be.
fn attempt(
    target: &dyn Writing,
    source: &Address,
    strict: bool,
) -> Result<Result<TakenOver, TakeOverError>, Fault> {
    if !restore::is_untouched(target)? {
        return Ok(Err(TakeOverError::NotEmpty));
    }
    let unread =
        |fault: Fault| Err(TakeOverError::Failed(format!("the original cannot be read: {fault}")));
    let source = match PgConnection::open(source) {
        Ok(source) => source,
        Err(fault) => return Ok(unread(fault)),
    };
    let seq = restore::head(target)?;
    target.begin_unit()?;
    let outcome = match copy::copy_all(&source, target, seq) {
        Err(Failure::Target(fault)) => return Err(fault),
        Err(Failure::Source(fault)) => unread(fault),
        Ok(taken) if strict && !taken.is_whole() => Err(TakeOverError::Strict(taken)),
        Ok(taken) => Ok(taken),
    };
    match &outcome {
        Ok(_) => target.keep_unit()?,
        Err(_) => target.undo_unit()?,
    }
    Ok(outcome)
}
