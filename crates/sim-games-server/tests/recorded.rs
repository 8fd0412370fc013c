//! Holds our answers against traffic that was recorded with the original service.
//!
//! Keys are translated by what each side answered to a creation, times are not compared, and lists
//! are compared by the shape of their elements, since the recording began in the middle of a game.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "recorded/differences.rs"]
mod differences;
#[path = "recorded/replay.rs"]
mod replay;

#[path = "../src/tests/server.rs"]
mod server;

use differences::INTENDED;
use replay::Replay;
use server::Schema;
use sim_games_server::{Database, GamesApi, Options};
use tempfile::TempDir;

const SEED: &str = include_str!("data/http-01-create_default_env.json");
const SEED_AGAIN: &str = include_str!("data/http-02-create_default_env-again.json");
const SERVICE_START: &str = include_str!("data/http-03-service-start.json");
const RESOURCES: &str = include_str!("data/http-resources.json");

/// Plays recordings against a fresh service, and tells how the last one differs.
async fn replay_of(database: Database, recordings: &[&str]) -> Vec<replay::Difference> {
    let api = GamesApi::open(Options::of(database)).await.unwrap();
    let mut replay = Replay::new(api.router(None));
    let mut differences = Vec::new();
    for recording in recordings {
        differences = replay.play(recording).await;
    }
    api.close().await;
    differences
}

async fn the_default_environment_is_created_as_recorded(database: Database) {
    let differences = replay_of(database, &[SEED]).await;
    assert!(differences.is_empty(), "{differences:#?}");
}

async fn the_default_environment_is_found_again_as_recorded(database: Database) {
    let differences = replay_of(database, &[SEED, SEED_AGAIN]).await;
    assert!(differences.is_empty(), "{differences:#?}");
}

async fn a_model_service_starts_as_recorded(database: Database) {
    let differences = replay_of(database, &[SEED, SERVICE_START]).await;
    assert!(differences.is_empty(), "{differences:#?}");
}

async fn every_resource_answers_as_recorded_but_for_what_is_meant_to_differ(database: Database) {
    let found = replay_of(database, &[SEED, SERVICE_START, RESOURCES]).await;
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
}

/// Plays each recording on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let directory = super::TempDir::new().unwrap();
                let file = directory.path().join("games.db");
                super::$test(super::Database::Sqlite(file)).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                if let Some(schema) = super::Schema::create().await {
                    super::$test(super::Database::Postgres(schema.url())).await;
                }
            })+
        }
    };
}

on_both! {
    the_default_environment_is_created_as_recorded,
    the_default_environment_is_found_again_as_recorded,
    a_model_service_starts_as_recorded,
    every_resource_answers_as_recorded_but_for_what_is_meant_to_differ,
}

#[test]
fn the_readme_lists_every_reason_for_a_difference() {
    let readme = include_str!("../README.md");
    for (reason, _) in INTENDED {
        assert!(readme.contains(&format!("\n| {reason} |")), "{reason} is not in the table");
    }
}
