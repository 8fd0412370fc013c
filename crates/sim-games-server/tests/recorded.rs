//! Holds our answers against traffic that was recorded with the original service.
//!
//! Keys are translated by what each side answered to a creation, times are not compared, and lists
//! are compared by the shape of their elements, since the recording began in the middle of a game.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "recorded/differences.rs"]
mod differences;
#[path = "recorded/replay.rs"]
mod replay;

use differences::INTENDED;
use replay::Replay;
use sim_games_server::{GamesApi, Options};

async fn replay_of(recordings: &[&str]) -> (tempfile::TempDir, GamesApi, Vec<replay::Difference>) {
    let directory = tempfile::TempDir::new().unwrap();
    let api = GamesApi::open(Options::new(directory.path().join("games.db"))).await.unwrap();
    let mut replay = Replay::new(api.router(None));
    let mut differences = Vec::new();
    for recording in recordings {
        differences = replay.play(recording).await;
    }
    (directory, api, differences)
}

const SEED: &str = include_str!("data/http-01-create_default_env.json");
const SEED_AGAIN: &str = include_str!("data/http-02-create_default_env-again.json");
const SERVICE_START: &str = include_str!("data/http-03-service-start.json");
const RESOURCES: &str = include_str!("data/http-resources.json");

#[tokio::test]
async fn the_default_environment_is_created_as_recorded() {
    let (_directory, api, differences) = replay_of(&[SEED]).await;
    assert!(differences.is_empty(), "{differences:#?}");
    api.close().await;
}

#[tokio::test]
async fn the_default_environment_is_found_again_as_recorded() {
    let (_directory, api, differences) = replay_of(&[SEED, SEED_AGAIN]).await;
    assert!(differences.is_empty(), "{differences:#?}");
    api.close().await;
}

#[tokio::test]
async fn a_model_service_starts_as_recorded() {
    let (_directory, api, differences) = replay_of(&[SEED, SERVICE_START]).await;
    assert!(differences.is_empty(), "{differences:#?}");
    api.close().await;
}

#[tokio::test]
async fn every_resource_answers_as_recorded_but_for_what_is_meant_to_differ() {
    let (_directory, api, found) = replay_of(&[SEED, SERVICE_START, RESOURCES]).await;
    let mut intended: Vec<_> =
        INTENDED.iter().flat_map(|(_, pairs)| pairs.iter().copied()).collect();
    intended.sort_unstable();
    let positions: Vec<_> = found.iter().map(|it| (it.position, it.recorded, it.ours)).collect();
    let surprises: Vec<_> = found
        .iter()
        .filter(|it| !intended.contains(&(it.position, it.recorded, it.ours)))
        .map(|it| (it.position, &it.what))
        .collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    assert_eq!(positions, intended);
    api.close().await;
}

#[test]
fn the_readme_lists_every_reason_for_a_difference() {
    let readme = include_str!("../README.md");
    for (reason, _) in INTENDED {
        assert!(readme.contains(&format!("\n| {reason} |")), "{reason} is not in the table");
    }
}
