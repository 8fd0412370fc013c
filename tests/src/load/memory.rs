//! The memory of processes, once it does not change any more.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{interval, timeout};

/// How often the memory is read.
pub(super) const EVERY: Duration = Duration::from_millis(100);
/// How many readings in a row must be alike.
const ALIKE: usize = 10;
/// By how much readings that are alike may differ.
const TOLERANCE: f64 = 64.0 * 1024.0;
/// How long it may take until they are.
const LIMIT: Duration = Duration::from_secs(30);

/// Reads memory until it does not change any more, and returns it in bytes.
pub(super) async fn settled(read: impl Fn() -> Result<f64>) -> Result<f64> {
    let mut timer = interval(EVERY);
    let wait = async {
        let mut first = read()?;
        let mut alike = 0;
        while alike < ALIKE {
            timer.tick().await;
            let now = read()?;
            if (now - first).abs() <= TOLERANCE {
                alike += 1;
            } else {
                (first, alike) = (now, 0);
            }
        }
        Ok(first)
    };
    timeout(LIMIT, wait).await.context("the memory does not settle")?
}
