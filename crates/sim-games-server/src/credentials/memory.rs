//! What is remembered for a while: bounded, so that nobody can fill it without end.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::AuthError;

/// Entries of one memory.
pub(super) const REMEMBERED: usize = 10_000;

/// Values that expire.
#[derive(Debug)]
pub(super) struct Memory<K, V> {
    entries: Mutex<HashMap<K, (V, Instant)>>,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    /// A value, and until when it is remembered.
    pub(super) fn get(&self, key: &K) -> Option<(V, Instant)> {
        let found = self.locked().get(key).cloned();
        found.filter(|(_, until)| *until > Instant::now())
    }

    /// Remembers a value if a condition holds once nobody else can change the memory.
    pub(super) fn insert_if(&self, key: K, value: V, until: Instant, holds: impl Fn() -> bool) {
        let mut entries = self.locked();
        if holds() {
            make_room(&mut entries);
            entries.insert(key, (value, until));
        }
    }

    pub(super) fn remove(&self, key: &K) {
        self.locked().remove(key);
    }

    /// Forgets what does not fulfil a condition.
    pub(super) fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        self.locked().retain(|key, (value, _)| keep(key, value));
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<K, (V, Instant)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has expired makes room, and if nothing has, all does.
fn make_room<K: Eq + Hash, V>(entries: &mut HashMap<K, (V, Instant)>) {
    if entries.len() < REMEMBERED {
        return;
    }
    let now = Instant::now();
    entries.retain(|_, (_, until)| *until > now);
    if entries.len() >= REMEMBERED {
        entries.clear();
    }
}

/// Failures by name, and their limit.
#[derive(Debug)]
pub(super) struct Failures<K> {
    most: u32,
    window: Duration,
    counts: Memory<K, u32>,
}

impl<K: Eq + Hash + Clone> Failures<K> {
    /// Refuses whoever failed more often than this within a window.
    pub(super) fn new(most: u32, window: Duration) -> Self {
        Self { most, window, counts: Memory::default() }
    }

    pub(super) fn refuse_guessers(&self, name: &K) -> Result<(), AuthError> {
        match self.counts.get(name) {
            Some((count, until)) if count >= self.most => Err(AuthError::Limited {
                retry_after: until.saturating_duration_since(Instant::now()),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn count(&self, name: &K) {
        let mut entries = self.counts.locked();
        let now = Instant::now();
        let (count, until) = match entries.get(name) {
            Some((count, until)) if *until > now => (count + 1, *until),
            _ => (1, now + self.window),
        };
        make_room(&mut entries);
        entries.insert(name.clone(), (count, until));
    }

    pub(super) fn forget(&self, name: &K) {
        self.counts.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded() {
        let until = Instant::now() + Duration::from_secs(60);
        let memory = Memory::default();
        for number in 0..=REMEMBERED {
            memory.insert_if(number, (), until, || true);
        }
        assert!(memory.locked().len() <= REMEMBERED);
        assert!(memory.get(&REMEMBERED).is_some());
    }

    #[test]
    fn what_has_expired_is_not_told() {
        let memory = Memory::default();
        memory.insert_if(1, "old", Instant::now(), || true);
        assert!(memory.get(&1).is_none());
    }
}
