//! A model test: whatever happens in a run, in whatever order, the tree is what the store holds, and
//! every page shows the tree.
//!
//! 300 histories by default, ten thousand with the variable `SOAK`, which are others every time.

mod arena;
mod browser;
mod checks;
mod edits;
mod history;
mod ledger;
mod op;
mod regressions;
mod rest;
mod rows;

use std::cell::RefCell;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::{Builder, Runtime};

use crate::arena::Arena;
use crate::op::Op;

/// How long a history may take before it counts as one that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many histories one service outlives.
const PER_SERVICE: u32 = 100;

/// A thread of its own with a service that is made anew now and then.
struct Stage {
    runtime: Runtime,
    arena: RefCell<Option<Arena>>,
}

impl Stage {
    fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, arena: RefCell::new(None) })
    }

    /// Plays a history. After one that fails the service is another.
    fn play(&self, ops: &[Op]) -> Result<()> {
        let mut place = self.arena.borrow_mut();
        self.runtime.block_on(async {
            let mut arena = match place.take() {
                Some(arena) => arena,
                None => Arena::open().await.context("opening a service")?,
            };
            let played = tokio::time::timeout(PATIENCE, history::play(&mut arena, ops)).await;
            let outcome = played.context("the history hangs").flatten();
            if outcome.is_ok() && arena.begun < PER_SERVICE {
                *place = Some(arena);
            } else {
                arena.stop().await;
            }
            outcome
        })
    }
}

/// Plays generated histories, and gives the smallest that fails.
fn search(cases: u32, seed: u64) -> Result<()> {
    let stage = Stage::new()?;
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2000,
        max_shrink_time: 25_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let found = TestRunner::new_with_rng(config, rng).run(&op::histories(), |ops| {
        stage.play(&ops).map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    found.map_err(|error| match error {
        TestError::Fail(reason, ops) => anyhow!("seed {seed}: {reason}\nthe history: {ops:?}"),
        TestError::Abort(reason) => anyhow!("seed {seed}: {reason}"),
    })
}

#[test]
fn trees_are_the_store_and_pages_are_the_trees() {
    let soak = std::env::var_os("SOAK").is_some();
    let rounds: u32 = if soak { 10_000 } else { 300 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    let seed = if soak { now.as_secs() } else { 1 };
    let threads = thread::available_parallelism().map_or(1, |it| it.get().min(8));
    let share = rounds.div_ceil(u32::try_from(threads).expect("it is at most eight"));
    let searches: Vec<_> = (0..threads as u64)
        .map(|lane| thread::spawn(move || search(share, seed * 8 + lane)))
        .collect();
    for search in searches {
        if let Err(error) = search.join().expect("a search does not panic") {
            panic!("{error:#}");
        }
    }
    println!("campaign: model: {rounds} rounds, all trees as stored and all pages as the trees");
}
