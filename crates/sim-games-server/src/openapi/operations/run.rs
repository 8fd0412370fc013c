//! The operations that tell all of a run.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::Operation;
use crate::export::ExportFormat;
use crate::openapi::examples::{self, TIME};
use crate::openapi::parameters::{self, query};
use crate::openapi::responses::Refused;
use crate::openapi::schemas::reference;
use crate::rest::{CHANGES_MOST, CHANGES_USUAL};

pub(super) fn export() -> Operation {
    let description = "Tells a run as it was at one moment, while it is read: `csv` has a row per \
                       decision and result, `jsonl` an object per line, and `zip` is a package \
                       with both and with every change that the journal tells of the run. Without \
                       `format` the first of them counts that `Accept` names, else `csv`. Staff \
                       only.";
    let names = ExportFormat::ALL.map(ExportFormat::name);
    let schema = json!({"type": "string", "enum": names, "default": ExportFormat::Csv.name()});
    let format = query("format", "In what form the run is told.", schema, json!("csv"));
    let content: Map<String, Value> = ExportFormat::ALL
        .into_iter()
        .map(|format| (format.media_type().to_owned(), exported(format)))
        .collect();
    let mut operation = Operation::new("Runs", "exportRun", "Export a run", description)
        .parameters([parameters::key(Resource::Run), format])
        .answer(StatusCode::OK, "The run.", &json!({}), &[], &["Content-Disposition"])
        .refused([Refused::Missing]);
    if let Some(response) = operation.response(StatusCode::OK) {
        response["content"] = Value::Object(content);
    }
    operation
}

fn exported(format: ExportFormat) -> Value {
    match format {
        ExportFormat::Csv => json!({
            "schema": {"type": "string"},
            "examples": {"table": {"value": table()}},
        }),
        ExportFormat::JsonLines => json!({
            "schema": {"type": "string"},
            "examples": {"lines": {"value": lines()}},
        }),
        ExportFormat::Zip => json!({"schema": {"type": "string", "format": "binary"}}),
    }
}

fn table() -> String {
    let rows = [
        "kind,id,run,world,scenario,period,role,player,name,value,data,created,updated".to_owned(),
        format!(
            "decision,1,default,World 1,World Scenario 1,1,Dividend,s1@div.edu,decision,5.0,\
             \"{{\"\"operand\"\":5.0}}\",{TIME},{TIME}"
        ),
        format!(
            "result,1,default,World 1,World Scenario 1,1,,,result,2.5,\
             \"{{\"\"quotient\"\":2.5}}\",{TIME},{TIME}"
        ),
    ];
    rows.map(|row| format!("{row}\r\n")).concat()
}

fn lines() -> String {
    let told =
        Resource::ALL.into_iter().filter(|it| !matches!(it, Resource::User | Resource::Hook));
    told.map(|resource| {
        let line = json!({"resource": resource.name(), "object": examples::object(resource)});
        format!("{line}\n")
    })
    .collect()
}

pub(super) fn audit() -> Operation {
    let description = "Answers who did what in a run, newest first, also when the run is gone. \
                       `Link` leads to what came before. Parameters that are not listed here are \
                       refused. Staff only.";
    let any = i64::MAX.unsigned_abs();
    let number = |name, what, schema, example| query(name, what, schema, json!(example));
    let key = json!({"type": "integer", "minimum": 0, "maximum": any});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": CHANGES_MOST,
                       "default": CHANGES_USUAL});
    let names = json!({"type": "string", "enum": Resource::ALL.map(Resource::name)});
    let what = "Only what happened to objects of this resource.";
    Operation::new("Runs", "auditRun", "Read the history of a run", description)
        .parameters([
            parameters::key(Resource::Run),
            number("before", "The number before which changes are wanted.", key.clone(), 12),
            number("limit", "The most changes.", limit, 1),
            number("actor", "Only what the user with this key did.", key, 1),
            query("resource", what, names, json!("decision")),
        ])
        .answer(
            StatusCode::OK,
            "What happened.",
            &json!({"type": "array", "items": reference("HistoryEntry")}),
            &[("history", json!([entry()]))],
            &["Link"],
        )
        .refused([Refused::Missing])
}

/// What is told of the first decision.
fn entry() -> Value {
    json!({
        "seq": 11,
        "at": TIME,
        "resource": "decision",
        "pk": 1,
        "action": "created",
        "actor": 1,
        "actor_email": "simpl@simpl.world",
        "cause": "POST /apis/decisions/",
        "data": examples::object(Resource::Decision),
    })
}
