//! A database of the original, taken over.

use serde_json::{Value, json};
use sim_games_types::{GamePk, Record, Resource, RunPk};
use tempfile::TempDir;

use crate::model::Table;
use crate::store::Query;
use crate::tests::fixture::{create, unit};
use crate::tests::server::{Schema, carry_out};
use crate::{Database, GamesApi, Options, TakeOverError, TakenOver};

const ORIGINAL: &str = include_str!("tests/original.sql");

/// What must be left out of it, and why.
const LEFT_OUT: [&str; 15] = [
    "simpl_users_user 4: it is doubled, 5 is newer and kept",
    "simpl_users_user 9: email: Enter a valid email address.",
    "games_game 4: slug: The slug \"user\" is reserved.",
    "games_phase 12: game: Invalid pk \"4\" - object does not exist.",
    "games_role 22: game: This field may not be null.",
    "games_scenario 53: non_field_errors: Exactly one of world and runuser must be set.",
    "games_scenario 54: non_field_errors: Exactly one of world and runuser must be set.",
    "games_period 62: scenario: Invalid pk \"53\" - object does not exist.",
    "games_decision 72: its data cannot be kept: number out of range",
    "games_decision 73: period: Invalid pk \"62\" - object does not exist.",
    "games_result 81: it is doubled, 82 is newer and kept",
    "games_result 83: it is doubled, 82 is newer and kept",
    "webhook_subscriber 1: it is doubled, 2 is newer and kept",
    "webhook_subscriber 3: url: Link-local and metadata addresses are refused.",
    "authtoken_token of user 9: the user was not copied",
];

/// The original on the server; none when there is no server.
async fn original() -> Option<Schema> {
    let schema = Schema::create().await?;
    carry_out(&schema.url(), ORIGINAL).await.unwrap();
    Some(schema)
}

async fn take_over(database: Database, original: &Schema) -> (GamesApi, TakenOver) {
    let api = GamesApi::open(Options::of(database)).await.unwrap();
    let taken = api.take_over(&original.url(), false).await.unwrap();
    (api, taken)
}

async fn all(api: &GamesApi, resource: Resource) -> Vec<Value> {
    let table = Table::of(resource);
    let query =
        Query { table, conditions: vec![], order: vec![("id", false)], offset: 0, limit: 99 };
    let rows = api.store().list(query).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.json).unwrap()).collect()
}

async fn keys(api: &GamesApi, resource: Resource) -> Vec<i64> {
    all(api, resource).await.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn everything_is_copied_but_what_breaks_the_rules(database: Database, original: &Schema) {
    let (api, taken) = take_over(database, original).await;
    let mut left_out: Vec<String> = taken
        .left_out
        .iter()
        .map(|line| line.split(" at line").next().unwrap().to_owned())
        .collect();
    let mut expected = LEFT_OUT.map(str::to_owned).to_vec();
    left_out.sort();
    expected.sort();
    assert_eq!(left_out, expected);
    assert_eq!(taken.missing(), LEFT_OUT.len() as u64);
    for (resource, expected) in [
        (Resource::User, &[1, 5][..]),
        (Resource::Game, &[3]),
        (Resource::Phase, &[11]),
        (Resource::Role, &[21]),
        (Resource::Run, &[5]),
        (Resource::World, &[9, 10]),
        (Resource::RunUser, &[30, 31]),
        (Resource::Scenario, &[51, 52]),
        (Resource::Period, &[61]),
        (Resource::Decision, &[71]),
        (Resource::Result, &[82]),
        (Resource::Hook, &[2]),
    ] {
        assert_eq!(keys(&api, resource).await, expected, "{resource}");
    }
    what_was_copied_is_whole(&api).await;
    whoever_could_log_in_still_can(&api).await;
    the_journal_tells_of_it(&api).await;
    new_rows_come_after_it(&api).await;
    let again = api.take_over(&original.url(), false).await.unwrap_err();
    assert!(matches!(again, TakeOverError::NotEmpty), "{again}");
    api.close().await;
}

async fn what_was_copied_is_whole(api: &GamesApi) {
    let game = &all(api, Resource::Game).await[0];
    assert_eq!(game["created"], json!("2026-01-07T08:09:10.123456Z"));
    assert_eq!(game["updated"], json!("2026-01-08T00:00:00.000000Z"));
    assert_eq!(game["data"].to_string(), r#"{"deep":[1,2.0,null]}"#);
    let world = &all(api, Resource::World).await[0];
    assert_eq!(world["external_ids"], json!([[1, 2], [3, 4]]));
    let member = &all(api, Resource::RunUser).await[1];
    assert_eq!((&member["user"], &member["email"]), (&json!(5), &json!("s1@div.edu")), "re-hung");
    assert_eq!(all(api, Resource::Result).await[0]["data"], json!({"quotient": 2}));
    let user = &all(api, Resource::User).await[1];
    assert_eq!((&user["external_id"], &user["data"]), (&json!("lms-1"), &json!({"a": 1.5})));
    let account = api.store().account("S1@DIV.EDU").await.unwrap().unwrap();
    assert!(account.password.unwrap().starts_with("pbkdf2_sha256$1000$salt$"));
    let nobody = api.store().account("simpl@simpl.world").await.unwrap().unwrap();
    assert_eq!(nobody.password, None);
    let run = api.load_run(RunPk(5)).await.unwrap().unwrap();
    assert_eq!(run.objects.len(), 1 + 2 + 2 + 2 + 1 + 1 + 1);
    let hook = &api.store().hooks().await.unwrap()[0];
    assert_eq!(hook.delivered, api.last_seq().await.unwrap(), "begins with what comes");
}

async fn whoever_could_log_in_still_can(api: &GamesApi) {
    let user = api.authenticate("s1@div.edu", "s1").await.unwrap();
    assert_eq!(user.id.0, 5);
    assert!(api.authenticate("simpl@simpl.world", "simpl").await.is_err(), "it had no password");
    let staff = api.authenticate_token("0123456789abcdef0123456789abcdef01234567").await.unwrap();
    assert_eq!(staff.id.0, 1);
    let rehung = api.authenticate_token("1123456789abcdef0123456789abcdef01234567").await.unwrap();
    assert_eq!(rehung.id.0, 5);
}

async fn the_journal_tells_of_it(api: &GamesApi) {
    let changes = api.store().journal(0, 1000).await.unwrap();
    let numbers: Vec<u64> = changes.iter().map(|it| it.seq).collect();
    assert_eq!(numbers, (1..=changes.len() as u64).collect::<Vec<_>>());
    let imported = changes.iter().filter(|it| it.cause.as_deref() == Some("import"));
    assert_eq!(imported.count(), 1 + 16, "the first account goes, the copies come");
    let decision = changes.iter().find(|it| it.object.record.resource() == Resource::Decision);
    assert_eq!((decision.unwrap().game, decision.unwrap().run), (Some(GamePk(3)), Some(RunPk(5))));
}

async fn new_rows_come_after_it(api: &GamesApi) {
    let decision = json!({"name": "new", "period": 61});
    let user = json!({"email": "new@div.edu"});
    let created =
        [create(Resource::Decision, decision, Some(0)), create(Resource::User, user, Some(1))];
    let committed = api.commit(unit(created)).await.unwrap();
    let keys: Vec<i64> = committed.references.values().copied().collect();
    assert!(keys[0] > 71 && keys[1] > 5, "{keys:?}");
}

#[tokio::test]
async fn everything_is_copied_into_a_file() {
    let Some(original) = original().await else { return };
    let directory = TempDir::new().unwrap();
    let database = Database::Sqlite(directory.path().join("games.db"));
    everything_is_copied_but_what_breaks_the_rules(database, &original).await;
}

#[tokio::test]
async fn everything_is_copied_onto_a_server() {
    let (Some(original), Some(target)) = (original().await, Schema::create().await) else { return };
    let database = Database::Postgres(target.url());
    everything_is_copied_but_what_breaks_the_rules(database, &original).await;
}

#[tokio::test]
async fn a_strict_import_takes_all_or_nothing() {
    let Some(original) = original().await else { return };
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("games.db");
    let api = GamesApi::open(Options::new(&path)).await.unwrap();
    let error = api.take_over(&original.url(), true).await.unwrap_err();
    let TakeOverError::Strict(taken) = &error else { panic!("{error}") };
    assert_eq!(taken.left_out.len(), LEFT_OUT.len());
    assert_eq!(api.last_seq().await.unwrap(), 1);
    assert!(api.authenticate("simpl@simpl.world", "simpl").await.is_ok());
    api.close().await;
}

#[tokio::test]
async fn what_is_no_original_or_no_empty_target_is_refused() {
    let Some(empty) = Schema::create().await else { return };
    let directory = TempDir::new().unwrap();
    let api = GamesApi::open(Options::new(directory.path().join("games.db"))).await.unwrap();
    let error = api.take_over(&empty.url(), false).await.unwrap_err().to_string();
    assert!(error.starts_with("nothing was taken over: "), "{error}");
    assert!(error.contains("simpl_users_user"), "{error}");
    let user = create(Resource::User, json!({"email": "a@b.c"}), None);
    api.commit(unit([user])).await.unwrap();
    let error = api.take_over(&empty.url(), false).await.unwrap_err();
    assert!(matches!(error, TakeOverError::NotEmpty), "{error}");
    let Record::User(user) = &api.store().account("a@b.c").await.unwrap().unwrap().user.record
    else {
        panic!("it is a user")
    };
    assert_eq!(user.email, "a@b.c");
    api.close().await;
}
