//! The service keeps to its OpenAPI document, whatever a program of others makes of it.
//!
//! The variable `SOAK` asks for that many cases per operation, with another seed every time,
//! which the tester names when it finds something.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use black_box::{Answers, Rest, Service, Tester, Trial};
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

/// Makes the account that asks. Its key is one that nobody comes upon: it must not be deleted.
async fn account(rest: &Rest) -> Result<&'static str> {
    let filler = |number| {
        let fields = json!({"email": format!("filler{number}@div.edu")});
        json!({"op": "create", "resource": "user", "fields": fields})
    };
    let operations: Vec<Value> = (0..1000).map(filler).collect();
    let unit = json!({ "operations": operations });
    let stored = rest.send(reqwest::Method::POST, "units/", Some(&unit)).await?;
    ensure!(stored.status == 200, "the fillers were refused: {}", stored.body);
    let tester = json!({"email": "tester@div.edu", "password": "tester", "is_staff": true,
                        "is_superuser": true});
    rest.create("users/", &tester).await?;
    Ok("tester@div.edu:tester")
}

/// How many cases, from which seed, and how long that may take.
fn size() -> Result<(u32, u64, Duration)> {
    let Some(wanted) = std::env::var_os("SOAK") else {
        return Ok((20, 1, Duration::from_mins(5)));
    };
    let wanted = wanted.to_str().and_then(|text| text.parse().ok());
    let cases: u32 = wanted.context("the variable `SOAK` must be a number of cases")?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok((cases, seed, Duration::from_mins(5) + Duration::from_secs(20) * cases))
}

/// The operations that were never answered with success.
fn never_done(answers: &Answers) -> Vec<&String> {
    let succeeded = |(_, by_status): &(&String, &std::collections::BTreeMap<u16, u64>)| {
        by_status.keys().any(|status| (200..300).contains(status))
    };
    answers.iter().filter(|it| !succeeded(it)).map(|(operation, _)| operation).collect()
}

#[tokio::test]
async fn no_request_that_follows_from_the_document_is_answered_otherwise_than_documented()
-> Result<()> {
    let Some(tester) = Tester::find()? else { return Ok(()) };
    let (cases, seed, limit) = size()?;
    let service = Service::start(&["--no-seed"]).await?;
    let rest = Rest::staff(service.api_url())?;
    let document = rest.get("../openapi.json").await?;
    fill(&rest, &document).await?;
    let account = account(&rest).await?;
    let address = service.api_url().replace("/apis/", "/openapi.json");
    let trial = Trial { document: &address, account, cases, seed, limit };

    // What deletes comes last: what is gone tries nothing any more.
    let last = "/apis/units/";
    let mut answers =
        tester.run(&trial, &["--exclude-method", "DELETE", "--exclude-path", last]).await?;
    answers.extend(tester.run(&trial, &["--include-method", "DELETE"]).await?);
    answers.extend(tester.run(&trial, &["--include-path", last]).await?);

    let operations = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations: usize = operations.filter_map(Value::as_object).map(Map::len).sum();
    assert_eq!(answers.keys().filter(|name| name.contains('/')).count(), operations);
    let never_done = never_done(&answers);
    assert!(never_done.len() * 10 < operations, "hardly tried, never with success: {never_done:?}");
    let log = service.stderr().join("\n");
    assert!(!log.contains(" ERROR ") && !log.contains("panicked"), "the service logged:\n{log}");
    Ok(())
}
