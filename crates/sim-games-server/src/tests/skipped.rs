//! Tests that need a PostgreSQL server say so where there is none, and are counted.

use std::net::TcpStream;
use std::process::{Command, Output};

use tempfile::TempDir;
use url::Url;

use super::server::server;

#[test]
fn the_server_for_tests_can_be_reached() {
    let Some(url) = server() else { return };
    let url = Url::parse(&url).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap_or(5432));
    TcpStream::connect(address).unwrap_or_else(|error| panic!("{address:?}: {error}"));
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
    let said = String::from_utf8(skipped.stdout).unwrap();
    let expected = "skipped: tests::skipped::the_server_for_tests_can_be_reached: \
                    `TEST_DATABASE_URL` does not name a PostgreSQL server (1 skipped in this \
                    program so far)\n";
    assert!(said.contains(expected), "{said}");
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
