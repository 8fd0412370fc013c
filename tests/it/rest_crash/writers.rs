//! Clients that write in bulk and by units of work, and know what was acknowledged to them.

use anyhow::{Result, ensure};
use black_box::Rest;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

/// The most rows of one bulk request.
const MOST: usize = 60;

/// Where the clients of a round write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk {
    pub(crate) round: u32,
    pub(crate) scenario: u64,
    pub(crate) period: u64,
    pub(crate) roles: [u64; 2],
}

/// What a client writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Arrays of decisions.
    Bulk,
    /// Units of work: decisions, a result, a period, and a decision in it.
    Unit,
}

/// One request. Every row that it makes carries its label and a number of its own.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) rows: usize,
    pub(crate) acknowledged: bool,
    body: Value,
}

impl Sent {
    fn new(kind: Kind, desk: Desk, client: usize, number: usize) -> Self {
        let label = format!("{}.{client}.{number}", desk.round);
        let (body, rows) = match kind {
            Kind::Bulk => bulk(desk, &label),
            Kind::Unit => unit(desk, &label, (client * 100_000 + number + 2) as u64),
        };
        Self { label, kind, rows, acknowledged: false, body }
    }

    /// Sends the request; nothing when there is no answer.
    pub(crate) async fn send(&self, rest: &Rest) -> Result<Option<Value>> {
        let (path, status) = match self.kind {
            Kind::Bulk => ("bulk/decisions/", 201),
            Kind::Unit => ("units/", 200),
        };
        let Ok(reply) = rest.send(Method::POST, path, Some(&self.body)).await else {
            return Ok(None);
        };
        let shown = &reply.body;
        ensure!(reply.status == status, "{}: {} {shown}", self.label, reply.status);
        Ok(Some(reply.body))
    }
}

/// Sends request after request until the service is gone or so many are done, telling of each that
/// was acknowledged.
pub(crate) async fn write(
    rest: Rest,
    kind: Kind,
    desk: Desk,
    client: usize,
    most: usize,
    acknowledged: Sender<()>,
) -> Result<Vec<Sent>> {
    let mut all = Vec::new();
    for number in 0..most {
        let mut sent = Sent::new(kind, desk, client, number);
        sent.acknowledged = sent.send(&rest).await?.is_some();
        all.push(sent);
        if !all[number].acknowledged {
            break;
        }
        // When nobody counts any more, the acknowledgement is good all the same.
        acknowledged.send(()).await.ok();
    }
    Ok(all)
}

/// What identifies a row: the request that made it and its number there.
fn mark(label: &str, row: usize) -> Value {
    json!({"request": label, "row": row})
}

fn bulk(desk: Desk, label: &str) -> (Value, usize) {
    let count = rand::random_range(1..=MOST);
    let decision = |row: usize| {
        let (name, role) = (format!("{label} {row}"), desk.roles[row % 2]);
        json!({"period": desk.period, "role": role, "name": name, "data": mark(label, row)})
    };
    ((0..count).map(decision).collect(), count)
}

fn unit(desk: Desk, label: &str, order: u64) -> (Value, usize) {
    let upsert = |row: usize, period: Value| {
        let (name, role) = (format!("{label} {row}"), desk.roles[row % 2]);
        let key = json!({"period": period, "role": role, "name": name});
        json!({"op": "upsert", "resource": "decision", "key": key,
               "fields": {"data": mark(label, row)}})
    };
    let result = json!({"period": desk.period, "name": label, "data": mark(label, 2)});
    let period = json!({"scenario": desk.scenario, "order": order, "data": mark(label, 3)});
    let operations = json!([
        upsert(0, desk.period.into()),
        upsert(1, desk.period.into()),
        {"op": "create", "resource": "result", "fields": result},
        {"op": "create", "resource": "period", "ref": 1, "fields": period},
        upsert(4, json!({"$ref": 1})),
    ]);
    let idempotency = json!({"scope": "rest-crash", "key": label});
    (json!({"operations": operations, "idempotency": idempotency}), 5)
}
