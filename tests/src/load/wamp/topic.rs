//! One publisher and many subscribers, each of whom must receive every event in its order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::super::measure::Samples;
use super::clock::Clock;
use super::session::{Session, shown};
use super::text::{head, numbers};
use super::{GRACE, code};

/// How many batches of publications may be on their way when published back to back.
const BATCHES: usize = 8;

/// What the publisher publishes, and when.
#[derive(Debug)]
pub(super) struct Topic {
    uri: String,
    pace: Pace,
    /// How many events are published at most, and for how long.
    count: u64,
    length: Duration,
    /// Arguments behind the numbers.
    filler: String,
    /// The zero of all times in events.
    start: Instant,
    published: AtomicU64,
}

/// When the next event is published.
#[derive(Debug)]
pub(super) enum Pace {
    /// As soon as no subscriber lags behind by more than the window.
    BackToBack(Window),
    /// By the clock.
    Every(Duration),
}

/// Notes how far the subscribers are.
#[derive(Debug)]
pub(super) struct Window {
    batch: u64,
    subscribers: usize,
    /// How many subscribers have received a batch, for the batches that are on their way.
    arrived: [AtomicUsize; BATCHES],
    room: Semaphore,
}

/// What one event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Its number and when it was published.
    Event(u64, Duration),
    /// There are no more.
    End,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) published: u64,
    pub(super) delivered: u64,
    /// Empty unless published by the clock.
    pub(super) latency: Samples,
}

impl Window {
    /// Lets a subscriber lag behind by so many events, about.
    pub(super) fn new(events: usize, subscribers: usize) -> Self {
        let batch = (events / BATCHES).max(1) as u64;
        let arrived = Default::default();
        Self { batch, subscribers, arrived, room: Semaphore::new(BATCHES) }
    }

    /// Notes that one more subscriber has received so many events.
    fn note(&self, events: u64) {
        if !events.is_multiple_of(self.batch) {
            return;
        }
        // No later batch of this place is published before the last subscriber has this one.
        let place = (events / self.batch) as usize % BATCHES;
        if self.arrived[place].fetch_add(1, Ordering::Relaxed) + 1 == self.subscribers {
            self.arrived[place].store(0, Ordering::Relaxed);
            self.room.add_permits(1);
        }
    }
}

impl Topic {
    pub(super) fn new(uri: impl Into<String>, pace: Pace, count: u64, length: Duration) -> Self {
        let (filler, start) = (String::new(), Instant::now());
        Self { uri: uri.into(), pace, count, length, filler, start, published: AtomicU64::new(0) }
    }

    /// Makes every event longer by so many bytes.
    pub(super) fn with_filler(mut self, bytes: usize) -> Self {
        self.filler = format!(",\"{}\"", "x".repeat(bytes));
        self
    }

    /// How many events were published so far.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Understands what a subscriber received.
    pub(super) fn hear(text: &[u8]) -> Result<Heard> {
        let is_event = matches!(head(text), Some((code::EVENT, _)));
        ensure!(is_event, "a subscriber received `{}`", shown(text));
        Ok(match numbers(text) {
            Some((number, sent)) => Heard::Event(number, Duration::from_nanos(sent)),
            None => Heard::End,
        })
    }

    /// Publishes, and waits until all subscribers have received everything.
    pub(super) async fn run(
        self: &Arc<Self>,
        mut publisher: Session,
        subscribers: Vec<Session>,
    ) -> Result<Outcome> {
        let mut tasks = JoinSet::new();
        for session in subscribers {
            tasks.spawn(Arc::clone(self).follow(session));
        }
        let work = async {
            tokio::select! {
                done = self.publish(&mut publisher) => done?,
                ended = tasks.join_next() => {
                    ended.context("there are no subscribers")???;
                    bail!("a subscriber was told of an end that had not come");
                }
            }
            let mut outcome = Outcome { published: self.published(), ..Outcome::default() };
            while let Some(ended) = tasks.join_next().await {
                let (events, latency) = ended??;
                ensure!(
                    events == outcome.published,
                    "a subscriber received {events} events of {}",
                    outcome.published
                );
                outcome.delivered += events;
                outcome.latency.extend(latency);
            }
            Ok(outcome)
        };
        let in_time = tokio::time::timeout(self.length + GRACE, work).await;
        in_time.with_context(|| format!("{} events did not reach everybody", self.published()))?
    }

    async fn publish(&self, session: &mut Session) -> Result<()> {
        let end = Instant::now() + self.length;
        match &self.pace {
            Pace::BackToBack(window) => {
                while self.published() < self.count && Instant::now() < end {
                    session.until(window.room.acquire()).await??.forget();
                    for _ in 0..window.batch {
                        self.push_next(session, Instant::now());
                    }
                    session.socket.flush().await?;
                }
            }
            Pace::Every(interval) => {
                let mut clock = Clock::start(*interval);
                while self.published() < self.count {
                    let begin = session.until(clock.tick()).await?;
                    if begin >= end {
                        break;
                    }
                    self.push_next(session, begin);
                    session.socket.flush().await?;
                }
            }
        }
        session.push_publication(&self.uri, "\"end\"");
        session.socket.flush().await
    }

    fn push_next(&self, session: &mut Session, begin: Instant) {
        let number = self.published.fetch_add(1, Ordering::Relaxed);
        let sent = begin.saturating_duration_since(self.start).as_nanos();
        session.push_publication(&self.uri, &format!("{number},{sent}{}", self.filler));
    }

    /// Receives until the end; returns how many events came.
    async fn follow(self: Arc<Self>, mut session: Session) -> Result<(u64, Samples)> {
        let (mut events, mut latency) = (0, Samples::default());
        loop {
            let (number, sent) = match Self::hear(session.socket.receive().await?)? {
                Heard::Event(number, sent) => (number, sent),
                Heard::End => return Ok((events, latency)),
            };
            ensure!(number == events, "a subscriber received event {number} instead of {events}");
            events += 1;
            match &self.pace {
                Pace::BackToBack(window) => window.note(events),
                Pace::Every(_) => latency.push(self.start.elapsed().saturating_sub(sent)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_when_the_last_subscriber_has_a_batch() {
        let window = Window::new(8 * 4, 2);
        for _ in 0..BATCHES {
            window.room.try_acquire().unwrap().forget();
        }
        for events in 1..=8 {
            window.note(events);
        }
        assert_eq!(window.room.available_permits(), 0);
        for events in 1..=4 {
            window.note(events);
        }
        assert_eq!(window.room.available_permits(), 1);
        for events in 5..=8 {
            window.note(events);
        }
        assert_eq!(window.room.available_permits(), 2);
    }

    #[test]
    fn an_event_says_its_number_and_its_time() {
        let event = Topic::hear(b"[36,1,2,{},[7,8,\"xxx\"]]").unwrap();
        assert_eq!(event, Heard::Event(7, Duration::from_nanos(8)));
        assert_eq!(Topic::hear(b"[36,1,2,{},[\"end\"]]").unwrap(), Heard::End);
        assert!(Topic::hear(b"[6,{},\"wamp.close.system_shutdown\"]").is_err());
    }
}
