//! Passwords: hashing, checking, remembering what was checked, and slowing down those who guess.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sim_games_types::{Change, Record, UserPk};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{AuthError, StoreError};

/// Hashes that are computed at the same time; each takes 19 MiB and some 20 ms.
const AT_ONCE: usize = 2;

/// Accounts that are remembered, as verified or as failing.
const REMEMBERED: usize = 10_000;

/// Verified when the account does not exist, so that this takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0wMA\
                      $q2mE3mXG6mJ4Yw0xq7c1dVYd0h1cI0mYp0X1m3n5p7o";

/// How logins are limited and how long a verified password is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) failures: u32,
    pub(crate) window: Duration,
    pub(crate) memory: Duration,
}

/// What is known of passwords in this process.
pub(crate) struct Credentials {
    limits: Limits,
    /// Made anew at every start: the remembered digests are useless elsewhere.
    key: [u8; 32],
    verified: Mutex<HashMap<UserPk, ([u8; 32], Instant)>>,
    failures: Mutex<HashMap<String, (u32, Instant)>>,
    permits: Arc<Semaphore>,
    /// Grows when users change, so that a check that began before is not remembered after.
    epoch: AtomicU64,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            key: rand::random(),
            verified: Mutex::default(),
            failures: Mutex::default(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            epoch: AtomicU64::new(0),
        }
    }

    /// The hash under which a password is stored.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, StoreError> {
        let password = password.to_owned();
        self.compute(move || {
            let hash: Result<PasswordHash, _> = hasher().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
        })
        .await?
        .map_err(StoreError::unavailable)
    }

    /// The number of user changes so far; read it before the account is.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether a password is that of an account; without an account it never is.
    pub(crate) async fn verify(
        &self,
        login: &str,
        account: Option<(UserPk, Option<&str>)>,
        secret: &str,
        epoch: u64,
    ) -> Result<(), AuthError> {
        let digest = account.map(|(user, _)| (user, self.digest(user, secret)));
        if digest.as_ref().is_some_and(|(user, digest)| self.is_verified(*user, digest)) {
            return Ok(());
        }
        let name = account.map_or_else(|| login.to_lowercase(), |(user, _)| user.to_string());
        let hash = account.and_then(|(_, hash)| hash).unwrap_or(NOBODY).to_owned();
        let secret = secret.to_owned();
        self.refuse_guessers(&name)?;
        let good = self
            .compute(move || hasher().verify_password(secret.as_bytes(), hash.as_str()).is_ok())
            .await?;
        // Guesses that were sent all at once are counted before any of them is answered.
        self.refuse_guessers(&name)?;
        let (true, Some((user, digest))) = (good, digest) else {
            self.count_failure(name);
            return Err(AuthError::Refused);
        };
        locked(&self.failures).remove(&name);
        if self.epoch() == epoch {
            let until = Instant::now() + self.limits.memory;
            insert_bounded(&mut locked(&self.verified), user, (digest, until), |(_, until)| *until);
        }
        Ok(())
    }

    /// Forgets the passwords of users that have changed.
    pub(crate) fn forget(&self, changes: &[Change]) {
        for change in changes {
            if let Record::User(user) = &change.object.record {
                self.epoch.fetch_add(1, Ordering::SeqCst);
                locked(&self.verified).remove(&user.id);
            }
        }
    }

    fn digest(&self, user: UserPk, secret: &str) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(&user.0.to_be_bytes());
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn is_verified(&self, user: UserPk, digest: &[u8; 32]) -> bool {
        let verified = locked(&self.verified);
        verified.get(&user).is_some_and(|(known, until)| {
            *until > Instant::now() && bool::from(known.ct_eq(digest))
        })
    }

    fn refuse_guessers(&self, name: &str) -> Result<(), AuthError> {
        let now = Instant::now();
        match locked(&self.failures).get(name) {
            Some((count, until)) if *count >= self.limits.failures && *until > now => {
                Err(AuthError::Limited { retry_after: *until - now })
            }
            _ => Ok(()),
        }
    }

    fn count_failure(&self, name: String) {
        let now = Instant::now();
        let mut failures = locked(&self.failures);
        let (count, until) = match failures.get(&name) {
            Some((count, until)) if *until > now => (count + 1, *until),
            _ => (1, now + self.limits.window),
        };
        insert_bounded(&mut failures, name, (count, until), |(_, until)| *until);
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(StoreError::unavailable)
    }
}

/// Argon2id with the least cost that OWASP recommends.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are within bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Inserts into a bounded memory: what has expired makes room, and if nothing has, all does.
fn insert_bounded<K: Eq + Hash, V>(
    map: &mut HashMap<K, V>,
    key: K,
    value: V,
    until: impl Fn(&V) -> Instant,
) {
    if map.len() >= REMEMBERED {
        let now = Instant::now();
        map.retain(|_, value| until(value) > now);
        if map.len() >= REMEMBERED {
            map.clear();
        }
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests;
