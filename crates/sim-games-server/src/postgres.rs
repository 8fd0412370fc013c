//! PostgreSQL: several processes may share a database; its writers take turns by a lock.
//!
//! Every change has its number in the journal from under that lock, so that numbers become visible
//! in the order of commits and without a gap. Other processes are woken by a notification and read
//! the journal for what was written.

mod address;
mod connection;
mod listener;
mod migrate;
mod statements;
mod turn;
mod writer;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::error::StoreError;
use crate::sql::connection::{Backend, Connection, Fault, FaultKind, Writing};
use crate::sql::{News, Turn};
pub(crate) use address::Address;
pub(crate) use connection::PgConnection;
use writer::PgWriter;

/// How long to wait before a server that does not answer at the start is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// A database on a server.
#[derive(Debug)]
pub(crate) struct Postgres {
    address: Address,
    /// What the locks and notifications of this database's schema are called.
    key: i64,
}

impl Postgres {
    /// Takes a database, creating the tables when there are none, and brings them forward. A server
    /// that does not answer is waited for. Blocks.
    pub(crate) fn open(url: &str, patience: Duration) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let unusable = |reason: String| StoreError::Unusable { database: address.name(), reason };
        let deadline = Instant::now() + patience;
        let mut is_told = false;
        let connection = loop {
            match PgConnection::open(&address) {
                Ok(connection) => break connection,
                Err(fault) if fault.kind == FaultKind::Gone && Instant::now() < deadline => {
                    if !is_told {
                        tracing::warn!("waiting for the database `{}`: {fault}", address.name());
                        is_told = true;
                    }
                    connection::pause(PAUSE);
                }
                Err(fault) if fault.kind == FaultKind::Gone => {
                    return Err(unusable(format!(
                        "{fault}: start the server, or correct host and port in its address"
                    )));
                }
                Err(fault) => return Err(unusable(fault.to_string())),
            }
        };
        let key = migrate::run(&connection, &address)?;
        Ok(Self { address, key })
    }

    fn channel(&self) -> String {
        format!("games_api_{:x}", self.key)
    }
}

impl Backend for Postgres {
    fn reader(&self) -> Result<Box<dyn Connection>, Fault> {
        Ok(Box::new(PgConnection::open(&self.address)?))
    }

    fn writer(&self) -> Result<Box<dyn Writing>, Fault> {
        Ok(Box::new(PgWriter::open(&self.address, self.key, self.channel())?))
    }

    fn turn(&self) -> Turn {
        let (sender, is_ours) = watch::channel(false);
        // Another lock than that of the writers.
        let asking = turn::run(self.address.clone(), self.key.wrapping_add(1), sender);
        Turn::held_by(is_ours, AbortOnDropHandle::new(tokio::spawn(asking)))
    }

    fn listen(&self, news: News) -> Option<JoinHandle<()>> {
        Some(tokio::spawn(listener::run(self.address.clone(), self.channel(), news)))
    }
}
