//! What must be there before the first decision: a run with worlds, scenarios and periods.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Target, Wire};

/// Decisions of the bulk part in one period: ten names for each of two roles.
pub(super) const PER_PERIOD: usize = 20;

/// Periods of the bulk part in one scenario.
const PER_SCENARIO: usize = 500;

/// Objects that are made by one request.
const BATCH: usize = 1000;

/// A run in which nothing was decided yet.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) target: Target,
    pub(super) run: u64,
    pub(super) roles: [u64; 2],
    /// The scenarios of the bulk part.
    pub(super) scenarios: Vec<Scenario>,
    /// Where each client makes its single creations.
    pub(super) singles: Vec<Seat>,
    /// Where each client makes its units of work.
    pub(super) units: Vec<Seat>,
}

/// A scenario of the bulk part.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) pk: u64,
    pub(super) periods: Vec<u64>,
}

/// A scenario with its only period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) scenario: u64,
    pub(super) period: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Created {
    id: u64,
}

impl Scene {
    /// Makes the run, with periods enough for so many rows in bulk and so many clients.
    pub(super) async fn make(target: Target, rows: usize, clients: usize) -> Result<Self> {
        let mut wire = Wire::open(&target).await?;
        // No service plays this game, so that nobody follows what is stored but the journal.
        let game = json!({"name": "Benchmark", "slug": "benchmark"});
        let game = one(&mut wire, "games/", &game).await?;
        let mut roles = [0; 2];
        for (role, name) in roles.iter_mut().zip(["Dividend", "Divisor"]) {
            *role = one(&mut wire, "roles/", &json!({"game": game, "name": name})).await?;
        }
        let run = one(&mut wire, "runs/", &json!({"game": game, "name": "run"})).await?;

        let count = rows.div_ceil(PER_PERIOD);
        let bulk = count.div_ceil(PER_SCENARIO);
        let worlds = (0..bulk + 2 * clients)
            .map(|world| json!({"run": run, "name": format!("World {world}")}))
            .collect();
        let worlds = many(&mut wire, "worlds", worlds).await?;
        let scenarios =
            worlds.iter().map(|world| json!({"world": world, "name": "Scenario"})).collect();
        let scenarios = many(&mut wire, "scenarios", scenarios).await?;
        let (bulk_pks, seat_pks) = scenarios.split_at(bulk);

        let place = |period| (bulk_pks[period / PER_SCENARIO], period % PER_SCENARIO + 1);
        let first = |scenario: &u64| (*scenario, 1);
        let periods: Vec<Value> = (0..count)
            .map(place)
            .chain(seat_pks.iter().map(first))
            .map(|(scenario, order)| json!({"scenario": scenario, "order": order}))
            .collect();
        let periods = many(&mut wire, "periods", periods).await?;
        let (bulk_periods, seat_periods) = periods.split_at(count);
        let scenarios = bulk_pks
            .iter()
            .zip(bulk_periods.chunks(PER_SCENARIO))
            .map(|(pk, periods)| Scenario { pk: *pk, periods: periods.to_vec() })
            .collect();
        let seats = seat_pks.iter().zip(seat_periods);
        let mut singles: Vec<Seat> =
            seats.map(|(scenario, period)| Seat { scenario: *scenario, period: *period }).collect();
        let units = singles.split_off(clients);
        Ok(Self { target, run, roles, scenarios, singles, units })
    }

    /// The period, role and name of a row of the bulk part, of which there are many thousands.
    pub(super) fn row(&self, index: usize) -> (u64, u64, usize) {
        let (period, place) = (index / PER_PERIOD, index % PER_PERIOD);
        let scenario = &self.scenarios[period / PER_SCENARIO];
        (scenario.periods[period % PER_SCENARIO], self.roles[place % 2], place / 2)
    }

    /// The first row of a scenario of the bulk part.
    pub(super) fn first_row(scenario: usize) -> usize {
        scenario * PER_SCENARIO * PER_PERIOD
    }
}

async fn one(wire: &mut Wire, path: &str, body: &Value) -> Result<u64> {
    wire.create(path, body).await.map(|created: Created| created.id)
}

/// Creates objects in batches and returns their pks.
async fn many(wire: &mut Wire, collection: &str, objects: Vec<Value>) -> Result<Vec<u64>> {
    let mut pks = Vec::with_capacity(objects.len());
    for batch in objects.chunks(BATCH) {
        let path = format!("bulk/{collection}/");
        let created: Vec<Created> = wire
            .create(&path, &batch.to_vec().into())
            .await
            .with_context(|| format!("setting {collection} up"))?;
        pks.extend(created.iter().map(|created| created.id));
    }
    Ok(pks)
}
