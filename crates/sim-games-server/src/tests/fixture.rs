//! A store in a directory that goes away, and short ways to write units of work.

use std::pin::Pin;

use serde_json::Value;
use sim_games_types::{Fields, Operation, Reference, Resource, Target, UnitOfWork};
use tempfile::TempDir;

use super::server::Schema;
use crate::{Database, GamesApi, Options};

/// Opens the store of a place.
pub(crate) type Open = for<'p> fn(&'p Place) -> Pin<Box<dyn Future<Output = GamesApi> + Send + 'p>>;

/// A place for one test's store; it goes away with this value.
pub(crate) struct Place {
    directory: TempDir,
    server: Option<Schema>,
}

/// A store in a file.
pub(super) fn sqlite(place: &Place) -> Pin<Box<dyn Future<Output = GamesApi> + Send + '_>> {
    Box::pin(async move {
        let options = Options { live_buffer: 4, ..Options::new(place.directory.path().join("db")) };
        GamesApi::open(options).await.unwrap()
    })
}

/// A store on the server that the tests may use.
pub(super) fn postgres(place: &Place) -> Pin<Box<dyn Future<Output = GamesApi> + Send + '_>> {
    let url = place.server.as_ref().expect("the test asked for a server").url();
    Box::pin(async move {
        let options = Options { live_buffer: 4, ..Options::of(Database::Postgres(url)) };
        GamesApi::open(options).await.unwrap()
    })
}

/// A store in a place of its own.
pub(crate) async fn fresh(open: Open) -> (Place, GamesApi) {
    let server = Schema::create().await;
    let place = Place { directory: TempDir::new().unwrap(), server };
    let api = open(&place).await;
    (place, api)
}

pub(crate) fn fields(value: Value) -> Fields {
    let Value::Object(fields) = value else { panic!("not an object: {value}") };
    fields
}

pub(crate) fn create(resource: Resource, value: Value, reference: Option<u32>) -> Operation {
    let reference = reference.map(Reference);
    Operation::Create { resource, fields: fields(value), reference }
}

pub(crate) fn change(resource: Resource, pk: i64, value: Value) -> Operation {
    Operation::Change { resource, pk: Target::Pk(pk), fields: fields(value) }
}

pub(crate) fn delete(resource: Resource, pk: i64) -> Operation {
    Operation::Delete { resource, pk: Target::Pk(pk) }
}

pub(crate) fn unit(operations: impl Into<Vec<Operation>>) -> UnitOfWork {
    UnitOfWork { operations: operations.into(), ..UnitOfWork::default() }
}

/// A game with a phase, a role, a run, a world with a player, a scenario and a period.
///
/// In a fresh store all of them have the key 1, but the player, who is user 2.
pub(crate) async fn small_game(api: &GamesApi) {
    use Resource::{Game, Period, Phase, Role, Run, RunUser, Scenario, User, World};
    let operations = [
        (Game, r#"{"name": "Div", "slug": "div"}"#),
        (Phase, r#"{"name": "Play", "order": 1, "game": {"$ref": 0}}"#),
        (Role, r#"{"name": "Divisor", "game": {"$ref": 0}}"#),
        (Run, r#"{"name": "default", "game": {"$ref": 0}, "phase": {"$ref": 1}}"#),
        (World, r#"{"name": "World 1", "run": {"$ref": 3}}"#),
        (User, r#"{"email": "s1@div.edu", "password": "s1"}"#),
        (
            RunUser,
            r#"{"user": {"$ref": 5}, "run": {"$ref": 3}, "world": {"$ref": 4}, "role": {"$ref": 2}}"#,
        ),
        (Scenario, r#"{"name": "S", "world": {"$ref": 4}}"#),
        (Period, r#"{"order": 1, "scenario": {"$ref": 7}}"#),
    ];
    let operations: Vec<Operation> = (0u32..)
        .zip(operations)
        .map(|(number, (resource, json))| {
            create(resource, serde_json::from_str(json).unwrap(), Some(number))
        })
        .collect();
    api.commit(unit(operations)).await.unwrap();
}
