//! The PostgreSQL server that the tests may use, named by `TEST_DATABASE_URL`.

use std::io::Write;
use std::sync::Once;

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

/// The server's address. Without one the tests that need it are skipped, which is said once.
#[expect(clippy::disallowed_methods, reason = "tests are configured by their environment alone")]
pub(super) fn server() -> Option<String> {
    static SAID: Once = Once::new();
    match std::env::var(VARIABLE) {
        Ok(server) => Some(server),
        Err(_) if std::env::var_os("CI").is_some() => panic!("set {VARIABLE}: CI skips no test"),
        Err(_) => {
            SAID.call_once(|| {
                // Past the test runner, which keeps what tests print to itself.
                let text = "skipped: the tests on PostgreSQL, set TEST_DATABASE_URL to run them\n";
                std::io::stderr().write_all(text.as_bytes()).ok();
            });
            None
        }
    }
}
