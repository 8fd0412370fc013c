//! A database of the original, taken over.

use serde_json::{Value, json};
use sim_games_types::{GamePk, Record, Resource, RunPk, Timestamp};
use tempfile::TempDir;

use crate::model::Table;
use crate::sql::connection::{Connection, Durability, Row};
use crate::store::Query;
use crate::tests::fixture::{create, unit};
use crate::tests::server::{Schema, carry_out};
use crate::{Database, GamesApi, Options, TakeOverError, TakenOver};

const ORIGINAL: &str = include_str!("tests/original.sql");

/// What must be left out of it, and why.
const LEFT_OUT: [&str; 24] = [
    "simpl_users_user 4: it is doubled, 5 is newer and kept",
    "simpl_users_user 9: email: Enter a valid email address.",
    "games_game 4: slug: The slug \"user\" is reserved.",
    "games_game 6: slug: This field may not be blank.",
    "games_phase 12: its game 4 does not exist or was left out",
    "games_phase 13: order: Ensure this value is greater than or equal to 0.",
    "games_role 22: game: This field may not be null.",
    "games_runuser 31: it is doubled, 32 is newer and kept",
    "games_runuser 33: its role 22 does not exist or was left out",
    "games_scenario 53: Exactly one of world and runuser must be set.",
    "games_scenario 54: Exactly one of world and runuser must be set.",
    "games_period 62: its scenario 53 does not exist or was left out",
    "games_period 64: it is doubled, 63 is newer and kept",
    "games_decision 72: its data cannot be kept: number out of range",
    "games_decision 73: its period 62 does not exist or was left out",
    "games_decision 75: it is doubled, 76 is newer and kept",
    "games_decision 77: its period 999 does not exist or was left out",
    "games_decision 78: its role 22 does not exist or was left out",
    "games_result 81: it is doubled, 82 is newer and kept",
    "games_result 83: it is doubled, 82 is newer and kept",
    "webhook_subscriber 1: it is doubled, 2 is newer and kept",
    "webhook_subscriber 3: url: Link-local and metadata addresses are refused.",
    "authtoken_token of user 9: the user was not copied",
    "authtoken_token of user 5: it has not 40 hexadecimal digits",
];

/// What is copied without something.
const CHANGED: [&str; 1] =
    ["games_run 6: its phase 13 does not exist or was left out: it has none now"];

/// How many rows of each kind there are, and how many are copied.
const COUNTS: [(&str, u64, u64); 13] = [
    ("users", 4, 2),
    ("games", 3, 1),
    ("phases", 3, 1),
    ("roles", 2, 1),
    ("runs", 2, 2),
    ("worlds", 2, 2),
    ("runusers", 5, 3),
    ("scenarios", 4, 2),
    ("periods", 4, 2),
    ("decisions", 8, 3),
    ("results", 3, 1),
    ("hooks", 4, 2),
    ("tokens", 4, 2),
];

/// The original on the server; none when there is no server.
pub(crate) async fn original() -> Option<Schema> {
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
    assert_eq!(taken.changed, CHANGED);
    let counts: Vec<_> = taken.kinds.iter().map(|it| (it.kind, it.read, it.copied)).collect();
    assert_eq!(counts, COUNTS);
    for (resource, expected) in [
        (Resource::User, &[1, 5][..]),
        (Resource::Game, &[3]),
        (Resource::Phase, &[11]),
        (Resource::Role, &[21]),
        (Resource::Run, &[5, 6]),
        (Resource::World, &[9, 10]),
        (Resource::RunUser, &[30, 32, 34]),
        (Resource::Scenario, &[51, 52]),
        (Resource::Period, &[61, 63]),
        (Resource::Decision, &[71, 74, 76]),
        (Resource::Result, &[82]),
        (Resource::Hook, &[2, 4]),
    ] {
        assert_eq!(keys(&api, resource).await, expected, "{resource}");
    }
    what_was_copied_is_whole(&api).await;
    what_nobody_is_told_is_copied(&api).await;
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
    let member = &all(api, Resource::RunUser).await[2];
    assert_eq!((&member["user"], &member["email"]), (&json!(5), &json!("s1@div.edu")), "re-hung");
    assert_eq!(member["run_active"], json!(false));
    assert_eq!(all(api, Resource::Scenario).await[1]["runuser"], json!(32), "re-hung");
    let decisions = all(api, Resource::Decision).await;
    assert_eq!((&decisions[1]["period"], &decisions[2]["period"]), (&json!(63), &json!(63)));
    assert_eq!(decisions[0]["data"].to_string(), r#"{"operand":5.0}"#);
    let run = &all(api, Resource::Run).await[1];
    assert_eq!((&run["phase"], &run["data"]), (&json!(null), &json!({"kept": true})));
    let hooks = all(api, Resource::Hook).await;
    assert_eq!(hooks[0]["modified"], json!("2026-01-06T00:00:00.000001Z"));
    assert_eq!(hooks[0]["last_error"], json!("2026-03-01T10:00:00.250000Z"));
    assert_eq!(hooks[0]["last_error_content"].as_str().unwrap().len(), 2000);
    assert_eq!(hooks[1]["user"], json!(5), "re-hung");
    assert_eq!(all(api, Resource::Result).await[0]["data"], json!({"quotient": 2}));
    let user = &all(api, Resource::User).await[1];
    assert_eq!((&user["external_id"], &user["data"]), (&json!("lms-1"), &json!({"a": 1.5})));
    let account = api.store().account("S1@DIV.EDU").await.unwrap().unwrap();
    assert!(account.password.unwrap().starts_with("pbkdf2_sha256$1000$salt$"));
    let nobody = api.store().account("simpl@simpl.world").await.unwrap().unwrap();
    assert_eq!(nobody.password, None);
    let run = api.load_run(RunPk(5)).await.unwrap().unwrap();
    assert_eq!(run.objects.len(), 1 + 2 + 2 + 2 + 2 + 3 + 1);
    let head = api.last_seq().await.unwrap();
    for hook in api.store().hooks().await.unwrap() {
        assert_eq!(hook.delivered, head, "begins with what comes");
    }
}

/// What no request tells: a user's times and faculty, and when a token was made.
async fn what_nobody_is_told_is_copied(api: &GamesApi) {
    let times = |text: &str| text.parse::<Timestamp>().unwrap().micros();
    let read = |sql: &'static str| {
        api.store().chore(Durability::Relaxed, move |connection| {
            let reading: &dyn Connection = connection;
            let numbers = |row: &dyn Row| (0..4).map(|column| row.int(column)).collect();
            reading.first::<Vec<i64>>(sql, &[], numbers)
        })
    };
    let sql = "SELECT created, updated, faculty, last_login FROM \"user\" WHERE id = 5";
    let joined = times("2026-01-03T00:00:00Z");
    let expected = vec![joined, joined, 1, times("2026-02-03T04:05:06.700008Z")];
    assert_eq!(read(sql).await.unwrap(), Some(expected));
    let sql = "SELECT created, \"user\", 0, 0 FROM token ORDER BY created DESC LIMIT 1";
    let expected = vec![times("2026-01-05T01:02:03.000004Z"), 1, 0, 0];
    assert_eq!(read(sql).await.unwrap(), Some(expected));
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
    assert_eq!(imported.count(), 1 + 22, "the first account goes, the copies come");
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
    assert_eq!(keys, [79, 10], "also after those that were left out");
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
