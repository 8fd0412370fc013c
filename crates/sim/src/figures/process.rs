//! The figures of the process itself, as Linux tells them; elsewhere there are none.

use std::fs;

/// How many ticks Linux counts per second wherever it tells them to programs.
const TICKS: f64 = 100.0;

/// Sets the figures to what they are now.
pub(super) fn measure() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        if let Some(kilobytes) = field(&status, "VmRSS:") {
            metrics::gauge!("process_resident_memory_bytes").set(kilobytes * 1024.0);
        }
        if let Some(threads) = field(&status, "Threads:") {
            metrics::gauge!("process_threads").set(threads);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them reads the directory.
        metrics::gauge!("process_open_fds").set(open.count().saturating_sub(1) as f64);
    }
    let stat = fs::read_to_string("/proc/self/stat").ok();
    if let Some(Times { cpu, started }) = stat.as_deref().and_then(times) {
        // The facade's counters are whole numbers, and tenths of seconds matter here.
        metrics::gauge!("process_cpu_seconds_total").set(cpu);
        let machine = fs::read_to_string("/proc/stat").ok();
        if let Some(booted) = machine.as_deref().and_then(|text| field(text, "btime")) {
            metrics::gauge!("process_start_time_seconds").set(booted + started);
        }
    }
}

/// A process's times in seconds.
#[derive(Debug, PartialEq)]
struct Times {
    /// What it used of the processors.
    cpu: f64,
    /// When it started, since the machine did.
    started: f64,
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The times in `/proc/self/stat`. The second field is the program's name, which may hold anything.
fn times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Times { cpu: (ticks(14)? + ticks(15)?) / TICKS, started: ticks(22)? / TICKS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_kernel_are_understood() {
        let status = "Name:\tdiv-service\nVmRSS:\t   12345 kB\nThreads:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(12345.0));
        assert_eq!(field(status, "Threads:"), Some(7.0));
        assert_eq!(field(status, "VmSwap:"), None);
        let stat =
            "4711 (a ) b) S 1 4711 4711 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 7 0 12300 1 2";
        assert_eq!(times(stat), Some(Times { cpu: 2.0, started: 123.0 }));
        assert_eq!(times("4711 (a) S"), None);
    }
}
