//! The stand-in for the original Games API, held against traffic recorded with the original.

mod replay;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{DEADLINE, Original, Receiver, Rest};
use serde_json::{Value, json};

use replay::{Difference, Replay};

/// Where the answers are not as recorded: the position in `http-resources.json`, and why.
const KNOWN_DIFFERENCES: &[(usize, &str)] = &[
    (9, "the description of a resource is not made up"),
    (28, "a model service had been told something before the recording"),
    (122, "the run had been moved to another phase before the recording"),
    (126, "the run had been moved to another phase before the recording"),
    (129, "the run had been moved to another phase before the recording"),
    (446, "nobody listens where the recorded hooks point to"),
];

fn recorded(name: &str) -> Result<Vec<Value>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sim-games-server/tests/data");
    let path = dir.join(name);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("reading the recording `{}`", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// Plays recordings against a new stand-in, and tells how each differs.
async fn replayed(original: &Original, names: &[&str]) -> Result<Vec<Vec<Difference>>> {
    let mut replay = Replay::new(original.api_url())?;
    let mut differences = Vec::new();
    for name in names {
        differences.push(replay.play(&recorded(name)?).await?);
    }
    Ok(differences)
}

const SEED: &str = "http-01-create_default_env.json";
const SEED_AGAIN: &str = "http-02-create_default_env-again.json";
const SERVICE_START: &str = "http-03-service-start.json";
const RESOURCES: &str = "http-resources.json";

#[tokio::test]
async fn a_default_environment_and_a_model_service_get_the_recorded_answers() -> Result<()> {
    let original = Original::start().await?;
    for differences in replayed(&original, &[SEED, SEED_AGAIN, SERVICE_START]).await? {
        assert!(differences.is_empty(), "{differences:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_resource_gets_the_recorded_answers_defects_included() -> Result<()> {
    let original = Original::start().await?;
    let names = [SEED, SERVICE_START, RESOURCES];
    let found = replayed(&original, &names).await?.pop().unwrap_or_default();
    let is_known = |it: &&Difference| KNOWN_DIFFERENCES.iter().any(|(at, _)| *at == it.position);
    let surprises: Vec<_> = found.iter().filter(|it| !is_known(it)).collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    for (position, reason) in KNOWN_DIFFERENCES {
        assert!(
            found.iter().any(|it| it.position == *position),
            "{position} is the same: {reason}"
        );
    }
    Ok(())
}

/// An event as it can be compared: the ids in the order in which they first appear.
fn comparable(events: &[Value]) -> Vec<(String, usize, Value)> {
    let mut ids: BTreeMap<(String, u64), usize> = BTreeMap::new();
    let comparable = |event: &Value| {
        let name = event["event"].as_str().unwrap_or_default().to_owned();
        let resource = name.rsplit('.').nth(1).unwrap_or_default().to_owned();
        let known = ids.len();
        let id = event["data"]["id"].as_u64().unwrap_or_default();
        let id = *ids.entry((resource, id)).or_insert(known);
        (name, id, event["data"].get("run_active").cloned().unwrap_or_else(|| json!("none")))
    };
    events.iter().map(comparable).collect()
}

#[tokio::test]
async fn subscribers_are_told_the_recorded_events_parents_before_children() -> Result<()> {
    let original = Original::start().await?;
    replayed(&original, &[SEED]).await?;
    let before = original.events().len();
    let mut replay = Replay::new(original.api_url())?;
    replay.play(&recorded(RESOURCES)?).await?;
    let is_of_games_past = |event: &&Value| {
        let name = event["event"].as_str().unwrap_or_default();
        !["form", "my-new-game", "dl."].iter().any(|it| name.starts_with(it))
    };
    let told: Vec<Value> =
        original.events()[before..].iter().filter(is_of_games_past).cloned().collect();
    let recorded: Vec<Value> = serde_json::from_str(include_str!("../data/webhooks.json"))?;
    let (told, recorded) = (comparable(&told), comparable(&recorded));
    for (position, (told, recorded)) in told.iter().zip(&recorded).enumerate() {
        assert_eq!(told, recorded, "event {position}");
    }
    assert_eq!(told.len(), recorded.len());
    Ok(())
}

#[tokio::test]
async fn deliveries_come_unsigned_out_of_order_and_some_of_them_twice() -> Result<()> {
    let original = Original::start().await?;
    let mut receiver = Receiver::start().await?;
    let rest = Rest::staff(original.api_url())?;
    let hook = json!({"event": "many.*", "url": receiver.url("callback")});
    rest.create("hooks/", &hook).await?;
    let game = rest.create("games/", &json!({"name": "Many"})).await?;
    for number in 0..100 {
        rest.create("runs/", &json!({"game": game["id"], "name": number.to_string()})).await?;
    }
    original.lose_deliveries(1);
    rest.delete("games/many/").await?;
    // The deletion of the last run of a hundred is lost, the game's own is told.
    let told = original.events();
    let mut seen = std::collections::BTreeSet::new();
    let mut order = Vec::new();
    let wanted = told.len() - 1;
    receiver
        .wait_for(0, DEADLINE, |delivery| {
            assert_eq!(delivery.signature, None);
            let body: Value = serde_json::from_slice(&delivery.body).unwrap_or_default();
            order.push(body["ref"].to_string());
            seen.insert(body["ref"].to_string());
            seen.len() == wanted
        })
        .await?;
    assert!(order.len() > seen.len(), "nothing came twice");
    let mut events: Vec<Value> = Vec::new();
    for delivery in receiver.deliveries("callback") {
        let body: Value = serde_json::from_slice(&delivery.body)?;
        events.push(json!({"event": body["event"], "data": body["data"]}));
    }
    let positions = events.iter().map(|event| told.iter().position(|it| it == event));
    let positions: Vec<_> = positions.collect();
    assert!(positions.iter().all(Option::is_some), "something nobody did was told");
    assert!(!positions.is_sorted(), "everything came in order");
    Ok(())
}

#[tokio::test]
async fn it_goes_away_and_comes_back_with_its_rows() -> Result<()> {
    let mut original = Original::start().await?;
    let rest = Rest::staff(original.api_url())?;
    rest.create("games/", &json!({"name": "Kept"})).await?;
    original.stop().await;
    assert!(rest.get("games/kept/").await.is_err());
    original.start_again().await?;
    assert_eq!(rest.get("games/kept/").await?["name"], "Kept");
    Ok(())
}
