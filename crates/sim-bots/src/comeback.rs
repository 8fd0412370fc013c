//! How a player whose session was lost comes back.

use std::time::Duration;

use sim_games_types::RunPk;
use tokio::time::{Instant, sleep};

use crate::{Move, Object};

/// The pause after the first attempt in vain.
const FIRST: Duration = Duration::from_millis(50);

/// The longest pause: whoever waits for a service that starts again is back soon after.
const LONGEST: Duration = Duration::from_millis(500);

/// The attempts of one player to come back.
#[derive(Debug)]
pub(crate) struct Attempts {
    began: Instant,
    pause: Duration,
    patience: Duration,
}

impl Attempts {
    /// Begins to count the time.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { began: Instant::now(), pause: FIRST, patience }
    }

    /// How long it has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits before the next attempt; says whether there is to be one.
    pub(crate) async fn wait(&mut self) -> bool {
        // By chance half of it, so that not all come at once.
        sleep(self.pause.mul_f64(1.0 - 0.5 * rand::random::<f64>())).await;
        self.pause = (self.pause * 2).min(LONGEST);
        self.elapsed() < self.patience
    }
}

/// What a player keeps from one session to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The periods that were played to their end.
    pub(crate) played: Vec<Object>,
    /// The period that is being played.
    pub(crate) current: Option<Object>,
    /// What was decided in it, whether or not the answer came.
    pub(crate) decided: Option<Decided>,
}

/// A decision with the key under which it can be sent again and is carried out once.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) decision: Move,
    pub(crate) key: String,
}

impl Decided {
    /// Gives a decision a key of its own.
    pub(crate) fn new(decision: Move, run: RunPk) -> Self {
        let key = format!("bot-{}-{:032x}", run.0, rand::random::<u128>());
        Self { decision, key }
    }
}
