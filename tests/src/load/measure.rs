//! What the operating system and the disk say.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Linux counts the CPU time of processes in hundredths of a second, on every machine of today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The bytes of a mebibyte.
pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// The CPU time a process has used so far, user and system together.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading `{path}`"))?;
    parse_cpu(&stat).with_context(|| format!("`{path}` is not as expected"))
}

fn parse_cpu(stat: &str) -> Option<f64> {
    // The program's name stands in brackets and may contain anything, so count behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (user, system): (f64, f64) = (fields.get(11)?.parse().ok()?, fields.get(12)?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

/// The memory of a process that is in RAM, in MB.
pub(super) fn rss_mb(pid: u32) -> Result<f64> {
    rss_bytes(pid).map(|bytes| bytes / 1e6)
}

/// The memory of a process that is in RAM.
pub(super) fn rss_bytes(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading `{path}`"))?;
    let kib = parse_rss(&status).with_context(|| format!("`{path}` is not as expected"))?;
    Ok(kib * 1024.0)
}

fn parse_rss(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Durations, to be asked for their quantiles.
#[derive(Debug, Default)]
pub(super) struct Samples {
    samples: Vec<Duration>,
}

impl Samples {
    pub(super) fn push(&mut self, sample: Duration) {
        self.samples.push(sample);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.samples.extend(other.samples);
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// The duration that this share of all samples does not exceed, in milliseconds.
    pub(super) fn quantile_ms(&mut self, share: f64) -> f64 {
        self.samples.sort_unstable();
        let last = self.samples.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.samples.get(index).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e3)
    }
}

/// A file by which the disk is measured; it is gone with this value.
#[derive(Debug)]
pub(super) struct Probe {
    file: File,
    path: PathBuf,
}

impl Probe {
    pub(super) fn create(dir: &Path) -> Result<Self> {
        let path = dir.join("disk-probe");
        let file = File::create(&path).with_context(|| format!("making `{}`", path.display()))?;
        Ok(Self { file, path })
    }

    /// Writes 4 KiB and has it on the disk.
    pub(super) fn write(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.file.write_all(&[7; 4096])?;
        self.file.sync_data()?;
        Ok(start.elapsed())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // What is left lies in a directory that is removed as a whole.
        fs::remove_file(&self.path).ok();
    }
}

/// Writes 4 KiB and has it on the disk, two hundred times.
pub(super) fn disk(dir: &Path) -> Result<Samples> {
    let mut probe = Probe::create(dir)?;
    let mut samples = Samples::default();
    for _ in 0..200 {
        samples.push(probe.write()?);
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_is_found_behind_any_program_name() {
        let stat = "42 (a ) b (c) S 1 1 1 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(parse_cpu(stat), Some(2.0));
    }

    #[test]
    fn the_memory_is_found_by_its_name() {
        assert_eq!(parse_rss("VmHWM:\t 99 kB\nVmRSS:\t   1000 kB\n"), Some(1000.0));
        assert_eq!(parse_rss("VmHWM:\t 99 kB\n"), None);
    }

    #[test]
    fn quantiles_come_from_the_sorted_samples() {
        let mut samples = Samples::default();
        for ms in (0..=100).rev() {
            samples.push(Duration::from_millis(ms));
        }
        assert_eq!(samples.quantile_ms(0.5), 50.0);
        assert_eq!(samples.quantile_ms(0.99), 99.0);
        assert!(Samples::default().quantile_ms(0.5).is_nan());
    }
}
