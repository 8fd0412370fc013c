//! The part that reads: lists by several filters, of several lengths, from several places.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::de::IgnoredAny;
use tokio::task::JoinSet;

use super::super::measure::Samples;
use super::scene::{PER_PERIOD, Scene};
use super::wire::Wire;

/// Of so many answers one is parsed and counted.
const LOOKED_AT: usize = 50;

/// A kind of list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// A path of this kind, anywhere in the run, and how many rows it answers with.
    path: fn(&Scene, rows: usize) -> (String, usize),
}

const fn shape(
    key: &'static str,
    title: &'static str,
    path: fn(&Scene, usize) -> (String, usize),
) -> Shape {
    Shape { key, title, path }
}

/// All kinds, from the one that players' pages ask for most to the one that people ask for.
pub(super) const SHAPES: [Shape; 6] = [
    shape("list_one", "lists by period, role and name (1 row)", |scene, rows| {
        let (period, role, name) = scene.row(rand::random_range(0..rows));
        (format!("decisions/?period={period}&role={role}&name=decision%20{name}"), 1)
    }),
    shape("list_period", "lists by period (20 rows)", |scene, rows| {
        let (period, ..) = scene.row(whole_period(rows));
        (format!("decisions/?period={period}"), PER_PERIOD)
    }),
    shape("list_role", "lists by period and role (10 rows)", |scene, rows| {
        let (period, role, _) = scene.row(whole_period(rows));
        (format!("decisions/?period={period}&role={role}"), PER_PERIOD / 2)
    }),
    shape("list_scenario", "pages by scenario (100 rows)", |scene, rows| {
        let whole = (rows / Scene::first_row(1)).max(1);
        let scenario = &scene.scenarios[rand::random_range(0..whole)];
        let pages = (scenario.periods.len() * PER_PERIOD).min(rows) / 100;
        let page = rand::random_range(1..=pages.max(1));
        (format!("decisions/?scenario={}&page_size=100&page={page}", scenario.pk), 100)
    }),
    shape("list_run", "pages of the whole run (500 rows)", |scene, rows| {
        let page = rand::random_range(1..=rows / 500);
        (format!("decisions/?run={}&page_size=500&page={page}", scene.run), 500)
    }),
    shape("list_newest", "the run's newest (50 rows, sorted by -created)", |scene, _| {
        (format!("decisions/?run={}&ordering=-created&page_size=50", scene.run), 50)
    }),
];

/// A row in a period that is full.
fn whole_period(rows: usize) -> usize {
    rand::random_range(0..rows / PER_PERIOD) * PER_PERIOD
}

/// Reads lists of one kind with so many clients until the time is over.
pub(super) async fn lists(
    scene: &Arc<Scene>,
    shape: Shape,
    rows: usize,
    clients: usize,
    length: Duration,
) -> Result<Samples> {
    let end = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let scene = Arc::clone(scene);
        tasks.spawn(async move {
            let mut wire = Wire::open(&scene.target).await?;
            let mut latency = Samples::default();
            for turn in 0.. {
                if Instant::now() >= end {
                    break;
                }
                let (path, expected) = (shape.path)(&scene, rows);
                let start = Instant::now();
                let reply = wire.call("GET", &path, b"").await?;
                latency.push(start.elapsed());
                reply.expect(200)?;
                if turn % LOOKED_AT == 0 {
                    let found: Vec<IgnoredAny> = serde_json::from_slice(reply.body)
                        .with_context(|| format!("reading `{path}`"))?;
                    let found = found.len();
                    ensure!(found == expected, "`{path}`: {found} rows, not {expected}");
                }
            }
            anyhow::Ok(latency)
        });
    }
    let mut latency = Samples::default();
    while let Some(samples) = tasks.join_next().await {
        latency.extend(samples??);
    }
    Ok(latency)
}
