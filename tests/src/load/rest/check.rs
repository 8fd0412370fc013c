//! Reads everything back: every acknowledged row is there once, as it was sent, and no other.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::scene::{PER_PERIOD, Scene};
use super::wire::Wire;

/// The longest page that the service gives.
const PAGE: usize = 5000;

/// What must be there.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    /// Rows of the bulk part.
    pub(super) rows: usize,
    /// Per client, how many single creations it made.
    pub(super) singles: &'a [u64],
    /// Per client, the periods of its units of work; the last has nothing in it yet.
    pub(super) units: &'a [Vec<u64>],
}

/// A decision, as far as it is compared.
#[derive(Debug, Deserialize)]
struct Decision {
    period: u64,
    role: u64,
    name: String,
    data: Operand,
}

#[derive(Debug, Deserialize)]
struct Operand {
    operand: u64,
}

/// What is compared of a result or of a period.
#[derive(Debug, Deserialize)]
struct Other {
    id: u64,
    #[serde(default)]
    period: u64,
}

impl Expected<'_> {
    /// How many decisions and results there must be in all.
    pub(super) fn count(&self) -> u64 {
        let rounds: usize = self.units.iter().map(|periods| periods.len() - 1).sum();
        (self.rows + 3 * rounds) as u64 + self.singles.iter().sum::<u64>()
    }

    /// Compares all of it; returns how many rows that were.
    pub(super) async fn check(&self, scene: &Scene) -> Result<u64> {
        let mut wire = Wire::open(&scene.target).await?;
        let mut count = 0;
        for scenario in 0..scene.scenarios.len() {
            count += self.bulk(scene, &mut wire, scenario).await.context("rows made in bulk")?;
        }
        for (client, made) in self.singles.iter().enumerate() {
            let check = singles(scene, &mut wire, client, *made);
            count += check.await.context("rows made one by one")?;
        }
        for (client, periods) in self.units.iter().enumerate() {
            let check = units(scene, &mut wire, client, periods);
            count += check.await.context("rows of units of work")?;
        }
        ensure!(count == self.count(), "{count} rows, not {}", self.count());
        Ok(count)
    }

    async fn bulk(&self, scene: &Scene, wire: &mut Wire, scenario: usize) -> Result<u64> {
        let (first, pks) = (Scene::first_row(scenario), &scene.scenarios[scenario]);
        let end = self.rows.min(first + pks.periods.len() * PER_PERIOD);
        let mut seen = vec![false; end - first];
        let path = format!("decisions/?scenario={}", pks.pk);
        each(wire, &path, |decision: Decision| {
            let index = usize::try_from(decision.data.operand)?;
            let (period, role, name) = scene.row(index.min(end - 1));
            ensure!(
                (decision.period, decision.role) == (period, role)
                    && decision.name.strip_prefix("decision ") == Some(&name.to_string()),
                "row {index} is {decision:?}"
            );
            let seen = seen.get_mut(index.wrapping_sub(first)).context("a stray row")?;
            ensure!(!std::mem::replace(seen, true), "row {index} is there twice");
            Ok(())
        })
        .await?;
        let missing = seen.iter().position(|seen| !seen);
        ensure!(missing.is_none(), "row {:?} is missing", missing.map(|index| first + index));
        Ok(seen.len() as u64)
    }
}

async fn singles(scene: &Scene, wire: &mut Wire, client: usize, count: u64) -> Result<u64> {
    let seat = scene.singles[client];
    let mut seen = HashSet::new();
    let path = format!("decisions/?scenario={}", seat.scenario);
    each(wire, &path, |decision: Decision| {
        let number = decision.data.operand;
        let (role, name) = (scene.roles[(number % 2) as usize], format!("single {number}"));
        ensure!(
            decision.period == seat.period && decision.role == role && decision.name == name,
            "creation {number} of client {client} is {decision:?}"
        );
        ensure!(number < count && seen.insert(number), "a stray row or a double: {decision:?}");
        Ok(())
    })
    .await?;
    let found = seen.len() as u64;
    ensure!(found == count, "{found} of {count} creations of client {client} are there");
    Ok(count)
}

async fn units(scene: &Scene, wire: &mut Wire, client: usize, periods: &[u64]) -> Result<u64> {
    let scenario = scene.units[client].scenario;
    let mut found = Vec::new();
    each(wire, &format!("periods/?scenario={scenario}"), |period: Other| {
        found.push(period.id);
        Ok(())
    })
    .await?;
    ensure!(found == periods, "the periods of client {client} are {found:?}, not {periods:?}");

    let rounds = &periods[..periods.len() - 1];
    let mut wanted: HashSet<(u64, u64, u64)> = HashSet::new();
    for (round, period) in rounds.iter().enumerate() {
        wanted.extend(scene.roles.map(|role| (*period, role, round as u64 + 1)));
    }
    each(wire, &format!("decisions/?scenario={scenario}"), |decision: Decision| {
        let key = (decision.period, decision.role, decision.data.operand);
        ensure!(wanted.remove(&key), "a stray row or a double: {decision:?}");
        Ok(())
    })
    .await?;
    ensure!(wanted.is_empty(), "these decisions are missing: {wanted:?}");
    let mut wanted: HashSet<u64> = rounds.iter().copied().collect();
    each(wire, &format!("results/?scenario={scenario}"), |result: Other| {
        ensure!(wanted.remove(&result.period), "a stray row or a double: {result:?}");
        Ok(())
    })
    .await?;
    ensure!(wanted.is_empty(), "the results of these periods are missing: {wanted:?}");
    Ok(3 * rounds.len() as u64)
}

/// Reads all pages of a list.
async fn each<T: DeserializeOwned>(
    wire: &mut Wire,
    path: &str,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    for page in 1.. {
        let path = format!("{path}&page_size={PAGE}&page={page}");
        let reply = wire.call("GET", &path, b"").await?;
        if page > 1 && reply.status == 404 {
            break;
        }
        reply.expect(200).with_context(|| format!("GET {path}"))?;
        let rows: Vec<T> =
            serde_json::from_slice(reply.body).with_context(|| format!("reading `{path}`"))?;
        let count = rows.len();
        rows.into_iter().try_for_each(&mut take)?;
        if count < PAGE {
            break;
        }
    }
    Ok(())
}
