//! Arrivals that come by the clock, however long the last one takes.

use std::time::{Duration, Instant};

/// Ticks in equal intervals.
#[derive(Debug)]
pub(super) struct Clock {
    due: Instant,
    every: Duration,
    /// When the timer last woke this up.
    woken: Instant,
}

impl Clock {
    /// Begins at once.
    pub(super) fn start(every: Duration) -> Self {
        let now = Instant::now();
        Self { due: now, every, woken: now }
    }

    /// Waits for the next tick unless it is over already, and returns when it began.
    ///
    /// A tick that came while the last one was worked on began when it was due. One that came
    /// while the timer slept began when the timer woke up, whose lateness is not the router's.
    pub(super) async fn tick(&mut self) -> Instant {
        if Instant::now() < self.due {
            tokio::time::sleep_until(self.due.into()).await;
            self.woken = Instant::now();
        }
        let begin = self.due.max(self.woken);
        self.due += self.every;
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ticks_come_when_they_are_due_even_if_one_took_long() {
        let every = Duration::from_millis(1);
        let start = Instant::now();
        let mut clock = Clock::start(every);
        assert!(clock.tick().await >= start);
        let busy = Instant::now() + 5 * every;
        while Instant::now() < busy {}
        let missed = clock.tick().await;
        assert!(missed < busy, "the tick was due while the last one was worked on");
        for _ in 0..20 {
            clock.tick().await;
        }
        assert!(start.elapsed() >= 21 * every);
    }
}
