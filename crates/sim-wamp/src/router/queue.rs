//! What waits to be sent to a remote peer, bounded in messages and in bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::message::Message;

/// Makes the two ends of a queue.
pub(crate) fn queue(bounds: Bounds) -> (Queue, Waiting) {
    let shared = Arc::new(Shared::default());
    (Queue { shared: Arc::clone(&shared), bounds }, Waiting { shared })
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) drop_events: bool,
}

/// The end of a queue into which a realm puts messages; dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
    bounds: Bounds,
}

/// The end of a queue from which a connection sends.
#[derive(Debug)]
pub(crate) struct Waiting {
    shared: Arc<Shared>,
}

/// What a connection sends next.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A message.
    Message(Message),
    /// The answer to a ping.
    Pong(Bytes),
}

/// What became of a message for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Done,
    /// It was an event that the policy drops.
    Dropped,
    /// It finds no room, and must not be dropped.
    Full,
    /// Nobody sends any more.
    Gone,
}

/// Not a channel of a library, because those keep kilobytes for the session that has nothing to
/// send, and do not count bytes.
#[derive(Debug, Default)]
struct Shared {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Content {
    messages: VecDeque<Message>,
    bytes: usize,
    /// The last ping that has not been answered.
    ping: Option<Bytes>,
    /// Nobody puts messages in any more.
    is_closed: bool,
    /// Nobody takes messages out any more.
    is_gone: bool,
}

impl Queue {
    /// Puts a message into the queue.
    ///
    /// Where events may be dropped, they leave a quarter of the room to what must not be.
    pub(crate) fn push(&self, message: Message) -> Pushed {
        let may_drop = self.bounds.drop_events && matches!(message, Message::Event(_));
        let bound = |all: usize| if may_drop { all - all / 4 } else { all };
        let weight = message.weight();
        let mut content = self.shared.lock();
        if content.is_gone {
            return Pushed::Gone;
        }
        // A message that is larger than the whole queue goes alone.
        let fits = content.messages.len() < bound(self.bounds.messages)
            && (content.messages.is_empty()
                || content.bytes.saturating_add(weight) <= bound(self.bounds.bytes));
        if !fits {
            return if may_drop { Pushed::Dropped } else { Pushed::Full };
        }
        content.bytes += weight;
        content.messages.push_back(message);
        // Whoever sends looks again before it waits.
        let is_first = content.messages.len() == 1;
        drop(content);
        if is_first {
            self.shared.changed.notify_one();
        }
        Pushed::Done
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
    }
}

impl Waiting {
    /// Waits for the next to be sent; nothing once the realm has let the session go.
    pub(crate) async fn next(&self) -> Option<Outgoing> {
        loop {
            if let Some(next) = self.try_next() {
                return Some(next);
            }
            if self.shared.lock().is_closed {
                // What was put in between the two looks.
                return self.try_next();
            }
            self.shared.changed.notified().await;
        }
    }

    /// Returns the next to be sent, if there is something.
    pub(crate) fn try_next(&self) -> Option<Outgoing> {
        let mut content = self.shared.lock();
        if let Some(ping) = content.ping.take() {
            return Some(Outgoing::Pong(ping));
        }
        let message = content.messages.pop_front()?;
        content.bytes -= message.weight();
        if content.messages.is_empty() {
            // A burst that is over leaves no room behind for what may never come again.
            content.messages.shrink_to(Self::KEPT);
        }
        Some(Outgoing::Message(message))
    }

    /// Has a ping answered; one that comes before the last was answered takes its place.
    pub(crate) fn answer(&self, ping: Bytes) {
        self.shared.lock().ping = Some(ping);
        self.shared.changed.notify_one();
    }

    /// For how many messages there is always room.
    const KEPT: usize = 64;
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut content = self.shared.lock();
        content.is_gone = true;
        content.messages = VecDeque::new();
    }
}

impl Shared {
    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;
    use crate::message::Answer;

    fn result(bytes: usize) -> Message {
        let payload = Payload::from_json(Some(format!("[\"{}\"]", "x".repeat(bytes))), None);
        Message::Result { request: 1, answer: Answer { payload, ..Answer::default() } }
    }

    #[test]
    fn room_is_counted_in_messages_and_in_bytes() {
        let bounds = Bounds { messages: 3, bytes: 2_000, drop_events: false };
        let (queue, waiting) = queue(bounds);
        for pushed in [Pushed::Done, Pushed::Done, Pushed::Done, Pushed::Full] {
            assert_eq!(queue.push(result(1)), pushed);
        }
        while waiting.try_next().is_some() {}
        assert_eq!(queue.push(result(1_000)), Pushed::Done);
        assert_eq!(queue.push(result(1_000)), Pushed::Full);
        assert!(waiting.try_next().is_some());
        assert_eq!(queue.push(result(1_000_000)), Pushed::Done, "alone it may be too large");
    }

    #[test]
    fn dropped_events_leave_room_for_answers() {
        let bounds = Bounds { messages: 4, bytes: 1_000_000, drop_events: true };
        let (queue, waiting) = queue(bounds);
        let event = || {
            let (topic, payload) = ("t".into(), Payload::empty());
            Message::Event(Arc::new(crate::message::EventMessage {
                subscription: 1,
                publication: 1,
                topic,
                publisher: None,
                disclosed: false,
                retained: false,
                passthru: None,
                payload,
                encoded: Default::default(),
            }))
        };
        let pushed: Vec<Pushed> = (0..5).map(|_| queue.push(event())).collect();
        assert_eq!(
            pushed,
            [Pushed::Done, Pushed::Done, Pushed::Done, Pushed::Dropped, Pushed::Dropped]
        );
        assert_eq!(queue.push(result(1)), Pushed::Done);
        assert_eq!(queue.push(result(1)), Pushed::Full);
        assert!(waiting.try_next().is_some());
    }

    #[tokio::test]
    async fn rest_is_sent_before_the_end() {
        let bounds = Bounds { messages: 4, bytes: 1_000, drop_events: false };
        let (queue, waiting) = queue(bounds);
        queue.push(result(1));
        waiting.answer(Bytes::from_static(b"ping"));
        drop(queue);
        assert!(matches!(waiting.next().await, Some(Outgoing::Pong(_))));
        assert!(matches!(waiting.next().await, Some(Outgoing::Message(_))));
        assert!(waiting.next().await.is_none());
    }

    #[test]
    fn a_queue_that_nobody_reads_is_gone() {
        let bounds = Bounds { messages: 3, bytes: 2_000, drop_events: false };
        let (queue, waiting) = queue(bounds);
        drop(waiting);
        assert_eq!(queue.push(result(1)), Pushed::Gone);
    }
}
