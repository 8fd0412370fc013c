//! The history of a run, and its export over HTTP.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PLAYER, STAFF, Service};

#[tokio::test]
async fn the_history_tells_who_did_what_newest_first() {
    let service = Service::start().await;
    let decision = json!({"name": "decision", "period": 1, "data": {"operand": 1}});
    service.staff("POST", "decisions/", decision).await;
    service.staff("PATCH", "decisions/1/", json!({"data": {"operand": 2}})).await;
    let history = service.get("runs/1/audit/").await;
    let entries = history.body.as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|it| (&it["action"], &it["resource"])).collect();
    assert_eq!(told[0], (&json!("changed"), &json!("decision")));
    assert_eq!(told[1], (&json!("created"), &json!("decision")));
    assert_eq!(told.last().unwrap(), &(&json!("created"), &json!("run")));
    let newest = &entries[0];
    assert_eq!(newest["actor_email"], json!("simpl@simpl.world"));
    assert_eq!(newest["cause"], json!("PATCH /apis/decisions/1/"));
    assert_eq!(newest["data"]["data"], json!({"operand": 2}));
    assert!(newest["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_history_is_read_in_pages_and_by_filters() {
    let service = Service::start().await;
    let mut path = "runs/1/audit/?limit=2".to_owned();
    let mut numbers = Vec::new();
    loop {
        let page = service.get(&path).await;
        numbers.extend(page.body.as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()));
        let link = page.header("link").to_owned();
        let Some((_, rest)) = link.split_once("/apis/") else { break };
        path = rest.split('>').next().unwrap().to_owned();
    }
    let whole = service.get("runs/1/audit/").await;
    let all: Vec<u64> =
        whole.body.as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, all);
    assert_eq!(service.get("runs/1/audit/?resource=world").await.body.as_array().unwrap().len(), 1);
    assert_eq!(service.get("runs/1/audit/?actor=1").await.body, json!([]));
    for wrong in ["resource=worlds", "limit=0", "before=x", "since=1"] {
        let answer = service.get(&format!("runs/1/audit/?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn the_history_outlives_the_run() {
    let service = Service::start().await;
    service.staff("DELETE", "runs/1/", Value::Null).await;
    let history = service.get("runs/1/audit/?limit=1").await;
    assert_eq!(history.body[0]["action"], json!("deleted"));
    assert_eq!(service.get("runs/2/audit/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_export_comes_in_the_form_that_is_asked_for() {
    let service = Service::start().await;
    let csv = service.get("runs/1/export/").await;
    assert_eq!(csv.status, StatusCode::OK);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"run-1.csv\"");
    let lines = service.get("runs/1/export/?format=jsonl").await;
    assert_eq!(lines.header("content-type"), "application/jsonl");
    let accepting = super::request("GET", "runs/1/export/")
        .header("authorization", super::basic(STAFF))
        .header("accept", "application/zip, */*;q=0.1")
        .body(axum::body::Body::empty());
    let zip = service.send(accepting.unwrap()).await;
    assert_eq!(zip.header("content-type"), "application/zip");
    let head = service.staff("HEAD", "runs/1/export/?format=zip", Value::Null).await;
    assert_eq!((head.status, head.header("content-type")), (StatusCode::OK, "application/zip"));
}

#[tokio::test]
async fn exports_and_histories_are_for_staff_and_of_runs_that_exist() {
    let service = Service::start().await;
    for path in ["runs/1/export/", "runs/1/audit/"] {
        let answer = service.call(PLAYER, "GET", path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(service.staff("POST", path, json!({})).await.status, 405, "{path}");
    }
    for path in ["runs/9/export/", "runs/x/export/", "runs/x/audit/"] {
        assert_eq!(service.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let wrong = service.get("runs/1/export/?format=pdf").await;
    assert_eq!(wrong.body, json!({"format": ["Choose one of csv, jsonl and zip."]}));
}
