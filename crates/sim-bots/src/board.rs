//! What bots tell each other outside the service, to measure how long it takes inside.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sim_games_types::RolePk;
use tokio::time::Instant;

/// When which role sent its decision in which period.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<HashMap<i64, HashMap<Option<RolePk>, Instant>>>);

impl Board {
    /// Notes that a role sends its decision now.
    pub(crate) fn sent(&self, period: i64, role: Option<RolePk>) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.entry(period).or_default().insert(role, Instant::now());
    }

    /// When a role sent its decision, if a bot plays it.
    pub(crate) fn sent_by(&self, period: i64, role: Option<RolePk>) -> Option<Instant> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.get(&period)?.get(&role).copied()
    }

    /// When the last of these roles sent its decision, if bots play all of them.
    pub(crate) fn last_sent(
        &self,
        period: i64,
        roles: impl IntoIterator<Item = Option<RolePk>>,
    ) -> Option<Instant> {
        let sent: Option<Vec<_>> =
            roles.into_iter().map(|role| self.sent_by(period, role)).collect();
        sent?.into_iter().max()
    }
}
