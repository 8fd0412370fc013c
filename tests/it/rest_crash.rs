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

use anyhow::Result;
use black_box::Database;

fn rounds() -> u32 {
    if std::env::var_os("SOAK").is_some() { 50 } else { 5 }
}

#[tokio::test]
async fn bulk_writes_are_whole_or_absent_after_kills_on_sqlite() -> Result<()> {
    println!("campaign: {}", writes::campaign(&Database::Sqlite, rounds()).await?);
    Ok(())
}

#[tokio::test]
async fn bulk_writes_are_whole_or_absent_after_kills_on_postgres() -> Result<()> {
    if let Some(database) = Database::postgres_from_env()? {
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
    if let Some(database) = Database::postgres_from_env()? {
        println!("campaign: {}", webhooks::campaign(&database, rounds()).await?);
    }
    Ok(())
}
