//! The service keeps to its OpenAPI document, whatever a program of others makes of it.
//!
//! Ten cases per operation beside those that the document suggests, and always the same; with the
//! variable `SOAK` four hundred, which are others every time. On PostgreSQL as well when
//! `TEST_DATABASE_URL` names a server, there without the cases at the limits of every schema, which
//! take most of the time, unless `SOAK` is set.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use black_box::{Answers, Binaries, Database, Games, Rest, Tester, Trial};
use serde_json::{Map, Value, json};

/// How many games there are to be tried, which `openapi_fuzz.toml` knows.
const GAMES: u64 = 24;

/// The collections, parents before children.
const COLLECTIONS: [&str; 12] = [
    "users",
    "games",
    "phases",
    "roles",
    "runs",
    "worlds",
    "runusers",
    "scenarios",
    "periods",
    "decisions",
    "results",
    "hooks",
];

/// Makes the objects of the document's examples as often as there are games.
async fn fill(rest: &Rest, document: &Value) -> Result<()> {
    for number in 1..=GAMES {
        for collection in COLLECTIONS {
            let path = format!("/paths/~1apis~1{collection}~1/post/requestBody/content");
            let examples = document.pointer(&path).context("no example of a creation")?;
            let examples = examples["application/json"]["examples"].as_object();
            for example in examples.into_iter().flat_map(Map::values) {
                let body = another(collection, &example["value"], number);
                rest.create(&format!("{collection}/"), &body).await?;
            }
        }
    }
    Ok(())
}

/// The example of a creation as it is for the game with this number.
fn another(collection: &str, example: &Value, number: u64) -> Value {
    let mut body = example.clone();
    for (name, value) in body.as_object_mut().into_iter().flatten() {
        let is_key = COLLECTIONS.iter().any(|it| it.strip_suffix('s') == Some(name));
        if let Some(key) = value.as_u64().filter(|_| is_key) {
            *value = json!(key + number - 1);
        }
    }
    match collection {
        "users" => body["email"] = json!(format!("s{number}@div.edu")),
        "games" => {
            body["name"] = json!(format!("Div {number}"));
            body["slug"] = json!(format!("div-{number}"));
        }
        "hooks" => body["event"] = json!(format!("div-{number}.*")),
        _ => {}
    }
    body
}

/// The accounts that ask, as `login:password`: of the staff, and of somebody else.
struct Accounts {
    staff: &'static str,
    player: &'static str,
}

/// Makes the accounts. Their keys are such as nobody comes upon: they must not be deleted.
async fn accounts(rest: &Rest) -> Result<Accounts> {
    let filler = |number| {
        let fields = json!({"email": format!("filler{number}@div.edu")});
        json!({"op": "create", "resource": "user", "fields": fields})
    };
    let operations: Vec<Value> = (0..1000).map(filler).collect();
    let unit = json!({ "operations": operations });
    let stored = rest.send(reqwest::Method::POST, "units/", Some(&unit)).await?;
    ensure!(stored.status == 200, "the fillers were refused: {}", stored.body);
    let staff = json!({"email": "tester@div.edu", "password": "tester", "is_staff": true,
                       "is_superuser": true});
    rest.create("users/", &staff).await?;
    rest.create("users/", &json!({"email": "other@div.edu", "password": "other"})).await?;
    Ok(Accounts { staff: "tester@div.edu:tester", player: "other@div.edu:other" })
}

/// In what ways is tried, with how many cases, and from which seed.
fn size(database: &Database) -> Result<(&'static str, u32, u64)> {
    let all = "examples,coverage,fuzzing,stateful";
    if std::env::var_os("SOAK").is_some() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        return Ok((all, 400, now.context("the clock is before 1970")?.as_secs()));
    }
    let phases = if *database == Database::Sqlite { all } else { "examples,fuzzing,stateful" };
    Ok((phases, 10, 1))
}

/// The operations that were never answered with success.
fn never_done(answers: &Answers) -> Vec<&String> {
    let succeeded =
        |by_status: &BTreeMap<u16, u64>| by_status.keys().any(|status| (200..300).contains(status));
    answers.iter().filter(|it| !succeeded(it.1)).map(|it| it.0).collect()
}

/// Tries all operations. What deletes comes last: what is gone tries nothing any more. And who is
/// staff can lock out the own account, so somebody else tries that one.
async fn try_all(tester: &Tester, trial: &Trial<'_>, accounts: &Accounts) -> Result<Answers> {
    let (units, own) = ("/apis/units/", "/rest-auth/user/");
    let staff = Trial { account: accounts.staff, ..trial.clone() };
    let player = Trial { account: accounts.player, ..trial.clone() };
    let harmless = ["--exclude-method", "DELETE", "--exclude-path", units, "--exclude-path", own];
    let mut answers = tester.run(&staff, &harmless).await?;
    answers.extend(tester.run(&player, &["--include-path", own]).await?);
    answers.extend(tester.run(&staff, &["--include-method", "DELETE"]).await?);
    answers.extend(tester.run(&staff, &["--include-path", units]).await?);
    Ok(answers)
}

/// Tries the service on a database, and tells how much was tried.
async fn campaign(tester: &Tester, database: &Database) -> Result<String> {
    let (phases, cases, seed) = size(database)?;
    let dir = tempfile::tempdir().context("making a directory for the service")?;
    let games = Games::start(Binaries::get()?, database, dir).await?;
    let rest = Rest::staff(games.api_url())?;
    let document = rest.get("../openapi.json").await?;
    fill(&rest, &document).await?;
    let accounts = accounts(&rest).await?;
    let address = games.api_url().replace("/apis/", "/openapi.json");
    let limit = Duration::from_mins(5) + Duration::from_secs(20) * cases;
    let trial = Trial { document: &address, account: "", phases, cases, seed, limit };
    let answers = try_all(tester, &trial, &accounts).await?;

    let operations = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations: usize = operations.filter_map(Value::as_object).map(Map::len).sum();
    let tried = answers.keys().filter(|name| name.contains('/')).count();
    ensure!(tried == operations, "only {tried} of {operations} operations were tried");
    let never_done = never_done(&answers);
    let enough = never_done.len() * 10 < operations;
    ensure!(enough, "hardly tried, these were never answered with success: {never_done:?}");
    let log = games.stderr().join("\n");
    let is_quiet = !log.contains(" ERROR ") && !log.contains("panicked");
    ensure!(is_quiet, "the service logged:\n{log}");
    let count: u64 = answers.values().flat_map(BTreeMap::values).sum();
    Ok(format!("{cases} rounds of {operations} operations, {count} answers, seed {seed}"))
}

#[tokio::test]
async fn every_answer_is_one_that_the_document_knows_on_sqlite() -> Result<()> {
    let Some(tester) = Tester::find().await? else { return Ok(()) };
    println!("campaign: {}", campaign(&tester, &Database::Sqlite).await?);
    Ok(())
}

#[tokio::test]
async fn every_answer_is_one_that_the_document_knows_on_postgres() -> Result<()> {
    let Some(tester) = Tester::find().await? else { return Ok(()) };
    let Some(database) = Database::postgres_from_env()? else { return Ok(()) };
    println!("campaign: {}", campaign(&tester, &database).await?);
    Ok(())
}
