//! Killed while events are delivered to subscribers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use black_box::{Database, Delivery, Receiver};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::journal::{self, Entry};
use super::victim::{SLUG, Victim, create};
use super::writers::{Desk, Kind, write};

/// What the clients of a round write, each a few times.
const CLIENTS: [Kind; 3] = [Kind::Bulk, Kind::Bulk, Kind::Unit];

/// Requests of each client in a round.
const REQUESTS: usize = 3;

/// How long the last events may take: several failed attempts lie before them.
const ARRIVAL: Duration = Duration::from_mins(2);

const SECRET: &str = "between us";

/// A subscription: the path that it is delivered to, and the events that it asks for.
struct Subscription {
    path: &'static str,
    event: String,
    is_signed: bool,
    /// The journal's number of the subscription itself; it gets what comes after.
    from: u64,
}

/// Kills the service so many times and returns a line that says what that was.
pub(crate) async fn campaign(database: &Database, rounds: u32) -> Result<String> {
    let mut victim = Victim::start(database).await?;
    let mut receiver = Receiver::start().await?;
    let subscriptions = subscribe(&victim, &receiver).await?;
    for round in 1..=rounds {
        let played = play(&mut victim, &mut receiver, round).await;
        played.with_context(|| format!("round {round} on {database}"))?;
    }
    let entries = journal::read(&victim.rest, 0).await?;
    let mut told = Vec::new();
    for subscription in &subscriptions {
        let expected = subscription.expected(&entries);
        let arrived = arrive(&mut receiver, subscription.path, &expected).await;
        let path = subscription.path;
        arrived.with_context(|| format!("waiting for the last event at `{path}`, {database}"))?;
        let deliveries = receiver.deliveries(path);
        subscription
            .check(&expected, &deliveries)
            .with_context(|| format!("deliveries to `{path}` on {database}"))?;
        told.push(format!("{path} {} ({} deliveries)", expected.len(), deliveries.len()));
    }
    let told = told.join(", ");
    Ok(format!("kill -9 during deliveries on {database}: {rounds} rounds, events to {told}"))
}

async fn subscribe(victim: &Victim, receiver: &Receiver) -> Result<Vec<Subscription>> {
    let wanted = [
        ("all", "*".to_owned(), false),
        ("decisions", format!("{SLUG}.decision.created"), true),
        ("results", format!("{SLUG}.result.*"), false),
    ];
    let mut all = Vec::new();
    for (path, event, is_signed) in wanted {
        let secret = is_signed.then_some(SECRET);
        let body = json!({"event": event, "url": receiver.url(path), "secret": secret});
        create(&victim.rest, "hooks/", body).await?;
        let entries = journal::read(&victim.rest, 0).await?;
        let from = entries.last().context("an empty journal")?.seq;
        all.push(Subscription { path, event, is_signed, from });
    }
    Ok(all)
}

/// Lets clients write, and kills after a random part of what is outstanding has arrived.
async fn play(victim: &mut Victim, receiver: &mut Receiver, round: u32) -> Result<()> {
    let before = receiver.deliveries("all");
    let newest = before.iter().map(seq).collect::<Result<Vec<_>>>()?.into_iter().max();
    let newest = newest.unwrap_or(0);
    let body = json!({"world": victim.world, "name": format!("round {round}")});
    let scenario = create(&victim.rest, "scenarios/", body).await?;
    let body = json!({"scenario": scenario, "order": 1});
    let period = create(&victim.rest, "periods/", body).await?;
    let desk = Desk { round, scenario, period, roles: victim.roles };
    let (acknowledged, mut count_down) = mpsc::channel(1024);
    let mut clients = JoinSet::new();
    for (client, kind) in CLIENTS.into_iter().enumerate() {
        let (rest, acknowledged) = (victim.rest.clone(), acknowledged.clone());
        clients.spawn(write(rest, kind, desk, client, REQUESTS, acknowledged));
    }
    drop(acknowledged);
    for _ in 0..rand::random_range(1..=CLIENTS.len() * REQUESTS) {
        count_down.recv().await.context("the clients stopped writing")?;
    }
    let outstanding = journal::read(&victim.rest, newest).await?.len() as u64;
    let wanted = newest + rand::random_range(1..=outstanding);
    let is_enough = |delivery: &Delivery| {
        delivery.path == "/all" && seq(delivery).is_ok_and(|seq| seq >= wanted)
    };
    receiver.wait_for(before.len(), ARRIVAL, is_enough).await.context("waiting for events")?;
    victim.kill_soon(&mut count_down).await?;
    while count_down.recv().await.is_some() {}
    while let Some(sent) = clients.join_next().await {
        sent??;
    }
    victim.restart().await
}

/// Waits until the last expected event has arrived at a path.
async fn arrive(
    receiver: &mut Receiver,
    path: &str,
    expected: &BTreeMap<u64, (&Entry, String)>,
) -> Result<()> {
    let Some(last) = expected.keys().last() else { return Ok(()) };
    let is_last = |delivery: &Delivery| {
        delivery.path.strip_prefix('/') == Some(path) && seq(delivery).is_ok_and(|it| it == *last)
    };
    receiver.wait_for(0, ARRIVAL, is_last).await
}

fn seq(delivery: &Delivery) -> Result<u64> {
    let body: Value = serde_json::from_slice(&delivery.body).context("a body that is no JSON")?;
    body["seq"].as_u64().with_context(|| format!("no `seq` in `{body}`"))
}

impl Subscription {
    /// The entries that must be delivered, with their events' names.
    fn expected<'a>(&self, entries: &'a [Entry]) -> BTreeMap<u64, (&'a Entry, String)> {
        let mut expected = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.seq > self.from) {
            let event = entry.event(SLUG).filter(|event| match self.event.strip_suffix('*') {
                Some(beginning) => event.starts_with(beginning),
                None => *event == self.event,
            });
            if let Some(event) = event {
                expected.insert(entry.seq, (entry, event));
            }
        }
        expected
    }

    /// Checks that each delivery is followed by that of the next event, except where a restart
    /// led back to an earlier one, up to the last event.
    fn check(
        &self,
        expected: &BTreeMap<u64, (&Entry, String)>,
        deliveries: &[Delivery],
    ) -> Result<()> {
        let order: BTreeMap<u64, usize> = expected.keys().copied().zip(0..).collect();
        let (mut next, mut furthest) = (0, 0);
        for delivery in deliveries {
            let body: Value = serde_json::from_slice(&delivery.body)?;
            let seq = seq(delivery)?;
            let (entry, event) = expected.get(&seq).with_context(|| format!("stray: {body}"))?;
            let (reference, data) = (&entry.reference, &entry.data);
            let whole = json!({"event": event, "ref": reference, "data": data, "seq": seq});
            ensure!(body == whole, "{body} instead of {whole}");
            let signature = self.is_signed.then(|| signature(&delivery.body));
            ensure!(delivery.signature == signature, "signed with {:?}", delivery.signature);
            ensure!(order[&seq] <= next, "event {seq} came before an earlier one");
            next = order[&seq] + 1;
            furthest = furthest.max(next);
        }
        ensure!(furthest == expected.len(), "{furthest} of {} events came", expected.len());
        Ok(())
    }
}

/// What a delivery with the secret must be signed with.
fn signature(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").expect("a text takes whatever is written");
    }
    text
}
