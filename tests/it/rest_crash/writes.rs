//! Killed while several clients write in bulk.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use black_box::{Database, Rest};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::journal::{self, Entry};
use super::victim::{Victim, create};
use super::writers::{Desk, Kind, Sent, write};

/// What the clients write; the more in bulk, the more likely a kill is in the middle of one.
const CLIENTS: [Kind; 6] = [Kind::Bulk, Kind::Bulk, Kind::Bulk, Kind::Bulk, Kind::Unit, Kind::Unit];

/// The most acknowledged requests before a kill.
const BURST: u32 = 40;

/// What the requests of all rounds came to.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    /// Without an answer, but there.
    unanswered_whole: usize,
    /// Without an answer, and nothing is there.
    unanswered_absent: usize,
}

/// Kills the service so many times and returns a line that says what that was.
pub(crate) async fn campaign(database: &Database, rounds: u32) -> Result<String> {
    let mut victim = Victim::start(database).await?;
    let mut seq = journal::read(&victim.rest, 0).await?.last().map_or(0, |entry| entry.seq);
    let mut tally = Tally::default();
    for round in 1..=rounds {
        let played = play(&mut victim, round, seq, &mut tally).await;
        seq = played.with_context(|| format!("round {round} on {database}"))?;
    }
    check_all(&victim).await.with_context(|| format!("after all rounds on {database}"))?;
    let Tally { acknowledged, unanswered_whole, unanswered_absent } = tally;
    Ok(format!(
        "kill -9 during bulk writes on {database}: {rounds} rounds, {acknowledged} requests \
         acknowledged and whole, {unanswered_whole} unanswered and whole, {unanswered_absent} \
         unanswered and absent, {seq} journal entries"
    ))
}

/// One round; returns the journal's last number after it.
async fn play(victim: &mut Victim, round: u32, seq: u64, tally: &mut Tally) -> Result<u64> {
    let body = json!({"world": victim.world, "name": format!("round {round}")});
    let scenario = create(&victim.rest, "scenarios/", body).await?;
    let body = json!({"scenario": scenario, "order": 1});
    let period = create(&victim.rest, "periods/", body).await?;
    let sent = burst(victim, Desk { round, scenario, period, roles: victim.roles }).await?;
    victim.restart().await?;

    let mut entries = journal::read(&victim.rest, seq).await?;
    let present = check(&sent, &entries)?;
    check_tables(&victim.rest, scenario, &entries).await?;
    let is_there = |sent: &&Sent| present.contains(sent.label.as_str());
    let (unanswered_whole, unanswered_absent): (Vec<&Sent>, Vec<&Sent>) =
        sent.iter().filter(|sent| !sent.acknowledged).partition(is_there);
    tally.acknowledged += sent.len() - unanswered_whole.len() - unanswered_absent.len();
    tally.unanswered_whole += unanswered_whole.len();
    tally.unanswered_absent += unanswered_absent.len();

    // Whoever got no answer to a unit sends it again under its key, and it is there once.
    let mut repeated = sent.clone();
    for sent in repeated.iter_mut().filter(|sent| !sent.acknowledged && sent.kind == Kind::Unit) {
        let answer = sent.send(&victim.rest).await?.context("no answer after the restart")?;
        let was_there = present.contains(sent.label.as_str());
        ensure!(answer["replayed"].is_null() != was_there, "{}: {answer}", sent.label);
        sent.acknowledged = true;
    }
    let last = entries.last().map_or(seq, |entry| entry.seq);
    entries.extend(journal::read(&victim.rest, last).await?);
    check(&repeated, &entries)?;
    check_tables(&victim.rest, scenario, &entries).await?;
    Ok(entries.last().map_or(seq, |entry| entry.seq))
}

/// Lets all clients write until a random number of requests is acknowledged, then kills.
async fn burst(victim: &mut Victim, desk: Desk) -> Result<Vec<Sent>> {
    let (acknowledged, mut count_down) = mpsc::channel(1024);
    let mut clients = JoinSet::new();
    for (client, kind) in CLIENTS.into_iter().enumerate() {
        let (rest, acknowledged) = (victim.rest.clone(), acknowledged.clone());
        clients.spawn(write(rest, kind, desk, client, usize::MAX, acknowledged));
    }
    drop(acknowledged);
    for _ in 0..rand::random_range(1..=BURST) {
        count_down.recv().await.context("the clients stopped writing")?;
    }
    victim.kill_soon(&mut count_down).await?;
    // What was acknowledged but not yet counted must not block anybody.
    while count_down.recv().await.is_some() {}
    let mut all = Vec::new();
    while let Some(sent) = clients.join_next().await {
        all.extend(sent??);
    }
    Ok(all)
}

/// Checks that every request left all of its rows in the journal, side by side and in order, or
/// none; returns the labels of those that did.
fn check<'a>(sent: &'a [Sent], entries: &[Entry]) -> Result<BTreeSet<&'a str>> {
    let mut found: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        ensure!(entry.action == "created", "nobody asked for {entry:?}");
        if let Some(label) = entry.data["data"]["request"].as_str() {
            found.entry(label).or_default().push(entry);
        }
    }
    let mut present = BTreeSet::new();
    for Sent { label, rows, acknowledged, .. } in sent {
        let Some(entries) = found.remove(label.as_str()) else {
            ensure!(!acknowledged, "request {label} was acknowledged and is gone");
            continue;
        };
        let first = entries[0].seq;
        for (row, entry) in entries.iter().enumerate() {
            ensure!(
                entry.data["data"]["row"] == row && entry.seq == first + row as u64,
                "request {label}: {entry:?} where row {row} is due after entry {first}"
            );
        }
        let count = entries.len();
        ensure!(count == *rows, "request {label} left {count} of its {rows} rows");
        present.insert(label.as_str());
    }
    ensure!(found.is_empty(), "nobody sent {:?}", found.keys());
    Ok(present)
}

/// Checks that what is stored below a scenario is what the journal tells of it, row for row.
async fn check_tables(rest: &Rest, scenario: u64, entries: &[Entry]) -> Result<()> {
    let mut told: BTreeMap<(&str, u64), &Value> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.resource != "scenario") {
        let doubled = told.insert((entry.resource.as_str(), entry.pk), &entry.data);
        ensure!(doubled.is_none(), "told twice: {entry:?}");
    }
    for resource in ["decision", "result", "period"] {
        for row in rest.list(&format!("{resource}s/?scenario={scenario}")).await? {
            let pk = row["id"].as_u64().context("a row without id")?;
            let data = told.remove(&(resource, pk));
            ensure!(data == Some(&row), "{resource} {row}, but the journal has {data:?}");
        }
    }
    ensure!(told.is_empty(), "told of but not there: {:?}", told.keys());
    Ok(())
}

/// Checks the whole run once more: as many rows as the journal tells of, none of them twice.
async fn check_all(victim: &Victim) -> Result<()> {
    let entries = journal::read(&victim.rest, 0).await?;
    for resource in ["decision", "result", "period"] {
        let of_resource = entries.iter().filter(|entry| entry.resource == resource);
        let told: Vec<u64> = of_resource.map(|entry| entry.pk).collect();
        let rows = victim.rest.list(&format!("{resource}s/?run={}", victim.run)).await?;
        let rows: BTreeSet<u64> = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
        let unique: BTreeSet<u64> = told.iter().copied().collect();
        ensure!(unique.len() == told.len(), "the journal tells of a {resource} twice");
        ensure!(unique == rows, "the {resource}s stored are not those of the journal");
    }
    Ok(())
}
