//! How many connections there are, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Limits, counters};

/// The places for connections.
#[derive(Debug)]
pub(super) struct Doors {
    inside: Mutex<Inside>,
    most: usize,
    most_per_address: usize,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A taken place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Admission {
    doors: Arc<Doors>,
    address: Option<IpAddr>,
}

impl Doors {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            inside: Mutex::default(),
            most: limits.connections,
            most_per_address: limits.connections_per_address,
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Admission> {
        let mut inside = self.lock();
        if inside.all >= self.most {
            counters::limited("connections");
            return None;
        }
        if let Some(address) = address {
            let here = inside.by_address.entry(address).or_default();
            if *here >= self.most_per_address {
                counters::limited("connections_per_address");
                return None;
            }
            *here += 1;
        }
        inside.all += 1;
        counters::connections(1.0);
        Some(Admission { doors: Arc::clone(self), address })
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        counters::connections(-1.0);
        let mut inside = self.doors.lock();
        inside.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(here) = inside.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_address() {
        let limits = Limits { connections: 3, connections_per_address: 2, ..Limits::default() };
        let doors = Arc::new(Doors::new(&limits));
        let (one, two) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        let first = doors.admit(one).unwrap();
        let _second = doors.admit(one).unwrap();
        assert!(doors.admit(one).is_none(), "two from one address");
        let _third = doors.admit(two).unwrap();
        assert!(doors.admit(None).is_none(), "three in all");
        drop(first);
        assert!(doors.admit(one).is_some());
    }
}
