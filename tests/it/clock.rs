//! A clock that was set back: it is told, and nothing depends on it.

use anyhow::Result;
use black_box::Div;
use rusqlite::Connection;
use serde_json::Value;

const HOUR: u64 = 3600;

#[tokio::test]
async fn a_clock_that_was_set_back_is_told_and_harms_nothing() -> Result<()> {
    let mut div = Div::start(&[]).await?;
    let environment = div.environment("default").await?;
    let period = environment.worlds[0].period;
    div.member(&environment, "s1@div.edu").await?.play(period, 10).await?;
    div.service.sigterm().await?;
    div.restart().await?;
    assert!(!div.service.stderr().join("\n").contains("clock"), "a clock that goes on is told");
    div.service.sigterm().await?;

    // What was written before has come from a clock that went two hours before this one.
    let database = Connection::open(div.service.dir().join("div.sqlite3"))?;
    let micros = i64::try_from(2 * HOUR * 1_000_000)?;
    for statement in [
        "UPDATE journal SET at = at + ?1",
        "UPDATE decision SET created = created + ?1, updated = updated + ?1",
        "UPDATE token SET created = created + ?1",
    ] {
        database.execute(statement, [micros])?;
    }
    drop(database);
    div.restart().await?;
    let line = div.service.logged("clock").await?;
    for text in [
        "WARN",
        "this machine's clock says",
        ", 1 h 59 min before the newest change in the database: set the clock;",
    ] {
        assert!(line.contains(text), "no `{text}` in {line}");
    }

    // Logins, changes of what seems to come from the future, their order and their versions.
    let before = decision(&div, period).await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(period, 12).await?;
    let after = decision(&div, period).await?;
    assert_eq!(after["id"], before["id"]);
    assert!(after["updated"].as_str() > before["updated"].as_str(), "{before} {after}");
    div.member(&environment, "s2@div.edu").await?.play(period, 4).await?;
    assert_eq!(div.round(period).await?.quotients, [3.0]);
    let changes = div.rest.get("changes/?after=0&limit=1000").await?;
    let seqs: Vec<_> =
        changes.as_array().into_iter().flatten().filter_map(|it| it["seq"].as_u64()).collect();
    assert!(!seqs.is_empty() && seqs.is_sorted(), "{seqs:?}");
    Ok(())
}

async fn decision(div: &Div, period: u64) -> Result<Value> {
    Ok(div.rest.list(&format!("decisions/?period={period}")).await?[0].clone())
}
