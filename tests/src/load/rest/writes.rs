//! The parts that write: one decision per request, many per request, and units of work.
//!
//! Every client keeps to rows of its own and waits for each answer before it goes on. Whatever is
//! not acknowledged ends the run, so afterwards everything that was sent has been acknowledged.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use super::super::measure::Samples;
use super::scene::Scene;
use super::wire::Wire;

/// What the clients of one part did.
#[derive(Debug)]
pub(super) struct Done<T> {
    /// Per client, in their order, what it left behind.
    pub(super) clients: Vec<T>,
    pub(super) latency: Samples,
}

/// Creates one decision per request until the time is over; clients answer with their counts.
pub(super) async fn singles(scene: &Arc<Scene>, length: Duration) -> Result<Done<u64>> {
    let end = Instant::now() + length;
    on_all(scene, scene.singles.len(), |scene, client| async move {
        let mut wire = Wire::open(&scene.target).await?;
        let (period, mut body) = (scene.singles[client].period, Vec::new());
        let (mut count, mut latency) = (0, Samples::default());
        while Instant::now() < end {
            body.clear();
            let role = scene.roles[(count % 2) as usize];
            decision(&mut body, period, role, &format!("single {count}"), count)?;
            let start = Instant::now();
            wire.call("POST", "decisions/", &body).await?.expect(201)?;
            latency.push(start.elapsed());
            count += 1;
        }
        Ok((count, latency))
    })
    .await
}

/// Creates users with passwords of their own in one request.
pub(super) async fn users(scene: &Scene, count: usize) -> Result<Samples> {
    let mut body = Vec::new();
    for index in 0..count {
        body.push(if index == 0 { b'[' } else { b',' });
        let email = format!("student{index}@bench.test");
        write!(
            body,
            r#"{{"email":"{email}","first_name":"Student","password":"secret {index}"}}"#
        )?;
    }
    body.push(b']');
    let (mut wire, mut latency) = (Wire::open(&scene.target).await?, Samples::default());
    let start = Instant::now();
    wire.call("POST", "bulk/users/", &body).await?.expect(201)?;
    latency.push(start.elapsed());
    Ok(latency)
}

/// Creates decisions by the batch until so many are there.
pub(super) async fn bulk(
    scene: &Arc<Scene>,
    rows: usize,
    batch: usize,
    clients: usize,
) -> Result<Samples> {
    let next = Arc::new(AtomicUsize::new(0));
    let done = on_all(scene, clients, move |scene, _| {
        let next = Arc::clone(&next);
        async move {
            let mut wire = Wire::open(&scene.target).await?;
            let (mut latency, mut body) = (Samples::default(), Vec::new());
            loop {
                let from = next.fetch_add(batch, Ordering::Relaxed);
                if from >= rows {
                    return Ok(((), latency));
                }
                body.clear();
                for index in from..rows.min(from + batch) {
                    body.push(if index == from { b'[' } else { b',' });
                    let (period, role, name) = scene.row(index);
                    decision(&mut body, period, role, &format!("decision {name}"), index as u64)?;
                }
                body.push(b']');
                let start = Instant::now();
                wire.call("POST", "bulk/decisions/", &body).await?.expect(201)?;
                latency.push(start.elapsed());
            }
        }
    });
    Ok(done.await?.latency)
}

/// Plays rounds until the time is over, each a unit of work: both decisions, their result and the
/// next period. Clients answer with their periods, of which the last has nothing in it yet.
pub(super) async fn units(scene: &Arc<Scene>, length: Duration) -> Result<Done<Vec<u64>>> {
    let end = Instant::now() + length;
    on_all(scene, scene.units.len(), |scene, client| async move {
        let mut wire = Wire::open(&scene.target).await?;
        let seat = scene.units[client];
        let (mut periods, mut latency) = (vec![seat.period], Samples::default());
        let mut period = seat.period;
        let mut body = Vec::new();
        while Instant::now() < end {
            body.clear();
            round(&mut body, &scene, seat.scenario, period, periods.len())?;
            let start = Instant::now();
            let reply = wire.call("POST", "units/", &body).await?;
            reply.expect(200)?;
            period = next_period(reply.body)?;
            latency.push(start.elapsed());
            periods.push(period);
        }
        Ok((periods, latency))
    })
    .await
}

fn decision(
    body: &mut Vec<u8>,
    period: u64,
    role: u64,
    name: &str,
    operand: u64,
) -> std::io::Result<()> {
    write!(
        body,
        r#"{{"period":{period},"role":{role},"name":"{name}","data":{{"operand":{operand}}}}}"#
    )
}

/// The unit of work of a scenario's round; both operands are the round's number.
fn round(
    body: &mut Vec<u8>,
    scene: &Scene,
    scenario: u64,
    period: u64,
    round: usize,
) -> std::io::Result<()> {
    body.extend_from_slice(br#"{"operations":["#);
    for role in scene.roles {
        write!(
            body,
            r#"{{"op":"upsert","resource":"decision","key":{{"period":{period},"role":{role},"name":"decision"}},"fields":{{"data":{{"operand":{round}}}}}}},"#
        )?;
    }
    let next = round + 1;
    write!(
        body,
        r#"{{"op":"create","resource":"result","fields":{{"period":{period},"name":"result","data":{{"quotient":1}}}}}},{{"op":"create","resource":"period","ref":1,"fields":{{"scenario":{scenario},"order":{next}}}}}]}}"#
    )
}

/// The pk of the new period in the answer to a unit of work, found without parsing the rest.
fn next_period(answer: &[u8]) -> Result<u64> {
    let text = std::str::from_utf8(answer).context("an answer that is no text")?;
    let pk = text.split_once(r#""references":{"1":"#).and_then(|(_, rest)| {
        let end = rest.find('}')?;
        rest[..end].parse().ok()
    });
    pk.with_context(|| format!("no reference in `{}`", &text[..text.len().min(200)]))
}

/// Lets so many clients work at the same time and collects what they leave behind.
async fn on_all<T, F>(
    scene: &Arc<Scene>,
    clients: usize,
    work: impl Fn(Arc<Scene>, usize) -> F,
) -> Result<Done<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<(T, Samples)>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let work = work(Arc::clone(scene), client);
        tasks.spawn(async move { work.await.map(|done| (client, done)) });
    }
    let (mut all, mut latency) = (Vec::new(), Samples::default());
    while let Some(done) = tasks.join_next().await {
        let (client, (left, samples)) = done??;
        all.push((client, left));
        latency.extend(samples);
    }
    all.sort_by_key(|(client, _)| *client);
    Ok(Done { clients: all.into_iter().map(|(_, left)| left).collect(), latency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_period_is_the_reference_of_the_answer() {
        let answer = br#"{"seq":9,"references":{"1":4711},"replayed":null,"objects":[]}"#;
        assert_eq!(next_period(answer).unwrap(), 4711);
        assert!(next_period(br#"{"references":{}}"#).is_err());
    }

    #[test]
    fn bodies_are_json() {
        let mut body = Vec::new();
        decision(&mut body, 1, 2, "single 3", 4).unwrap();
        let decision: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(decision["data"]["operand"], 4);
    }
}
