//! WAMP-CRA against the vectors of others.

use super::*;

/// What autobahn-python 26.10 and autobahn-js 26.3 were given to sign.
const CHALLENGE: &str = r#"{"authid": "peter", "nonce": "abc"}"#;

fn identity() -> Identity {
    Identity::new("4", "browser", "x")
}

fn is_right(secret: &CraSecret, challenge: &str, signature: &str) -> bool {
    secret.verify(challenge, signature).into()
}

fn salted(salt: &str, iterations: u32, keylen: u64) -> Dict {
    Dict::from_iter([
        ("challenge", Value::from(CHALLENGE)),
        ("salt", salt.into()),
        ("iterations", iterations.into()),
        ("keylen", keylen.into()),
    ])
}

#[test]
fn signature_of_a_recorded_browser_is_right() {
    let challenge = concat!(
        r#"{"authid": "4", "authrole": "browser", "authmethod": "wampcra", "#,
        r#""authprovider": "dynamic", "session": 4477279358199008, "#,
        r#""nonce": "QFENNfltezGR6pEFzowY9nfrr9QHN+T1O7MvnO6CkKTDx1vybV67kfBLwsC6duC8", "#,
        r#""timestamp": "2026-11-22T07:12:20.293Z"}"#
    );
    let signature = "Ed57qBrjS0SCoTXac2qoaPtRs+FwVqmv5eDv5rFLKMI=";
    let secret = CraSecret::new("nopassword", identity());
    assert!(is_right(&secret, challenge, signature));
    assert!(is_right(&CraSecret::new("x", identity()).or("nopassword"), challenge, signature));
    assert!(!is_right(&CraSecret::new("nopassworD", identity()), challenge, signature));
    assert!(!is_right(&secret, challenge, ""));
}

#[test]
fn autobahn_and_we_sign_alike() {
    for (extra, signature) in [
        (
            Dict::from_iter([("challenge", CHALLENGE)]),
            "Gz0wjOEUH4Gvd9b5ZogBUlf3lawrI4KcEjXZdV+2hY4=",
        ),
        (salted("salt123", 1000, 32), "5g7If+a0W1FZT+ZhfLmyc5g0r+E0+12EtAmZPBIVG+c="),
        (salted("sältß", 100, 16), "7e06jg0AxZzACZhHtaBEoZJDkdwpJ0ac4nRVbsPXJM8="),
    ] {
        assert_eq!(answer("L3L1YUE8Txlw", &extra).as_deref(), Ok(signature));
    }
    // autobahn-js takes these numbers for granted.
    let extra = Dict::from_iter([("challenge", CHALLENGE), ("salt", "salt123")]);
    assert_eq!(
        answer("L3L1YUE8Txlw", &extra),
        answer("L3L1YUE8Txlw", &salted("salt123", 1000, 32))
    );
}

#[test]
fn derived_keys_are_those_of_autobahn() {
    let key = "qzcdsr9uu/L5hnss3kjNTRe490ETgA70ZBaB5rvnJ5Y=";
    let salted = CraSecret::salted("L3L1YUE8Txlw", "salt123", 1000, 32, identity()).unwrap();
    let derived = CraSecret::derived(key, "salt123", 1000, 32, identity());
    let signature = "5g7If+a0W1FZT+ZhfLmyc5g0r+E0+12EtAmZPBIVG+c=";
    assert!(is_right(&salted, CHALLENGE, signature) && is_right(&derived, CHALLENGE, signature));
    let other = CraSecret::derived("x", "salt123", 1000, 32, identity()).or(key);
    assert!(is_right(&other, CHALLENGE, signature));
    let refused = CraSecret::salted("p", "s", 0, 32, identity()).unwrap_err();
    assert_eq!(refused.to_string(), "`iterations` is 0, and must be from 1 to 4000000");
}

#[test]
fn challenges_that_make_no_sense_are_refused() {
    let with = |name: &str, value: Value| {
        let mut extra = salted("salt123", 1000, 32);
        extra.insert(name, value);
        extra
    };
    for extra in [
        Dict::new(),
        with("challenge", 4_i64.into()),
        with("salt", Value::Bytes(vec![1])),
        with("salt", Value::List(Vec::new())),
        with("iterations", 0_i64.into()),
        with("iterations", (-1_i64).into()),
        with("iterations", 1000.0.into()),
        with("iterations", "1000".into()),
        with("iterations", 4_000_001_i64.into()),
        with("iterations", u64::MAX.into()),
        with("keylen", 0_i64.into()),
        with("keylen", 15_i64.into()),
        with("keylen", (1_i64 << 40).into()),
    ] {
        assert!(answer("secret", &extra).is_err(), "{extra:?}");
    }
}

#[test]
fn debug_text_hides_secrets() {
    let text = format!("{:?}", CraSecret::new("hush", identity()));
    assert!(!text.contains("hush") && !text.contains("104"), "{text}");
}
