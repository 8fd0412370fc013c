//! The feed of changes.

use serde_json::json;
use sim_games_types::{Resource, UnitOfWork};

use super::fixture::{Open, create, fresh, small_game, unit};
use crate::{ChangeFeed, GamesApi};

fn world(name: &str) -> UnitOfWork {
    unit([create(Resource::World, json!({"name": name, "run": 1}), None)])
}

/// Reads on until a number has come, and checks that none was left out.
async fn read_until(feed: &mut ChangeFeed, mut after: u64, last: u64) -> usize {
    let mut batches = 0;
    while after < last {
        let batch = feed.next().await.unwrap();
        batches += 1;
        for change in batch.iter() {
            assert_eq!(change.seq, after + 1);
            after = change.seq;
        }
    }
    batches
}

async fn store_worlds(api: &GamesApi, prefix: &str, count: usize) -> u64 {
    let mut last = 0;
    for number in 0..count {
        last = api.commit(world(&format!("{prefix}{number}"))).await.unwrap().seq;
    }
    last
}

pub(super) async fn the_feed_has_no_gap_between_journal_and_live(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    store_worlds(&api, "before", 5).await;
    let mut feed = api.subscribe(0);
    let writer = {
        let api = api.clone();
        tokio::spawn(async move { store_worlds(&api, "during", 60).await })
    };
    read_until(&mut feed, 0, 15).await;
    let last = writer.await.unwrap();
    let position = feed.after();
    read_until(&mut feed, position, last).await;
    let next = store_worlds(&api, "after", 1).await;
    read_until(&mut feed, last, next).await;
}

pub(super) async fn a_reader_that_falls_behind_reads_on_from_the_journal(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let start = api.commit(unit([])).await.unwrap().seq;
    let mut feed = api.subscribe(start);
    let seen = store_worlds(&api, "seen", 1).await;
    read_until(&mut feed, start, seen).await;
    let last = store_worlds(&api, "missed", 30).await;
    read_until(&mut feed, seen, last).await;
}

pub(super) async fn the_journal_outlives_the_process(open: Open) {
    let (place, api) = fresh(open).await;
    small_game(&api).await;
    let mut live = api.subscribe(0);
    let last = store_worlds(&api, "w", 3).await;
    let mut told = Vec::new();
    while told.len() < usize::try_from(last).unwrap() {
        told.extend(live.next().await.unwrap().iter().cloned());
    }
    api.close().await;
    let api = open(&place).await;
    let again = api.subscribe(0).next().await.unwrap();
    assert_eq!(*again, *told);
}

pub(super) async fn the_feed_ends_when_the_store_is_closed(open: Open) {
    let (_place, api) = fresh(open).await;
    let mut feed = api.subscribe(0);
    assert!(feed.next().await.is_some());
    let waiting = tokio::spawn(async move { feed.next().await });
    api.close().await;
    assert!(waiting.await.unwrap().is_none());
}
