//! Which database a Games API under test stores in, and PostgreSQL databases of a test's own.

use std::ffi::OsStr;
use std::fmt;
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail, ensure};
use reqwest::Url;

use crate::skipped::skipped;

/// Names the PostgreSQL server on which tests may make databases.
const SERVER: &str = "TEST_DATABASE_URL";

/// A kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file in the directory of the test.
    Sqlite,
    /// A new database on the server with this address.
    Postgres(Url),
}

impl Database {
    /// The server that the variable `TEST_DATABASE_URL` names. Without the variable the running test
    /// is skipped, and this has said so.
    ///
    /// # Errors
    /// When the variable is no address, or is missing while `CI` says that nothing may be left out.
    pub fn postgres_from_env() -> Result<Option<Self>> {
        let Some(address) = std::env::var_os(SERVER) else {
            skipped(SERVER, &format!("`{SERVER}` does not name a PostgreSQL server"))?;
            return Ok(None);
        };
        let address = address.into_string().map_err(|_| anyhow!("`{SERVER}` is no text"))?;
        match address.parse().with_context(|| format!("`{SERVER}` cannot be used"))? {
            Self::Sqlite => bail!("`{SERVER}` must be the address of a PostgreSQL server"),
            database @ Self::Postgres(_) => Ok(Some(database)),
        }
    }
}

impl FromStr for Database {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let url = Url::parse(text).ok().filter(|url| url.scheme().starts_with("postgres"));
        // The text is not repeated: it may hold a password.
        url.map(Self::Postgres).context("expected `sqlite` or `postgres://USER@HOST/DATABASE`")
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        })
    }
}

/// A database on a PostgreSQL server that lives as long as this value.
#[derive(Debug)]
pub(crate) struct OwnDatabase {
    server: Url,
    name: String,
}

impl OwnDatabase {
    pub(crate) fn create(server: &Url) -> Result<Self> {
        let name = format!("black_box_{:016x}", rand::random::<u64>());
        run(server, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { server: server.clone(), name })
    }

    /// Creates another one with the same content; nobody may be connected to this one.
    pub(crate) fn copy(&self) -> Result<Self> {
        let name = format!("black_box_{:016x}", rand::random::<u64>());
        run(&self.server, &format!("CREATE DATABASE {name} TEMPLATE {}", self.name))?;
        Ok(Self { server: self.server.clone(), name })
    }

    pub(crate) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // A process that was just killed may still be connected. What cannot be dropped stays
        // behind under a name that is nobody else's.
        run(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).ok();
    }
}

/// Runs one statement by `psql`, which comes with every server.
fn run(server: &Url, statement: &str) -> Result<()> {
    let args = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement];
    let output = Command::new("psql")
        .args(args)
        .arg(OsStr::new(server.as_str()))
        .stdin(Stdio::null())
        .output()
        .context("running `psql`, install PostgreSQL's client")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{statement}` failed: {}", said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_kind_or_its_address() {
        assert_eq!("sqlite".parse::<Database>().unwrap(), Database::Sqlite);
        let postgres: Database = "postgres://me@127.0.0.1:5432/test".parse().unwrap();
        assert_eq!(postgres.to_string(), "postgres");
        for text in ["", "games.sqlite3", "http://127.0.0.1/"] {
            assert!(text.parse::<Database>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let error = "mysql://me:secret@127.0.0.1/test".parse::<Database>().unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }
}
