//! The events of a topic, over all sessions of an agent.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::de::DeserializeOwned;

use super::queue::Queue;
use super::values::first;
use super::wishes::Standing;
use crate::Event;

/// The events of a topic or pattern, from every session that the agent has; dropping it ends the
/// subscription.
///
/// Also a stream of what [`Subscription::recv`] returns. Its queue is bounded: what finds no room
/// is dropped and reported, in its place, as [`Missed`]. An event that is marked as
/// [`retained`](Event::retained) may come again, with every session and when another subscription
/// of the same topic asks for it.
#[derive(Debug)]
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    topic: Arc<str>,
    queue: Arc<Queue>,
    _standing: Standing,
}

/// A place in a stream of events where some are, or may be, missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many were dropped because the queue of the subscription was full.
    pub dropped: u64,
    /// Whether the subscription was without a session for a while, or without the router's
    /// consent: nobody knows what was published meanwhile.
    pub reconnected: bool,
}

/// Why there is no value in the place of an event.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Some events are, or may be, missing here.
    #[error(transparent)]
    Missed(#[from] Missed),
    /// The event's first argument is of another type.
    #[error("an event of `{topic}` does not begin with an argument of the wanted type")]
    WrongType {
        /// The event's concrete topic.
        topic: Arc<str>,
    },
}

impl Subscription {
    pub(super) fn new(topic: Arc<str>, queue: Arc<Queue>, standing: Standing) -> Self {
        Self { topic, queue, _standing: standing }
    }

    /// Returns the topic or pattern.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Waits for the next event; nothing after the agent has ended.
    ///
    /// Nothing is lost when the returned future is dropped.
    ///
    /// # Errors
    /// That events are missing here; more may follow.
    pub async fn recv(&mut self) -> Option<Result<Event, Missed>> {
        poll_fn(|cx| self.queue.poll(cx)).await
    }

    /// Waits for the next event and reads its first argument, `null` if it has none; nothing after
    /// the agent has ended.
    ///
    /// # Errors
    /// That events are missing here, or that the argument is of another type; more may follow.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Option<Result<T, EventError>> {
        let event = match self.recv().await? {
            Ok(event) => event,
            Err(missed) => return Some(Err(missed.into())),
        };
        Some(first(&event.payload).map_err(|_| EventError::WrongType { topic: event.topic }))
    }
}

impl Stream for Subscription {
    type Item = Result<Event, Missed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll(cx)
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.dropped, self.reconnected) {
            (0, _) => f.write_str("events may be missing: the subscription was interrupted"),
            (dropped, false) => write!(f, "{dropped} events were not taken in time and dropped"),
            (dropped, true) => write!(
                f,
                "{dropped} events were not taken in time and dropped, and more may be missing: \
                 the subscription was interrupted"
            ),
        }
    }
}

impl std::error::Error for Missed {}
