//! Waiting for changes, without a service around it.

use std::time::Duration;

use axum::body::to_bytes;
use serde_json::{Value, json};
use sim_games_types::{Resource, RunPk};
use tempfile::TempDir;

use super::{JournalQuery, LAST_SEQ, Reader, poll};
use crate::tests::fixture::{change, create, small_game, unit};
use crate::{GamesApi, Options};

async fn game() -> (TempDir, GamesApi) {
    let directory = TempDir::new().unwrap();
    let api = GamesApi::open(Options::new(directory.path().join("games.db"))).await.unwrap();
    small_game(&api).await;
    (directory, api)
}

/// A reader of one run that has seen all there is.
async fn reader(api: &GamesApi, run: i64) -> Reader {
    let after = api.last_seq().await.unwrap();
    let query = JournalQuery { after, game: None, run: Some(RunPk(run)), limit: 500 };
    Reader::new(api.clone(), query)
}

async fn add_world(api: &GamesApi, name: &str) -> u64 {
    let world = create(Resource::World, json!({"name": name, "run": 1}), None);
    api.commit(unit([world])).await.unwrap().seq
}

async fn answer(reader: Reader) -> (Value, u64) {
    let response = poll(reader, Duration::from_secs(60)).await.unwrap();
    let last = response.headers()[LAST_SEQ].to_str().unwrap().parse().unwrap();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (serde_json::from_slice(&body).unwrap(), last)
}

#[tokio::test]
async fn a_matching_change_wakes_the_reader_and_others_only_take_it_on() {
    let (_directory, api) = game().await;
    let mut reader = reader(&api, 1).await;
    assert!(reader.read().await.unwrap().is_empty());
    let user = change(Resource::User, 2, json!({"first_name": "S"}));
    let other = api.commit(unit([user])).await.unwrap().seq;
    let wanted = add_world(&api, "W").await;
    assert!(reader.is_woken().await);
    assert_eq!(reader.query.after, other);
    let found = reader.read().await.unwrap();
    assert_eq!(found.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [wanted]);
}

#[tokio::test]
async fn what_was_read_already_wakes_nobody() {
    let (_directory, api) = game().await;
    let mut reader = reader(&api, 1).await;
    add_world(&api, "A").await;
    assert_eq!(reader.read().await.unwrap().len(), 1);
    let second = add_world(&api, "B").await;
    assert!(reader.is_woken().await);
    assert_eq!(reader.read().await.unwrap()[0].0, second);
}

#[tokio::test]
async fn a_long_poll_answers_with_a_change_that_comes_meanwhile() {
    let (_directory, api) = game().await;
    let reader = reader(&api, 1).await;
    let ((body, last), seq) = tokio::join!(answer(reader), add_world(&api, "W"));
    assert_eq!(body[0]["seq"], seq);
    assert_eq!(last, seq);
}

#[tokio::test]
async fn a_long_poll_ends_with_nothing_when_its_time_is_up() {
    let (_directory, api) = game().await;
    let reader = reader(&api, 9).await;
    let head = add_world(&api, "of another run").await;
    tokio::time::pause();
    assert_eq!(answer(reader).await, (json!([]), head));
}

#[tokio::test]
async fn a_long_poll_ends_when_the_store_is_closed() {
    let (_directory, api) = game().await;
    let mut reader = reader(&api, 1).await;
    assert!(reader.read().await.unwrap().is_empty());
    let (woken, ()) = tokio::join!(reader.is_woken(), api.close());
    assert!(!woken);
}
