//! Taking over an installation of the original: its tables on PostgreSQL, into an empty database.
//!
//! Everything is copied within one transaction, with its keys and times, and put into the journal.
//! Rows that break rules which the original did not keep are left out and listed.

mod copy;
mod source;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sim_games_types::Resource;

use crate::api::GamesApi;
use crate::error::StoreError;
use crate::postgres::Address;
use crate::sql::connection::Durability;
use copy::Copier;

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
}

impl TakenOver {
    /// How many rows were left out.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.kinds.iter().map(|it| it.read - it.copied).sum()
    }

    fn leave_out(&mut self, table: &str, key: impl fmt::Display, reason: &str) {
        if self.left_out.len() < LISTED {
            self.left_out.push(format!("{table} {key}: {reason}"));
        }
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
    /// Rows would have been left out, which was forbidden.
    #[error("{} rows break the rules, so nothing was taken over", .0.missing())]
    Strict(TakenOver),
    /// The copying failed.
    #[error("nothing was taken over: {0}")]
    Failed(String),
}

impl GamesApi {
    /// Copies everything from a database of the original at a PostgreSQL address. Nothing is copied
    /// when that fails, or when rows must be left out and `strict` forbids it.
    ///
    /// # Errors
    /// See [`TakeOverError`].
    pub async fn take_over(&self, url: &str, strict: bool) -> Result<TakenOver, TakeOverError> {
        let source = Address::parse(url).map_err(TakeOverError::Source)?;
        if !self.is_untouched().await.map_err(|error| TakeOverError::Failed(error.to_string()))? {
            return Err(TakeOverError::NotEmpty);
        }
        // The chore may be tried again, and tells nothing when it fails: the report is beside it.
        let report = Arc::new(Mutex::new(TakenOver::default()));
        let notes = Arc::clone(&report);
        let copied = self.store().chore(Durability::Durable, move |connection| {
            let taken = Copier::copy_all(connection, &source)?;
            let is_whole = taken.missing() == 0;
            *notes.lock().unwrap_or_else(PoisonError::into_inner) = taken;
            if strict && !is_whole {
                return Err(copy::refusal("rows break the rules"));
            }
            Ok(())
        });
        let copied = copied.await;
        let taken = std::mem::take(&mut *report.lock().unwrap_or_else(PoisonError::into_inner));
        match copied {
            Ok(()) => Ok(taken),
            Err(_) if strict && taken.missing() > 0 => Err(TakeOverError::Strict(taken)),
            Err(StoreError::Unavailable { source }) => {
                Err(TakeOverError::Failed(source.to_string()))
            }
            Err(error) => Err(TakeOverError::Failed(error.to_string())),
        }
    }

    /// Whether there is nothing but the account that a new database has.
    async fn is_untouched(&self) -> Result<bool, StoreError> {
        for resource in Resource::ALL {
            let table = crate::model::Table::of(resource);
            let query = crate::store::Query {
                table,
                conditions: Vec::new(),
                order: Vec::new(),
                offset: 0,
                limit: 1,
            };
            let most = u64::from(resource == Resource::User);
            if self.store().count(query).await? > most {
                return Ok(false);
            }
        }
        Ok(self.last_seq().await? <= 1)
    }
}
