//! What the methods compute with: MACs, and keys from passwords at a cost that is bounded, since
//! it is the other end that names it.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The most iterations of PBKDF2; they take about a second.
pub(super) const PBKDF2_MOST: u64 = 4_000_000;
/// The lengths of the keys that PBKDF2 makes, in bytes.
const PBKDF2_KEYLEN: RangeInclusive<u64> = 16..=128;
/// The memory that Argon2 is given, in KiB.
const ARGON2_MEMORY: RangeInclusive<u64> = 8..=256 << 10;
/// The KiB that Argon2 walks over in all iterations together; the most take some seconds, and
/// less than the least protects no password.
const ARGON2_WORK: RangeInclusive<u64> = 16 << 10..=4 << 20;
/// The lengths of the salts of Argon2, in bytes; longer ones help nobody.
const ARGON2_SALT: RangeInclusive<u64> = 8..=1024;

/// Why a key cannot be derived from a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A parameter of the key derivation is beyond its bounds.
    #[error("`{name}` is {value}, and must be from {least} to {most}")]
    OutOfBounds {
        /// The parameter, by its name on the wire.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
    },
    /// The machine has not the memory that the key derivation takes.
    #[error("`memory` is {memory} KiB, which this machine has not got")]
    OutOfMemory {
        /// The KiB that are wanted.
        memory: u32,
    },
}

/// Computes an HMAC-SHA-256.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Combines two texts of 32 bytes bit by bit.
pub(super) fn xor(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|index| left[index] ^ right[index])
}

/// Draws a text of `N` random bytes in base64.
pub(super) fn random_text<const N: usize>() -> String {
    STANDARD.encode(rand::random::<[u8; N]>())
}

/// Prepares a name or password as RFC 4013 says; what it refuses is taken as it is, as PostgreSQL
/// does.
pub(super) fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}

/// Derives a key with PBKDF2-HMAC-SHA-256.
pub(super) fn pbkdf2(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    keylen: usize,
) -> Result<Vec<u8>, SecretError> {
    bounded("iterations", u64::from(iterations), &(1..=PBKDF2_MOST))?;
    bounded("keylen", keylen as u64, &PBKDF2_KEYLEN)?;
    let mut key = vec![0; keylen];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key);
    Ok(key)
}

/// Derives a key with Argon2id, version 1.3, on one lane.
pub(super) fn argon2id(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    memory: u32,
) -> Result<[u8; 32], SecretError> {
    bounded("memory", u64::from(memory), &ARGON2_MEMORY)?;
    bounded("salt length", salt.len() as u64, &ARGON2_SALT)?;
    let work = u64::from(memory) * u64::from(iterations);
    bounded("memory × iterations", work, &ARGON2_WORK)?;
    let mut key = [0; 32];
    Params::new(memory, iterations, 1, Some(key.len()))
        .and_then(|params| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(password, salt, &mut key)
        })
        // All else that it could refuse has been checked above.
        .map_err(|_| SecretError::OutOfMemory { memory })?;
    Ok(key)
}

/// Refuses a parameter that is beyond its bounds.
pub(super) fn bounded(
    name: &'static str,
    value: u64,
    bounds: &RangeInclusive<u64>,
) -> Result<(), SecretError> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(SecretError::OutOfBounds { name, value, least: *bounds.start(), most: *bounds.end() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_derivations_give_the_known_keys() {
        // Those of autobahn-python's own tests.
        let key = pbkdf2(b"p4ssw0rd", b"1234567890abcdef", 8, 32).unwrap();
        let expected = "f6991a28c75f43751e0d75499fd7b8649f659118ddc1d61cee5883af547d15f5";
        assert_eq!(hex::encode(key), expected);
        let key = argon2id(b"p4ssw0rd", b"1234567890abcdef", 32, 512).unwrap();
        let expected = "ee4a8acf9d5958354fb79a95ae20692d05e42591ba49fae85eb6700e8b0ed293";
        assert_eq!(hex::encode(key), expected);
    }

    #[test]
    fn absurd_costs_are_refused_before_they_are_paid() {
        for (iterations, keylen) in [(0, 32), (4_000_001, 32), (u32::MAX, 32), (1, 15), (1, 129)] {
            let refused = pbkdf2(b"p", b"s", iterations, keylen).unwrap_err();
            assert!(matches!(refused, SecretError::OutOfBounds { .. }), "{refused}");
        }
        let salt = [0; 8];
        let most = u32::MAX;
        for (iterations, memory) in
            [(0, 64), (255, 64), (most, 8), (1, most), (1, (256 << 10) + 1), (4096, 7)]
        {
            let refused = argon2id(b"p", &salt, iterations, memory).unwrap_err();
            assert!(matches!(refused, SecretError::OutOfBounds { .. }), "{refused}");
        }
        let refused = argon2id(b"p", &salt[1..], 4096, 8).unwrap_err();
        assert_eq!(refused.to_string(), "`salt length` is 7, and must be from 8 to 1024");
    }

    #[test]
    fn names_are_prepared_and_never_lost() {
        assert_eq!(prepared("I\u{ad}X"), "IX");
        assert_eq!(prepared("\u{7}"), "\u{7}");
    }
}
