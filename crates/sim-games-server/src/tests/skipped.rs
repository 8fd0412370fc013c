//! Tests that need a PostgreSQL server: where there is none they say so, and are counted.
//!
//! The black-box suite has the same few lines, since it depends on no crate of ours.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use url::Url;

/// Names a server whose user may create databases. `.ci/run` starts one.
const VARIABLE: &str = "TEST_DATABASE_URL";

/// The address of the server that tests may use; without one the test is skipped, and this says so.
///
/// With the variable `SKIPPED_TESTS` a line is also added to the file it names, so that
/// `cargo xtask ci` can count over all test programs.
///
/// # Panics
/// Without an address when the variable `CI` is set: there no test may be skipped.
pub(crate) fn database_url() -> Option<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    if let Some(url) = std::env::var_os(VARIABLE) {
        return Some(url.into_string().unwrap());
    }
    let reason = format!("`{VARIABLE}` does not name a PostgreSQL server");
    assert!(
        std::env::var_os("CI").is_none(),
        "this test cannot run: {reason}; with `CI` set no test may be skipped"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    if let Some(path) = std::env::var_os("SKIPPED_TESTS") {
        // One write per line: test programs may append at the same time.
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{VARIABLE} {test}\n").as_bytes()).unwrap();
    }
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    let line = format!("skipped: {test}: {reason} ({count} skipped in this program so far)\n");
    // The real standard error: what a passing test prints is never shown.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

#[test]
fn the_server_for_tests_can_be_reached() {
    let Some(url) = database_url() else { return };
    let url = Url::parse(&url).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap_or(5432));
    TcpStream::connect(address).unwrap_or_else(|error| panic!("{VARIABLE}, {address:?}: {error}"));
}

/// Runs the test above in a process of its own, with these settings and no others.
fn with_settings(settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tests::skipped::the_server_for_tests_can_be_reached"]);
    command.env_clear().envs(settings.iter().copied()).output().unwrap()
}

#[test]
fn without_a_server_a_test_is_skipped_says_why_and_is_counted() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("skipped");
    let skipped = with_settings(&[("SKIPPED_TESTS", file.to_str().unwrap())]);
    assert!(skipped.status.success(), "{skipped:?}");
    assert_eq!(
        String::from_utf8(skipped.stderr).unwrap(),
        "skipped: tests::skipped::the_server_for_tests_can_be_reached: `TEST_DATABASE_URL` does \
         not name a PostgreSQL server (1 skipped in this program so far)\n"
    );
    let noted = "TEST_DATABASE_URL tests::skipped::the_server_for_tests_can_be_reached\n";
    assert_eq!(std::fs::read_to_string(file).unwrap(), noted);
}

#[test]
fn in_ci_no_test_is_skipped() {
    let failed = with_settings(&[("CI", "true")]);
    assert_eq!(failed.status.code(), Some(101), "{failed:?}");
    let told = String::from_utf8(failed.stdout).unwrap();
    assert!(told.contains("with `CI` set no test may be skipped"), "{told}");
}
