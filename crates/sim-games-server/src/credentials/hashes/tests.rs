//! Which hashes are understood, and what becomes of those that are not.

use super::*;

/// Written by Django 4.2.
const OF_DJANGO: &str = "pbkdf2_sha256$150000$seasalt$71l36B3C2UesFoWz5oshQ1SSTtCLnDO5RMysCfljq5o=";

#[test]
fn what_django_writes_is_verified() {
    assert!(matches("lètmein", OF_DJANGO));
    assert!(!matches("letmein", OF_DJANGO));
    let salted = "pbkdf2_sha256$1000$TY7QVag6gPrg7fPMvv2E9C$\
                  WwbM/Bn5AurZw1jIwgpI7ez3CZTtkpSYjL30ep4Z2TQ=";
    assert!(matches("s1", salted));
    assert!(!matches("s2", salted));
    assert!(!is_current(OF_DJANGO));
}

#[test]
fn a_malformed_hash_is_that_of_no_password() {
    let digest = "fQYwFBtQ4nXSB2b6ezTL3CAxlFzWuq4M3utlYMR7Lwo=";
    assert!(matches("s1", &format!("pbkdf2_sha256$1$salt${digest}")));
    let parts = [
        "".to_owned(),
        "1".to_owned(),
        "1$salt".to_owned(),
        "1$salt$".to_owned(),
        "1$salt$not base64".to_owned(),
        "1$salt$c2hvcnQ=".to_owned(),
        format!("1$$ {digest}"),
        format!("1$$${digest}"),
        format!("1$salt${digest}$more"),
        format!("0$salt${digest}"),
        format!("-1$salt${digest}"),
        format!("+1$salt${digest}"),
        format!("1.0$salt${digest}"),
        format!("5000001$salt${digest}"),
        format!("99999999999999999999$salt${digest}"),
    ];
    for part in parts {
        assert!(!matches("s1", &format!("pbkdf2_sha256${part}")), "{part}");
    }
    for hash in [
        "",
        "$",
        "!9QPB8xt7t3e7igUcQkdTO9phmQ2tFz7aZZ1iiacV",
        "pbkdf2_sha1$1$salt$c2hvcnQ=",
        "md5$salt$00",
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHQ$c2hvcnRzaG9ydA",
        "$argon2x$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$c2hvcnRzaG9ydA",
    ] {
        assert!(!matches("s1", hash), "{hash}");
        assert!(!is_current(hash), "{hash}");
    }
}

#[test]
fn a_hash_that_would_take_all_memory_is_not_computed() {
    let (salt, digest) = ("c2FsdHNhbHQ", "q2mE3mXG6mJ4Yw0xq7c1dVYd0h1cI0mYp0X1m3n5p7o");
    for params in ["m=4294967295,t=1,p=1", "m=8192,t=4294967295,p=1", "m=262144,t=1,p=999"] {
        assert!(!matches("s1", &format!("$argon2id$v=19${params}${salt}${digest}")), "{params}");
    }
}

#[test]
fn only_a_hash_of_full_cost_is_current() {
    for (cost, current) in [(Cost::Full, true), (Cost::Many, false)] {
        let hash = make("s1", cost).unwrap();
        assert!(matches("s1", &hash));
        assert!(!matches("s2", &hash));
        assert_eq!(is_current(&hash), current, "{hash}");
        assert_ne!(hash, make("s1", cost).unwrap(), "each has a salt of its own");
    }
    let hash = make("s1", Cost::Full).unwrap();
    assert!(!is_current(&hash.replace("argon2id", "argon2i")));
    assert!(!is_current(&hash.replace("v=19", "v=16")));
}

#[test]
fn the_hash_for_nobody_is_well_formed_and_costs_the_same() {
    assert!(is_current(NOBODY));
    assert!(!matches("", NOBODY));
}
