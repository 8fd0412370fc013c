//! The highest that the router's memory was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::super::memory::EVERY;
use super::router::Router;

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
