//! What one part of a scenario costs.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::measure::{Samples, cpu_seconds, disk};
use super::report::{Column, Row};

const COUNT: Column = Column { key: "count", title: "count" };
const PER_SECOND: Column = Column { key: "per_s", title: "per second" };
const CPU: Column = Column { key: "cpu_s", title: "CPU s" };
const PER_CPU: Column = Column { key: "per_cpu_s", title: "per CPU s" };
const P50: Column = Column { key: "p50_ms", title: "p50, ms" };
const P99: Column = Column { key: "p99_ms", title: "p99, ms" };
const DISK_P50: Column = Column { key: "disk_p50_ms", title: "disk p50, ms" };
const DISK_P99: Column = Column { key: "disk_p99_ms", title: "disk p99, ms" };

/// Runs from the beginning of a part to its end.
#[derive(Debug)]
pub(super) struct Meter {
    pids: Vec<u32>,
    cpu: f64,
    start: Instant,
}

/// What was used in between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    seconds: f64,
    /// Nothing when no process was looked at.
    cpu: Option<f64>,
}

impl Meter {
    /// Starts to measure what these processes use together.
    pub(super) fn start(pids: &[u32]) -> Result<Self> {
        Ok(Self { pids: pids.to_vec(), cpu: cpu_of_all(pids)?, start: Instant::now() })
    }

    pub(super) fn stop(self) -> Result<Used> {
        let seconds = self.start.elapsed().as_secs_f64();
        let cpu = cpu_of_all(&self.pids)? - self.cpu;
        Ok(Used { seconds, cpu: (!self.pids.is_empty()).then_some(cpu) })
    }
}

impl Used {
    /// Adds how much was done, how fast, and at which cost.
    pub(super) fn add_rates(self, row: &mut Row, count: f64) {
        row.add(COUNT, count);
        row.add(PER_SECOND, count / self.seconds);
        if let Some(cpu) = self.cpu {
            row.add(CPU, cpu);
            row.add(PER_CPU, count / cpu);
        }
    }
}

pub(super) fn add_latency(row: &mut Row, samples: &mut Samples) {
    row.add(P50, samples.quantile_ms(0.5));
    row.add(P99, samples.quantile_ms(0.99));
}

/// Adds what the disk itself gives right after the part: 4 KiB written and flushed.
pub(super) fn add_disk(row: &mut Row, dir: &Path) -> Result<()> {
    let mut samples = disk(dir)?;
    row.add(DISK_P50, samples.quantile_ms(0.5));
    row.add(DISK_P99, samples.quantile_ms(0.99));
    Ok(())
}

fn cpu_of_all(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|pid| cpu_seconds(*pid)).sum()
}
