//! What one part of a scenario costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::measure::{Samples, cpu_seconds, disk};
use super::report::{Column, Row};

const COUNT: Column = Column { key: "count", title: "count" };
const PER_SECOND: Column = Column { key: "per_s", title: "per second" };
const CPU: Column = Column { key: "cpu_s", title: "CPU s" };
const PER_CPU: Column = Column { key: "per_cpu_s", title: "per CPU s" };
const CPU_EACH: Column = Column { key: "cpu_us", title: "CPU µs each" };
const P50: Column = Column { key: "p50_ms", title: "p50, ms" };
const P99: Column = Column { key: "p99_ms", title: "p99, ms" };
const LAST: Column = Column { key: "last_s", title: "last answer, s" };
const DISK_P50: Column = Column { key: "disk_p50_ms", title: "disk p50, ms" };
const DISK_P99: Column = Column { key: "disk_p99_ms", title: "disk p99, ms" };

const BEYOND_P50: Column = Column { key: "beyond_p50_ms", title: "beyond it p50, ms" };
const BEYOND_P99: Column = Column { key: "beyond_p99_ms", title: "beyond it p99, ms" };

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

    /// Adds what each of so many cost.
    pub(super) fn add_each(self, row: &mut Row, count: f64) {
        if let Some(cpu) = self.cpu {
            row.add(CPU_EACH, cpu / count * 1e6);
        }
    }

    /// What this and another part used together.
    pub(super) fn and(self, other: Self) -> Self {
        let cpu = self.cpu.zip(other.cpu).map(|(one, other)| one + other);
        Self { seconds: self.seconds + other.seconds, cpu }
    }

    /// The CPU seconds, which are 0 when no process was looked at.
    pub(super) fn cpu_seconds(self) -> f64 {
        self.cpu.unwrap_or_default()
    }
}

pub(super) fn add_latency(row: &mut Row, samples: &mut Samples) {
    row.add(P50, samples.quantile_ms(0.5));
    row.add(P99, samples.quantile_ms(0.99));
}

/// Adds when the last answer came.
pub(super) fn add_last(row: &mut Row, last: Duration) {
    row.add(LAST, last.as_secs_f64());
}

/// Adds what the disk itself gives right after the part: 4 KiB written and flushed.
pub(super) fn add_disk(row: &mut Row, dir: &Path) -> Result<()> {
    add_disk_samples(row, &mut disk(dir)?);
    Ok(())
}

/// Adds what the disk itself gave during the part.
pub(super) fn add_disk_samples(row: &mut Row, disk: &mut Samples) {
    row.add(DISK_P50, disk.quantile_ms(0.5));
    row.add(DISK_P99, disk.quantile_ms(0.99));
}

/// Adds by how much latency exceeds what the disk gave.
pub(super) fn add_beyond(row: &mut Row, samples: &mut Samples, disk: &mut Samples) {
    row.add(BEYOND_P50, samples.quantile_ms(0.5) - disk.quantile_ms(0.5));
    row.add(BEYOND_P99, samples.quantile_ms(0.99) - disk.quantile_ms(0.99));
}

fn cpu_of_all(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|pid| cpu_seconds(*pid)).sum()
}
