//! Hashes of passwords as they are stored: how they are made, and which ones are understood.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How much work a hash takes, for us and for whoever tries passwords on a stolen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Argon2id with 19 MiB and two passes, the least that OWASP recommends: some 15 ms.
    Full,
    /// Argon2id with 4 MiB and one pass: some 1 ms, so that a whole school is entered in seconds.
    ///
    /// A guess still has to move these 4 MiB through memory twice. That holds a large graphics
    /// card, which moves some 1 TB a second, to some 120,000 guesses a second: about twice as
    /// many as it makes on what the original stores, which are 150,000 rounds of PBKDF2, and
    /// still decades for eight random letters and digits. And it is not for long: the first
    /// login replaces the hash by one of the full cost.
    Many,
}

/// The beginning of a hash that Django wrote.
const DJANGO: &str = "pbkdf2_sha256$";

/// The most rounds of a Django hash that is looked at, some five times of what Django writes now.
const MOST_ROUNDS: u32 = 5_000_000;

/// The most memory of an Argon2 hash that is looked at, in KiB.
const MOST_MEMORY: u32 = 256 * 1024;

/// The most passes and lanes of an Argon2 hash that is looked at.
const MOST_PASSES: u32 = 16;

/// Verified when the account does not exist, so that this takes as long as a wrong password.
pub(super) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0wMA\
                                 $q2mE3mXG6mJ4Yw0xq7c1dVYd0h1cI0mYp0X1m3n5p7o";

/// Failures are answered at multiples of this after the question came.
///
/// Hashes of several kinds lie in one database, and each takes its own time. Without this it could
/// be told from the time whether an account exists, and from which service it came.
pub(super) const FAILURE_STEP: Duration = Duration::from_millis(500);

impl Cost {
    fn params(self) -> Params {
        let (memory, passes) = match self {
            Self::Full => (19_456, 2),
            Self::Many => (4_096, 1),
        };
        Params::new(memory, passes, 1, None).expect("the parameters are within bounds")
    }
}

/// The hash of a password, with a salt of its own.
pub(super) fn make(password: &str, cost: Cost) -> Result<String, Error> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params());
    let hash: PasswordHash = hasher.hash_password(password.as_bytes())?;
    Ok(hash.to_string())
}

/// Whether a password has this hash. A hash that cannot be read is that of no password.
pub(super) fn matches(password: &str, hash: &str) -> bool {
    match hash.strip_prefix(DJANGO) {
        Some(parts) => matches_django(password, parts).unwrap_or(false),
        None => matches_argon2(password, hash).unwrap_or(false),
    }
}

/// Whether a hash is one that would be made today at full cost.
pub(crate) fn is_current(hash: &str) -> bool {
    let wanted = Cost::Full.params();
    let Some((parsed, params)) = argon2_of(hash) else { return false };
    parsed.algorithm == Algorithm::Argon2id.ident()
        && parsed.version == Some(Version::V0x13.into())
        && (params.m_cost(), params.t_cost(), params.p_cost())
            == (wanted.m_cost(), wanted.t_cost(), wanted.p_cost())
}

fn argon2_of(hash: &str) -> Option<(PasswordHash, Params)> {
    let parsed = PasswordHash::new(hash).ok().filter(|parsed| parsed.hash.is_some())?;
    let params = Params::try_from(&parsed).ok()?;
    Some((parsed, params))
}

fn matches_argon2(password: &str, hash: &str) -> Option<bool> {
    let (parsed, params) = argon2_of(hash)?;
    let bounded = params.m_cost() <= MOST_MEMORY
        && params.t_cost() <= MOST_PASSES
        && params.p_cost() <= MOST_PASSES;
    Some(bounded && Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Looks at `<rounds>$<salt>$<digest>`.
fn matches_django(password: &str, parts: &str) -> Option<bool> {
    let mut parts = parts.split('$');
    let (rounds, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || salt.is_empty() || !rounds.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let rounds = rounds.parse().ok().filter(|rounds| (1..=MOST_ROUNDS).contains(rounds))?;
    let stored: [u8; 32] = BASE64_STANDARD.decode(digest).ok()?.try_into().ok()?;
    let mut computed = [0; 32];
    pbkdf2_hmac::<Sha256>(password.as_bytes(), salt.as_bytes(), rounds, &mut computed);
    Some(computed.ct_eq(&stored).into())
}

#[cfg(test)]
mod tests;
