//! Passwords and tokens: hashing, checking, remembering what was checked, and slowing down those
//! who guess.

mod hashes;
mod memory;
mod renewal;
mod token;
mod work;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sim_games_types::{Action, Change, Record, Stored, UserPk};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{AuthError, StoreError};
use hashes::{FAILURE_STEP, NOBODY};
use memory::{Failures, Memory};

pub(crate) use hashes::is_current;
pub(crate) use renewal::{Renewal, Renewals};
pub(crate) use token::{Digest, new_token};

/// Hashes that are computed at the same time; each takes up to 19 MiB and some 15 ms.
const AT_ONCE: usize = 2;

/// How long a token is remembered at most. Another process that uses the same database does not
/// hear of a logout, and takes the token until it has forgotten it.
const TOKEN_MEMORY: Duration = Duration::from_secs(60);

/// Users whose text is longer than this are read anew for every request with a token.
const LONGEST_REMEMBERED: usize = 4096;

/// How logins are limited and how long a verified password is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Failures of one account within the window.
    pub(crate) failures: u32,
    /// Failures of all that come from one address.
    pub(crate) address_failures: u32,
    pub(crate) window: Duration,
    pub(crate) memory: Duration,
}

/// Who wants to be let in.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The name that was given.
    pub(crate) login: &'a str,
    pub(crate) secret: &'a str,
    /// The address of the client, where it is known.
    pub(crate) client: Option<IpAddr>,
    /// The number of user changes before the account was read.
    pub(crate) epoch: u64,
}

/// How a password was found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// It was checked a short while ago.
    FromMemory,
    /// It has the hash that is stored.
    ByHash,
}

/// What is known of passwords and tokens in this process.
pub(crate) struct Credentials {
    limits: Limits,
    /// Made anew at every start: the remembered digests are useless elsewhere.
    key: [u8; 32],
    verified: Memory<UserPk, [u8; 32]>,
    tokens: Memory<Digest, Arc<Stored>>,
    accounts: Failures<String>,
    addresses: Failures<IpAddr>,
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
            verified: Memory::default(),
            tokens: Memory::default(),
            accounts: Failures::new(limits.failures, limits.window),
            addresses: Failures::new(limits.address_failures, limits.window),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            epoch: AtomicU64::new(0),
        }
    }

    /// The number of user changes so far; read it before the account is.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether a password is that of an account; without an account it never is.
    pub(crate) async fn verify(
        &self,
        attempt: Attempt<'_>,
        account: Option<(UserPk, Option<&str>)>,
    ) -> Result<Verified, AuthError> {
        let Attempt { login, secret, client, epoch } = attempt;
        let digest = account.map(|(user, _)| (user, self.digest(user, secret)));
        if digest.as_ref().is_some_and(|(user, digest)| self.is_verified(*user, digest)) {
            return Ok(Verified::FromMemory);
        }
        let name = account.map_or_else(|| login.to_lowercase(), |(user, _)| user.to_string());
        let client = client.map(network);
        self.refuse_guessers(&name, client.as_ref())?;
        let hash = account.and_then(|(_, hash)| hash).unwrap_or(NOBODY).to_owned();
        let secret = secret.to_owned();
        let good = self.compute(move || hashes::matches(&secret, &hash)).await?;
        // Guesses that were sent all at once are counted before any of them is answered.
        self.refuse_guessers(&name, client.as_ref())?;
        let (true, Some((user, digest))) = (good, digest) else {
            self.accounts.count(&name);
            if let Some(client) = &client {
                self.addresses.count(client);
            }
            return Err(AuthError::Refused);
        };
        self.accounts.forget(&name);
        let until = Instant::now() + self.limits.memory;
        self.verified.insert_if(user, digest, until, || self.epoch() == epoch);
        Ok(Verified::ByHash)
    }

    /// Waits until a failure may be answered, so that its time tells nothing of the account.
    pub(crate) async fn even_out(&self, since: Instant) {
        let steps = since.elapsed().as_millis() / FAILURE_STEP.as_millis() + 1;
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        tokio::time::sleep_until(since + FAILURE_STEP.saturating_mul(steps)).await;
    }

    /// The user of a token that was looked up a short while ago.
    pub(crate) fn user_of_token(&self, digest: &Digest) -> Option<Arc<Stored>> {
        self.tokens.get(digest).map(|(user, _)| user)
    }

    /// Remembers whose a token is, unless users have changed since it was looked up.
    pub(crate) fn remember_token(&self, digest: Digest, user: Arc<Stored>, epoch: u64) {
        if user.json.len() <= LONGEST_REMEMBERED {
            let until = Instant::now() + self.limits.memory.min(TOKEN_MEMORY);
            self.tokens.insert_if(digest, user, until, || self.epoch() == epoch);
        }
    }

    /// Forgets tokens that have ended.
    pub(crate) fn forget_tokens<'t>(&self, ended: impl IntoIterator<Item = &'t Digest>) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for digest in ended {
            self.tokens.remove(digest);
        }
    }

    /// Forgets the passwords and tokens of users that have changed.
    pub(crate) fn forget(&self, changes: &[Change]) {
        let users: BTreeSet<UserPk> = changes.iter().filter_map(changed_user).collect();
        if users.is_empty() {
            return;
        }
        // First, so that what is remembered from now on was read after the change.
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for user in &users {
            self.verified.remove(user);
        }
        self.tokens.retain(|_, user| !users.contains(&UserPk(user.record.pk())));
    }

    /// Forgets all passwords and tokens, since it is not known which users have changed.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.verified.retain(|_, _| false);
        self.tokens.retain(|_, _| false);
    }

    fn digest(&self, user: UserPk, secret: &str) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(&user.0.to_be_bytes());
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn is_verified(&self, user: UserPk, digest: &[u8; 32]) -> bool {
        self.verified.get(&user).is_some_and(|(known, _)| known.ct_eq(digest).into())
    }

    fn refuse_guessers(&self, name: &String, client: Option<&IpAddr>) -> Result<(), AuthError> {
        self.accounts.refuse_guessers(name)?;
        client.map_or(Ok(()), |client| self.addresses.refuse_guessers(client))
    }

    /// Computes off the asynchronous threads, when it is its turn.
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

/// The user that a change tells of; of a new one nothing can be known yet.
fn changed_user(change: &Change) -> Option<UserPk> {
    match &change.object.record {
        Record::User(user) if change.action != Action::Created => Some(user.id),
        _ => None,
    }
}

/// What counts as one address: of IPv6 the network, since one host has all addresses of its own.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            Ipv6Addr::from_bits(bits).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
