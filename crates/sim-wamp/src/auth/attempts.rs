//! How often a login may fail: those who guess are slowed down before anything is verified.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::AuthRefused;
use crate::uri;

/// How often logins may fail before further ones are refused unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// The failures of one authid within the window, in whatever realm; at least one is allowed.
    pub per_authid: u32,
    /// The failures of all who come from one address within the window; at least one is allowed.
    /// A whole class sits behind one address. Of IPv6 the network of 64 bits counts.
    pub per_address: u32,
    /// How long failures count, from the first of them.
    pub window: Duration,
    /// How many authids and how many addresses are remembered; beyond that, the half is forgotten
    /// whose windows end first.
    pub remembered: usize,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            per_authid: 10,
            per_address: 300,
            window: Duration::from_secs(60),
            remembered: 10_000,
        }
    }
}

/// The failed logins of a router.
#[derive(Debug)]
pub(crate) struct Attempts {
    window: Duration,
    hasher: RandomState,
    failures: Mutex<Failures>,
}

/// One login: who tries it, and from where.
#[derive(Debug)]
pub(super) struct Attempt {
    attempts: Arc<Attempts>,
    authid: Option<u64>,
    address: Option<u64>,
}

#[derive(Debug)]
struct Failures {
    authids: Counts,
    addresses: Counts,
}

/// Failures by the hash of a name: names are as long as strangers make them.
#[derive(Debug)]
struct Counts {
    most: u32,
    remembered: usize,
    counts: HashMap<u64, (u32, Instant)>,
}

impl Attempts {
    /// Begins without failures.
    pub(crate) fn new(limits: AttemptLimits) -> Self {
        let counts = |most| Counts { most, remembered: limits.remembered, counts: HashMap::new() };
        Self {
            window: limits.window,
            hasher: RandomState::new(),
            failures: Mutex::new(Failures {
                authids: counts(limits.per_authid),
                addresses: counts(limits.per_address),
            }),
        }
    }

    /// Describes a login.
    pub(super) fn attempt(
        self: &Arc<Self>,
        authid: Option<&str>,
        address: Option<IpAddr>,
    ) -> Attempt {
        Attempt {
            // Authenticators often ignore case, and nobody gets more guesses by changing it.
            authid: authid.map(|authid| self.hasher.hash_one(authid.to_lowercase())),
            address: address.map(|address| self.hasher.hash_one(network(address))),
            attempts: Arc::clone(self),
        }
    }

    fn locked(&self) -> MutexGuard<'_, Failures> {
        // Counters are whole at any time.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Refuses the login, if too many have failed; to be asked before anything is verified.
    pub(super) fn admit(&self) -> Result<(), AuthRefused> {
        self.admitted(&self.attempts.locked(), Instant::now())
    }

    /// Counts how the login ended, and says how it ends for the peer.
    ///
    /// Guesses that were sent all at once were all admitted, but no more are answered than had
    /// been if they had come one after the other: the rest hears of the limit, right or wrong.
    pub(super) fn settle<T>(&self, result: Result<T, AuthRefused>) -> Result<T, AuthRefused> {
        let now = Instant::now();
        let mut failures = self.attempts.locked();
        self.admitted(&failures, now)?;
        match (&result, self.authid, self.address) {
            (Ok(_), Some(authid), _) => drop(failures.authids.counts.remove(&authid)),
            (Ok(_), None, _) => (),
            (Err(refused), ..) if refused.reason == uri::AUTHORIZATION_FAILED => (),
            (Err(_), authid, address) => {
                let until = now + self.attempts.window;
                if let Some(authid) = authid {
                    failures.authids.count(authid, now, until);
                }
                if let Some(address) = address {
                    failures.addresses.count(address, now, until);
                }
            }
        }
        result
    }

    fn admitted(&self, failures: &Failures, now: Instant) -> Result<(), AuthRefused> {
        let authid = self.authid.and_then(|authid| failures.authids.blocked(authid, now));
        let address = self.address.and_then(|address| failures.addresses.blocked(address, now));
        match authid.max(address) {
            None => Ok(()),
            Some(wait) => Err(AuthRefused::new(format!(
                "too many logins have failed: try again in {} s",
                wait.as_millis().div_ceil(1000)
            ))),
        }
    }
}

impl Counts {
    /// Returns how long a name has to wait, if it failed too often.
    fn blocked(&self, name: u64, now: Instant) -> Option<Duration> {
        let (count, until) = self.counts.get(&name)?;
        (*until > now && *count >= self.most).then(|| *until - now)
    }

    /// Counts a failure; `until` is when it is forgotten, if it is the first one.
    fn count(&mut self, name: u64, now: Instant, until: Instant) {
        if let Some((count, _)) = self.counts.get_mut(&name).filter(|(_, until)| *until > now) {
            *count = count.saturating_add(1);
            return;
        }
        if self.counts.len() >= self.remembered {
            self.make_room(now);
        }
        self.counts.insert(name, (1, until));
    }

    /// Forgets what no longer counts and, if that is too little, the half that counts least long.
    fn make_room(&mut self, now: Instant) {
        self.counts.retain(|_, (_, until)| *until > now);
        if self.counts.len() < self.remembered {
            return;
        }
        let mut ends: Vec<Instant> = self.counts.values().map(|(_, until)| *until).collect();
        let middle = ends.len() / 2;
        if let Some((_, middle, _)) =
            (middle < ends.len()).then(|| ends.select_nth_unstable(middle))
        {
            self.counts.retain(|_, (_, until)| *until > *middle);
        }
    }
}

/// Returns what counts as one address: of IPv6 the network, all of which belongs to one customer.
fn network(address: IpAddr) -> impl Hash {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests;
