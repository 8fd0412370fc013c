//! The events that wait for one subscription.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::subscription::Missed;
use crate::Event;

/// A bounded queue of events, which marks the places where some are missing.
#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Inside {
    /// There are never two marks side by side, so that they are bounded as the events are.
    waiting: VecDeque<Result<Event, Missed>>,
    events: usize,
    is_closed: bool,
    waker: Option<Waker>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { inside: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Puts an event in, or notes that there was no room for it.
    pub(super) fn push(&self, event: Event) {
        let mut inside = self.lock();
        if inside.events >= self.capacity {
            return inside.mark(Missed { dropped: 1, reconnected: false });
        }
        inside.events += 1;
        inside.add(Ok(event));
    }

    /// Notes that events may have been missed between two sessions.
    pub(super) fn reconnected(&self) {
        self.lock().mark(Missed { dropped: 0, reconnected: true });
    }

    /// Ends the queue behind what is in it.
    pub(super) fn close(&self) {
        let mut inside = self.lock();
        inside.is_closed = true;
        inside.wake();
    }

    /// Takes the next out; `None` at the end.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<Event, Missed>>> {
        let mut inside = self.lock();
        if let Some(next) = inside.waiting.pop_front() {
            inside.events -= usize::from(next.is_ok());
            return Poll::Ready(Some(next));
        }
        if inside.is_closed {
            return Poll::Ready(None);
        }
        inside.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn mark(&mut self, missed: Missed) {
        if let Some(Err(last)) = self.waiting.back_mut() {
            last.dropped += missed.dropped;
            last.reconnected |= missed.reconnected;
        } else {
            self.add(Err(missed));
        }
    }

    fn add(&mut self, item: Result<Event, Missed>) {
        self.waiting.push_back(item);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Payload;

    fn event(number: u64) -> Event {
        Event {
            topic: "a".into(),
            subscription: 1,
            publication: number,
            publisher: None,
            retained: false,
            passthru: None,
            payload: Payload::empty(),
        }
    }

    fn pop(queue: &Queue) -> Option<Result<u64, Missed>> {
        match queue.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => next.map(|next| next.map(|event| event.publication)),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_where_it_is_missing() {
        let queue = Queue::new(2);
        for number in 0..5 {
            queue.push(event(number));
        }
        assert_eq!(pop(&queue), Some(Ok(0)));
        queue.push(event(5));
        let missed = Missed { dropped: 3, reconnected: false };
        assert_eq!(
            [(); 4].map(|()| pop(&queue)),
            [Some(Ok(1)), Some(Err(missed)), Some(Ok(5)), None]
        );
    }

    #[test]
    fn close_ends_behind_what_waits() {
        let queue = Queue::new(2);
        queue.push(event(0));
        queue.reconnected();
        queue.close();
        assert_eq!(pop(&queue), Some(Ok(0)));
        assert_eq!(pop(&queue), Some(Err(Missed { dropped: 0, reconnected: true })));
        assert!(matches!(queue.poll(&Context::from_waker(Waker::noop())), Poll::Ready(None)));
    }

    proptest! {
        #[test]
        fn every_event_arrives_in_its_order_or_is_counted(
            capacity in 1_usize..5,
            steps in proptest::collection::vec(0_u8..4, 0..200),
        ) {
            let queue = Queue::new(capacity);
            let (mut sent, mut seen) = (0, 0);
            let mut take = |queue: &Queue| {
                match pop(queue) {
                    Some(Ok(number)) => {
                        assert_eq!(number, seen, "an event is missing and nothing says so");
                        seen += 1;
                    }
                    Some(Err(missed)) => seen += missed.dropped,
                    None => return false,
                }
                true
            };
            for step in steps {
                match step {
                    0 => drop(take(&queue)),
                    1 => queue.reconnected(),
                    _ => {
                        queue.push(event(sent));
                        sent += 1;
                    }
                }
                prop_assert!(queue.lock().waiting.len() <= 2 * capacity + 1);
            }
            while take(&queue) {}
            prop_assert_eq!(seen, sent);
        }
    }
}
