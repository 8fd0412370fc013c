//! The PostgreSQL server that the tests may use, named by `TEST_DATABASE_URL`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::NoTls;
use uuid::Uuid;

const VARIABLE: &str = "TEST_DATABASE_URL";

/// A schema of one test; it is dropped with this value.
#[derive(Debug)]
pub(crate) struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// Makes a schema; none when there is no server.
    pub(crate) async fn create() -> Option<Self> {
        let server = server()?;
        let name = format!("test_{}", Uuid::new_v4().simple());
        carry_out(&server, &format!("CREATE SCHEMA {name}")).await.unwrap();
        Some(Self { server, name })
    }

    /// The address by which connections use the schema.
    pub(crate) fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}options=-csearch_path%3D{}", self.server, self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP SCHEMA {} CASCADE", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(carry_out(&server, &sql)).map_err(std::io::Error::other)
        });
        let dropped = dropping.join().is_ok_and(|dropped| dropped.is_ok());
        if !dropped && !std::thread::panicking() {
            panic!("the test's schema could not be dropped: is its store closed?");
        }
    }
}

/// Carries out statements on a server.
pub(crate) async fn carry_out(server: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    let driving = tokio::spawn(connection);
    client.batch_execute(sql).await?;
    drop(client);
    driving.await.expect("the connection does not panic")
}

/// The server's address. Without one the running test is skipped; this says so, and counts.
///
/// With the variable `SKIPPED_TESTS` a line is also added to the file it names, so that
/// `cargo xtask ci` can count over all test programs. The black-box suite has the same few lines.
pub(super) fn server() -> Option<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    if let Some(address) = address() {
        return Some(address);
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
    // Past the test runner, which keeps to itself what a passing test prints.
    std::io::stdout().write_all(line.as_bytes()).ok();
    None
}

/// The server's address, for who can do without.
pub(super) fn address() -> Option<String> {
    std::env::var_os(VARIABLE).map(|address| address.into_string().unwrap())
}
