//! The router's memory, read on a timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::router::Router;

/// How often the memory is read.
const EVERY: Duration = Duration::from_millis(100);
/// How many readings in a row must be alike.
const ALIKE: usize = 10;
/// By how much readings that are alike may differ.
const TOLERANCE: f64 = 64.0 * 1024.0;
/// How long it may take until they are.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until the memory does not change any more, and returns it in bytes.
pub(super) async fn settled(router: &Router) -> Result<f64> {
    let mut timer = interval(EVERY);
    let wait = async {
        let mut first = router.rss_bytes()?;
        let mut alike = 0;
        while alike < ALIKE {
            timer.tick().await;
            let now = router.rss_bytes()?;
            if (now - first).abs() <= TOLERANCE {
                alike += 1;
            } else {
                (first, alike) = (now, 0);
            }
        }
        Ok(first)
    };
    timeout(LIMIT, wait).await.context("the router's memory does not settle")?
}

/// Remembers the highest reading for as long as it lives.
#[derive(Debug)]
pub(super) struct Peak {
    highest: Arc<AtomicU64>,
    reader: JoinHandle<()>,
}

impl Peak {
    pub(super) fn watch(router: &Arc<Router>) -> Self {
        let (highest, router) = (Arc::new(AtomicU64::new(0)), Arc::clone(router));
        let readings = Arc::clone(&highest);
        let reader = tokio::spawn(async move {
            let mut timer = interval(EVERY);
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while let Ok(bytes) = router.rss_bytes() {
                readings.fetch_max(bytes as u64, Ordering::Relaxed);
                timer.tick().await;
            }
        });
        Self { highest, reader }
    }

    pub(super) fn bytes(&self) -> f64 {
        self.highest.load(Ordering::Relaxed) as f64
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
