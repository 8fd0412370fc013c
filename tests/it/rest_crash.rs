//! The Games API is killed while it writes and while it tells its subscribers. Whatever it
//! acknowledged is there afterwards, whole and once, and whoever listens hears of all of it.
//!
//! A few rounds by default, fifty when the variable `SOAK` is set; on PostgreSQL as well when
//! `TEST_DATABASE_URL` names a server.

mod journal;
mod victim;
mod webhooks;
mod writers;
mod writes;

use std::io::Write as _;

use anyhow::Result;
use black_box::Database;

fn rounds() -> u32 {
    if std::env::var_os("SOAK").is_some() { 50 } else { 5 }
}

/// PostgreSQL; nothing when it is left out, which is said where the test runner captures nothing.
fn postgres() -> Result<Option<Database>> {
    let database = Database::postgres_from_env()?;
    if database.is_none() {
        let reason = "`TEST_DATABASE_URL` names no PostgreSQL server";
        writeln!(std::io::stdout(), "skipped: {reason}")?;
    }
    Ok(database)
}

#[tokio::test]
async fn bulk_writes_are_whole_or_absent_after_kills_on_sqlite() -> Result<()> {
    println!("campaign: {}", writes::campaign(&Database::Sqlite, rounds()).await?);
    Ok(())
}

#[tokio::test]
async fn bulk_writes_are_whole_or_absent_after_kills_on_postgres() -> Result<()> {
    if let Some(database) = postgres()? {
        println!("campaign: {}", writes::campaign(&database, rounds()).await?);
    }
    Ok(())
}

#[tokio::test]
async fn subscribers_hear_of_everything_in_order_across_kills_on_sqlite() -> Result<()> {
    println!("campaign: {}", webhooks::campaign(&Database::Sqlite, rounds()).await?);
    Ok(())
}

#[tokio::test]
async fn subscribers_hear_of_everything_in_order_across_kills_on_postgres() -> Result<()> {
    if let Some(database) = postgres()? {
        println!("campaign: {}", webhooks::campaign(&database, rounds()).await?);
    }
    Ok(())
}
