//! Exports.

use std::collections::BTreeMap;
use std::io::Read;

use futures_util::StreamExt;
use serde_json::{Value, json};
use sim_games_types::{Operation, Record, Resource, RunPk};

use super::fixture::{Open, create, fresh, small_game, unit};
use crate::{ExportFormat, GamesApi};

/// An export as a whole.
async fn export(api: &GamesApi, format: ExportFormat) -> Vec<u8> {
    let mut pieces = api.export(RunPk(1), format).await.unwrap().unwrap();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        whole.extend_from_slice(&piece.unwrap());
    }
    whole
}

/// Decisions of the first period: one of a role, one of none, one that a spreadsheet could mistake.
fn decisions() -> Vec<Operation> {
    let tricky = json!({"word": "=1+1", "text": "a \"quoted\", line\nbreak"});
    [
        json!({"name": "decision", "period": 1, "role": 1, "data": {"operand": 2.5}}),
        json!({"name": "=cmd", "period": 1, "data": tricky}),
    ]
    .map(|fields| create(Resource::Decision, fields, None))
    .into()
}

pub(super) async fn a_table_has_a_row_per_decision_and_result_with_where_it_stands(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.commit(unit(decisions())).await.unwrap();
    let result = json!({"name": "result", "period": 1, "data": {"quotient": 5}});
    api.commit(unit([create(Resource::Result, result, None)])).await.unwrap();
    let table = export(&api, ExportFormat::Csv).await;
    let mut reader = csv::Reader::from_reader(table.as_slice());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 3);
    let cells = |row: usize, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| rows[row][*name].clone()).collect()
    };
    let place = ["kind", "run", "world", "scenario", "period", "role", "player", "name", "value"];
    assert_eq!(
        cells(0, &place),
        ["decision", "default", "World 1", "S", "1", "Divisor", "s1@div.edu", "decision", "2.5"]
    );
    assert_eq!(
        cells(1, &place),
        ["decision", "default", "World 1", "S", "1", "", "", "'=cmd", ""],
        "no formula, nobody's role"
    );
    assert!(rows[1]["data"].contains("a \\\"quoted\\\", line\\nbreak"), "{}", rows[1]["data"]);
    assert_eq!(cells(2, &["kind", "value", "data"]), ["result", "5", "{\"quotient\":5}"]);
    assert!(rows[2]["created"].ends_with('Z'));
    api.close().await;
}

pub(super) async fn lines_hold_every_object_as_the_interface_represents_it(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.commit(unit(decisions())).await.unwrap();
    let private = json!({"name": "Own", "runuser": 1});
    let alone = json!({"user": 1, "run": 1, "leader": true});
    let world = json!({"name": "World 2", "run": 1, "external_ids": [[1, 2]]});
    api.commit(unit([
        create(Resource::Scenario, private, None),
        create(Resource::RunUser, alone, None),
        create(Resource::World, world, None),
    ]))
    .await
    .unwrap();
    let lines = String::from_utf8(export(&api, ExportFormat::JsonLines).await).unwrap();
    let told: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let snapshot = api.load_run(RunPk(1)).await.unwrap().unwrap();
    let game = api.load_game("div").await.unwrap().unwrap();
    let all = [game.game].into_iter().chain(game.phases).chain(game.roles).chain(snapshot.objects);
    let expected: Vec<Value> = all
        .map(|stored| {
            let object: Value = serde_json::from_str(&stored.json).unwrap();
            json!({"resource": stored.record.resource(), "object": object})
        })
        .collect();
    assert_eq!(told, expected);
    for line in told {
        let resource: Resource = serde_json::from_value(line["resource"].clone()).unwrap();
        Record::from_json(resource, &line["object"].to_string()).unwrap();
    }
    api.close().await;
}

pub(super) async fn a_package_holds_the_table_the_lines_and_the_journal(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.commit(unit(decisions())).await.unwrap();
    let package = export(&api, ExportFormat::Zip).await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(package)).unwrap();
    let mut file = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let table = export(&api, ExportFormat::Csv).await;
    assert_eq!(file("decisions_and_results.csv").into_bytes(), table);
    let lines = export(&api, ExportFormat::JsonLines).await;
    assert_eq!(file("objects.jsonl").into_bytes(), lines);
    let journal = file("journal.jsonl");
    let actions: Vec<String> = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|change| format!("{} {}", change["action"].as_str().unwrap(), change["resource"]))
        .collect();
    assert_eq!(actions.len(), 7, "the run and what is below it: {actions:?}");
    assert!(file("README.txt").contains("journal.jsonl"));
    api.close().await;
}

pub(super) async fn more_rows_than_a_page_are_exported_once_each(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let operations: Vec<Operation> = (0..4500)
        .map(|number| {
            let fields = json!({"name": format!("d{number}"), "period": 1, "data": number});
            create(Resource::Decision, fields, None)
        })
        .collect();
    api.commit(unit(operations)).await.unwrap();
    let table = String::from_utf8(export(&api, ExportFormat::Csv).await).unwrap();
    let mut names: Vec<&str> =
        table.lines().skip(1).map(|line| line.split(',').nth(8).unwrap()).collect();
    assert_eq!(names.len(), 4500);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4500);
    api.close().await;
}

pub(super) async fn an_export_that_nobody_takes_ends(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let large = "x".repeat(900_000);
    for name in ["a", "b", "c"] {
        let fields = json!({"name": name, "period": 1, "data": large});
        api.commit(unit([create(Resource::Decision, fields, None)])).await.unwrap();
    }
    // More than may be made at a time, if those that were dropped went on.
    for _ in 0..6 {
        let export = api.export(RunPk(1), ExportFormat::Csv).await.unwrap().unwrap();
        drop(export);
    }
    assert!(api.export(RunPk(7), ExportFormat::Csv).await.unwrap().is_none());
    api.close().await;
}
