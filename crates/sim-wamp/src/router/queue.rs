//! What waits to be sent to a remote peer, bounded in messages and in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::message::Message;

/// Makes the two ends of a queue.
pub(crate) fn queue(bounds: Bounds) -> (Queue, Waiting) {
    // The channel itself has no bound: what it holds is counted here, since a message that does
    // not fit is not waited for.
    let (sender, receiver) = mpsc::unbounded_channel();
    let load = Arc::new(Load::default());
    (Queue { sender, load: Arc::clone(&load), bounds }, Waiting { receiver, load })
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) drop_events: bool,
}

/// The end of a queue into which a realm puts messages.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Message>,
    load: Arc<Load>,
    bounds: Bounds,
}

/// The end of a queue from which a connection sends.
#[derive(Debug)]
pub(crate) struct Waiting {
    receiver: mpsc::UnboundedReceiver<Message>,
    load: Arc<Load>,
}

#[derive(Debug, Default)]
struct Load {
    messages: AtomicUsize,
    bytes: AtomicUsize,
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

impl Queue {
    /// Puts a message into the queue.
    ///
    /// Where events may be dropped, they leave a quarter of the room to what must not be.
    pub(crate) fn push(&self, message: Message) -> Pushed {
        let may_drop = self.bounds.drop_events && matches!(message, Message::Event(_));
        let weight = message.weight();
        let messages = self.load.messages.load(Ordering::Relaxed);
        let bytes = self.load.bytes.load(Ordering::Relaxed);
        let bound = |all: usize| if may_drop { all - all / 4 } else { all };
        // A message that is larger than the whole queue goes alone.
        let fits = messages < bound(self.bounds.messages)
            && (messages == 0 || bytes.saturating_add(weight) <= bound(self.bounds.bytes));
        if !fits {
            return if may_drop { Pushed::Dropped } else { Pushed::Full };
        }
        self.load.messages.fetch_add(1, Ordering::Relaxed);
        self.load.bytes.fetch_add(weight, Ordering::Relaxed);
        match self.sender.send(message) {
            Ok(()) => Pushed::Done,
            Err(_) => Pushed::Gone,
        }
    }
}

impl Waiting {
    /// Waits for the next message; nothing once the realm has let the session go.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.take(&message);
        Some(message)
    }

    /// Returns the next message, if there is one.
    pub(crate) fn try_next(&mut self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        self.take(&message);
        Some(message)
    }

    fn take(&self, message: &Message) {
        self.load.messages.fetch_sub(1, Ordering::Relaxed);
        self.load.bytes.fetch_sub(message.weight(), Ordering::Relaxed);
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
        let (queue, mut waiting) = queue(bounds);
        for pushed in [Pushed::Done, Pushed::Done, Pushed::Done, Pushed::Full] {
            assert_eq!(queue.push(result(1)), pushed);
        }
        while waiting.try_next().is_some() {}
        assert_eq!(queue.push(result(1_000)), Pushed::Done);
        assert_eq!(queue.push(result(1_000)), Pushed::Full);
        assert!(waiting.try_next().is_some());
        assert_eq!(queue.push(result(1_000_000)), Pushed::Done, "alone it may be too large");
        drop(waiting);
        assert_eq!(queue.push(result(1)), Pushed::Full);
    }

    #[test]
    fn a_queue_that_nobody_reads_is_gone() {
        let bounds = Bounds { messages: 3, bytes: 2_000, drop_events: false };
        let (queue, waiting) = queue(bounds);
        drop(waiting);
        assert_eq!(queue.push(result(1)), Pushed::Gone);
    }
}
