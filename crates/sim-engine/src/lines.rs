//! Work in lines: what stands in one line is done one after the other, lines do not wait for each
//! other, and a line that is empty costs nothing.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::sync::lock;

/// Lines by their keys. Each is worked off by a task of its own while there is work in it.
#[derive(Debug)]
pub(crate) struct Lines<K, W> {
    waiting: Mutex<HashMap<K, VecDeque<W>>>,
    tasks: TaskTracker,
    /// How many pieces of work are not done.
    open: watch::Sender<usize>,
    limit: usize,
}

impl<K, W> Lines<K, W>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    W: Send + 'static,
{
    /// Lines in which so many pieces of work may wait.
    pub(crate) fn new(limit: usize) -> Self {
        let (waiting, tasks) = (Mutex::default(), TaskTracker::new());
        Self { waiting, tasks, open: watch::Sender::new(0), limit }
    }

    /// Adds work to a line. What must be done comes in although the line is full; other work is
    /// then given back.
    pub(crate) fn push<F, Fut>(self: &Arc<Self>, key: K, work: W, must: bool, act: F) -> Option<W>
    where
        F: Fn(W) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut waiting = lock(&self.waiting);
        match waiting.get_mut(&key) {
            Some(line) if line.len() >= self.limit && !must => return Some(work),
            Some(line) => line.push_back(work),
            None => {
                waiting.insert(key, VecDeque::new());
                self.tasks.spawn(self.clone().work_off(key, work, act));
            }
        }
        self.open.send_modify(|open| *open += 1);
        None
    }

    async fn work_off<F, Fut>(self: Arc<Self>, key: K, first: W, act: F)
    where
        F: Fn(W) -> Fut + Send + Sync,
        Fut: Future<Output = ()> + Send,
    {
        let mut work = first;
        loop {
            // The engine's own code is not supposed to panic; if it does, the line goes on.
            let done = async { act(work).await };
            if AssertUnwindSafe(done).catch_unwind().await.is_err() {
                tracing::error!("the engine panicked; what waits in the same line goes on");
            }
            let next = {
                let mut waiting = lock(&self.waiting);
                let next = waiting.get_mut(&key).and_then(VecDeque::pop_front);
                if next.is_none() {
                    waiting.remove(&key);
                }
                next
            };
            self.open.send_modify(|open| *open -= 1);
            match next {
                Some(next) => work = next,
                None => return,
            }
        }
    }

    /// Runs something beside the lines that must be awaited with them.
    pub(crate) fn beside(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// How many pieces of work are not done.
    pub(crate) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until nothing is left to do.
    pub(crate) async fn settled(&self) {
        let mut open = self.open.subscribe();
        // The sender lives as long as these lines, so waiting cannot fail.
        drop(open.wait_for(|open| *open == 0).await);
    }

    /// Waits until all work is done, after which there must be no more.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_line_keeps_its_order_and_others_do_not_wait_for_it() {
        let lines = Arc::new(Lines::<u8, (u8, Option<mpsc::Receiver<()>>)>::new(10));
        let (done, mut seen) = mpsc::channel(10);
        let push = |key, work| {
            let done = done.clone();
            lines.push(key, work, false, move |(number, wait): (u8, Option<mpsc::Receiver<()>>)| {
                let done = done.clone();
                async move {
                    if let Some(mut wait) = wait {
                        wait.recv().await;
                    }
                    done.send(number).await.unwrap();
                }
            })
        };
        let (go, held) = mpsc::channel(1);
        assert!(push(1, (1, Some(held))).is_none());
        assert!(push(1, (2, None)).is_none());
        assert!(push(2, (3, None)).is_none());
        assert_eq!(seen.recv().await, Some(3));
        go.send(()).await.unwrap();
        assert_eq!((seen.recv().await, seen.recv().await), (Some(1), Some(2)));
        lines.settled().await;
    }

    #[tokio::test]
    async fn a_full_line_gives_work_back_and_takes_what_must_be_done() {
        let lines = Arc::new(Lines::<u8, u8>::new(1));
        let wait = |_| std::future::pending();
        assert_eq!(lines.push(1, 1, false, wait), None);
        assert_eq!(lines.push(1, 2, false, wait), None);
        assert_eq!(lines.push(1, 3, false, wait), Some(3));
        assert_eq!(lines.push(1, 4, true, wait), None);
        assert_eq!(lines.push(2, 5, false, wait), None);
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_work_only() {
        let lines = Arc::new(Lines::<u8, u8>::new(10));
        let (done, mut seen) = mpsc::channel(10);
        for work in [1, 2] {
            let done = done.clone();
            let left = lines.push(1, work, false, move |number| {
                assert!(number != 1, "the test's mistake");
                let done = done.clone();
                async move { done.send(number).await.unwrap() }
            });
            assert_eq!(left, None);
        }
        assert_eq!(seen.recv().await, Some(2));
    }
}
