//! Deliveries to subscribers: late, in any order, some of them twice, none of them signed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;

use super::api::Api;
use super::rows::Change;

/// The longest that a delivery, or its repetition, waits.
const LATEST: u64 = 50;

/// Takes what changed to whoever subscribed, for as long as it lives.
#[derive(Debug)]
pub(super) struct Courier {
    http: reqwest::Client,
    luck: StdRng,
    lost: usize,
    under_way: JoinSet<()>,
}

impl Courier {
    pub(super) fn new(http: reqwest::Client, seed: u64) -> Self {
        Self { http, luck: StdRng::seed_from_u64(seed), lost: 0, under_way: JoinSet::new() }
    }

    /// Loses the next so many changes.
    pub(super) fn lose(&mut self, count: usize) {
        self.lost = count;
    }

    /// Forgets all that is under way, as the end of the process does.
    pub(super) fn stop(&mut self) {
        self.under_way = JoinSet::new();
    }

    pub(super) fn send(&mut self, api: &Arc<Mutex<Api>>, change: &Change, to: Vec<(u64, String)>) {
        while self.under_way.try_join_next().is_some() {}
        if self.lost > 0 {
            self.lost -= 1;
            return;
        }
        let body = json!({"event": change.event, "ref": self.reference(), "data": change.data});
        for (hook, url) in to {
            let copies = if self.luck.random_ratio(1, 4) { 2 } else { 1 };
            for _ in 0..copies {
                let late = Duration::from_millis(self.luck.random_range(0..=LATEST));
                let request = self.http.post(&url).json(&body);
                let api = Arc::clone(api);
                self.under_way.spawn(async move {
                    tokio::time::sleep(late).await;
                    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                    let error = answer.err().map(|error| error.to_string());
                    let mut api = api.lock().unwrap_or_else(PoisonError::into_inner);
                    api.hooks.delivered(hook, error);
                });
            }
        }
    }

    /// A random UUID, the same for all subscribers of an event.
    fn reference(&mut self) -> String {
        let random = self.luck.random::<u128>() & !(0xf << 76) & !(0x3 << 62);
        let hex = format!("{:032x}", random | 0x4 << 76 | 0x2 << 62);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }
}
