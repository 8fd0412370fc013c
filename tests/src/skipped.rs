//! Tests that cannot run on this machine: they say so, and are counted.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};

/// Says that the running test is skipped, why, and which variable would let it run.
///
/// The line goes past the test runner, which keeps to itself what a passing test prints. With the
/// variable `SKIPPED_TESTS` a line is also added to the file it names, so that `cargo xtask ci`
/// can count over all test programs.
///
/// # Errors
/// With the variable `CI`, where no test may be skipped, and when the file cannot be written.
pub fn skipped(variable: &str, reason: &str) -> Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    ensure!(
        std::env::var_os("CI").is_none(),
        "this test cannot run: {reason}; with `CI` set no test may be skipped"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    if let Some(path) = std::env::var_os("SKIPPED_TESTS") {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        // One write per line: test programs may append at the same time.
        let written =
            file.and_then(|mut it| it.write_all(format!("{variable} {test}\n").as_bytes()));
        written.with_context(|| format!("noting a skipped test in `{}`", path.display()))?;
    }
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    let line = format!("skipped: {test}: {reason} ({count} skipped in this program so far)\n");
    std::io::stdout().write_all(line.as_bytes()).context("saying that a test is skipped")
}
