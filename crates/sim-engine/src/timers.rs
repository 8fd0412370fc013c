//! Timers of scopes: they lie in the objects' data, so that they outlive the process.
//!
//! `{"timers": {"close": "2026-03-02T14:05:07.000000Z"}}` lets the handler `close` of the object's
//! kind run at that time, or as soon as its run is loaded again. Browsers see it and can count down.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sim_games_types::{Fields, Record, Timestamp};
use tokio::sync::Notify;

use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::inner::Inner;
use crate::occasion::What;
use crate::scope::{HasData, Kind, Scope};
use crate::stage::Key;
use crate::sync::lock;

/// The field of an object's data that holds its timers.
const TIMERS: &str = "timers";

/// The longest that the clock of timers sleeps: the system's own may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The timers of all loaded scopes.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    by_time: BTreeSet<(Timestamp, Key, String)>,
    of: HashMap<Key, Vec<(Timestamp, String)>>,
}

impl Timers {
    /// Takes an object's timers in place of those it had.
    pub(crate) fn put(&self, key: Key, record: &Record) {
        let mut table = lock(&self.table);
        let timers = timers_of(record);
        if timers.is_empty() && !table.of.contains_key(&key) {
            return;
        }
        table.remove(key);
        for (at, name) in &timers {
            table.by_time.insert((*at, key, name.clone()));
        }
        if !timers.is_empty() {
            table.of.insert(key, timers);
        }
        drop(table);
        self.changed.notify_one();
    }

    pub(crate) fn remove(&self, key: Key) {
        lock(&self.table).remove(key);
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        lock(&self.table).of.contains_key(&key)
    }

    /// How long until the next timer is due.
    fn until_next(&self) -> Option<Duration> {
        let at = lock(&self.table).by_time.first()?.0;
        let micros = at.micros().saturating_sub(Timestamp::now().micros()).max(0);
        Some(Duration::from_micros(micros.unsigned_abs()))
    }

    /// Takes out the timers that are due.
    fn take_due(&self) -> Vec<(Key, String)> {
        let now = Timestamp::now();
        let mut table = lock(&self.table);
        let mut due = Vec::new();
        while let Some((at, key, name)) = table.by_time.first().cloned()
            && at <= now
        {
            table.by_time.remove(&(at, key, name.clone()));
            due.push((key, name));
        }
        due
    }
}

impl Table {
    fn remove(&mut self, key: Key) {
        for (at, name) in self.of.remove(&key).into_iter().flatten() {
            self.by_time.remove(&(at, key, name));
        }
    }
}

/// Lets timers ring until the engine stops.
pub(crate) async fn watch(inner: Arc<Inner>) {
    let timers = &inner.model.timers;
    loop {
        let pause = timers.until_next().unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = timers.changed.notified() => continue,
            () = tokio::time::sleep(pause) => {}
        }
        for (key, name) in timers.take_due() {
            if let Some(run) = inner.model.run_with(key.0, key.1) {
                inner.note(run, What::Due(key, name));
            }
        }
    }
}

fn timers_of(record: &Record) -> Vec<(Timestamp, String)> {
    let Some(Value::Object(timers)) = record.data().and_then(|data| data.get(TIMERS)) else {
        return Vec::new();
    };
    let parsed = timers.iter().filter_map(|(name, at)| Some((at.as_str()?, name)));
    parsed.filter_map(|(at, name)| Some((at.parse().ok()?, name.clone()))).collect()
}

/// The data of a call's scope without a timer that is due; none when it is not.
pub(crate) fn without_timer(
    data: &CallData,
    name: &str,
    now: Timestamp,
) -> CallResult<Option<Fields>> {
    let is_due = timers_of(&data.scope.record).iter().any(|(at, of)| of == name && *at <= now);
    if !is_due {
        return Ok(None);
    }
    let record = serde_json::to_value(&data.scope.record)?;
    let Some(Value::Object(mut rest)) = record.get("data").cloned() else { return Ok(None) };
    if let Some(Value::Object(timers)) = rest.get_mut(TIMERS) {
        timers.shift_remove(name);
        if timers.is_empty() {
            rest.shift_remove(TIMERS);
        }
    }
    Ok(Some(rest))
}

impl<K: Kind + HasData> Scope<K> {
    /// Stages a timer: after this time the handler that the game has for the name is called, also
    /// when the service was stopped meanwhile. A timer of the same name is replaced.
    ///
    /// Browsers see it in the object's data, under `timers`.
    ///
    /// # Errors
    /// *Internal* when the game has no such handler, or when the call may not write here.
    pub fn set_timer(&mut self, name: &str, after: Duration) -> CallResult<()> {
        if self.call_data().game.timer(K::RESOURCE, name).is_none() {
            let kind = K::RESOURCE;
            return Err(CallError::internal(format!(
                "the game has no timer `{name}` on {kind}, declare it by `on_timer`"
            )));
        }
        let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        let at = Timestamp::from_micros(Timestamp::now().micros().saturating_add(micros));
        let mut timers = self.timers();
        timers.insert(name.to_owned(), json!(at));
        self.merge_data(json!({ TIMERS: timers }))
    }

    /// Stages that a timer goes; nothing happens when there is none of this name.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn cancel_timer(&mut self, name: &str) -> CallResult<()> {
        let mut timers = self.timers();
        if timers.shift_remove(name).is_none() {
            return Ok(());
        }
        let timers = if timers.is_empty() { Value::Null } else { Value::Object(timers) };
        self.merge_data(json!({ TIMERS: timers }))
    }

    fn timers(&self) -> Map<String, Value> {
        match self.current_data().get(TIMERS) {
            Some(Value::Object(timers)) => timers.clone(),
            _ => Map::new(),
        }
    }
}
