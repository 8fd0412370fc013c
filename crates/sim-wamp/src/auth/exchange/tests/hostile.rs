//! Whatever the other end sends, nobody panics and nobody gets in.

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Names of fields that mean something somewhere.
const NAMES: [&str; 11] = [
    "nonce",
    "salt",
    "kdf",
    "iterations",
    "memory",
    "keylen",
    "challenge",
    "channel_binding",
    "cbind_data",
    "pubkey",
    "verifier",
];

/// Numbers about the bounds, but none that takes long.
const NUMBERS: [i64; 9] = [-1, 0, 1, 15, 16, 4096, 4_000_001, 1 << 33, i64::MAX];

fn value() -> impl Strategy<Value = Value> {
    let texts = ["pbkdf2", "argon2id13", "argon2id-13", "tls-exporter", "AAAA", "AAAAAAAAAAAAAAAA"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        proptest::sample::select(&NUMBERS[..]).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (i64::MAX as u64..).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9a-f]{64}".prop_map(Value::from),
        proptest::sample::select(texts.to_vec()).prop_map(Value::from),
        vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((".{0,8}", inner), 0..3).prop_map(|dict| Value::Dict(dict.into_iter().collect())),
        ]
    })
}

fn dict() -> impl Strategy<Value = Dict> {
    vec((proptest::sample::select(&NAMES[..]), value()), 0..8)
        .prop_map(|entries| entries.into_iter().collect())
}

fn credentials() -> impl Strategy<Value = Credentials> {
    proptest::sample::select(everybody().to_vec())
}

/// What takes no time to wait for.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("users that are known from the start take no time")
}

thread_local! {
    static WORLD: World = World::new();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn clients_survive_any_router(
        credentials in credentials(),
        is_bound in any::<bool>(),
        challenge in dict(),
        welcome in dict(),
    ) {
        let channel_id = is_bound.then_some([5; 32]);
        for method in AuthMethod::ALL {
            let (mut client, _) = ClientExchange::begin(&credentials, channel_id);
            let answered = client.answer(method.name(), &challenge).is_ok();
            prop_assert!(!answered || !matches!(credentials, Credentials::Anonymous));
            let is_scram = matches!(credentials, Credentials::Scram { .. });
            prop_assert!(!is_scram || client.welcomed(&welcome).is_err());
            prop_assert!(client.answer(method.name(), &challenge).is_err(), "a second challenge");
        }
    }

    #[test]
    fn routers_survive_any_client(
        method in proptest::sample::select(AuthMethod::ALL[1..].to_vec()),
        authid in proptest::option::of("ticket|cra|salted|key|pbkdf2|argon|.{0,9}"),
        authextra in dict(),
        nonce in proptest::option::of("[ -~]{0,40}"),
        signature in ".{0,50}|[0-9a-f]{192}|[A-Za-z0-9+/]{43}=",
        extra in dict(),
    ) {
        let mut hello = HelloAuth {
            authid,
            authmethods: vec![method.name().to_owned()],
            authrole: None,
            authextra,
        };
        if let Some(nonce) = nonce {
            hello.authextra.insert("nonce", nonce);
        }
        WORLD.with(|world| {
            // Every case is the first, as far as the limits go.
            let attempts = Arc::new(Attempts::new(AttemptLimits::default()));
            let world = World {
                authenticator: Arc::clone(&world.authenticator),
                attempts,
                asked: Arc::default(),
            };
            if let Ok(Step::Challenge { exchange, .. }) = now(world.begin(&hello)) {
                let finished = now(exchange.finish(&signature, &extra));
                prop_assert!(finished.is_err(), "{finished:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn tampered_challenges_let_nobody_in(
        index in 2..9_usize,
        field in any::<proptest::sample::Index>(),
        other in value(),
    ) {
        let credentials = &everybody()[index];
        WORLD.with(|world| {
            let (mut client, hello) = ClientExchange::begin(credentials, None);
            let (method, mut extra, exchange) = now(challenge(world, &hello));
            let names: Vec<String> = extra.iter().map(|(name, _)| name.to_owned()).collect();
            let name = field.get(&names);
            prop_assume!(extra.get(name) != Some(&other));
            extra.insert(name.as_str(), other);
            if let Ok((signature, said)) = client.answer(method.name(), &extra) {
                let finished = now(exchange.finish(&signature, &said));
                prop_assert!(finished.is_err(), "{name}: {finished:?}");
            }
            Ok(())
        })?;
    }
}

#[test]
fn nonces_that_would_end_a_field_are_refused() {
    let world = World::new();
    let (_, mut hello) = ClientExchange::begin(&scram("pbkdf2", "pass"), None);
    let too_long = "x".repeat(257);
    for nonce in ["", "a,r=b", "a b", "é", "a\n", &too_long] {
        hello.authextra.insert("nonce", nonce);
        let refused = now(world.begin(&hello)).unwrap_err();
        assert!(refused.message.contains("authextra.nonce"), "{refused}");
    }
}

#[test]
fn tampered_nonces_of_scram_are_noticed_at_both_ends() {
    let world = World::new();
    for change in [|nonce: &str| format!("{nonce}A"), |nonce: &str| format!("A{nonce}")] {
        let (mut client, hello) = ClientExchange::begin(&scram("pbkdf2", "pass"), None);
        let (method, mut extra, exchange) = now(challenge(&world, &hello));
        let nonce = extra.get("nonce").and_then(Value::as_str).map(change).unwrap();
        extra.insert("nonce", nonce);
        match client.answer(method.name(), &extra) {
            Ok((proof, said)) => {
                let refused = now(exchange.finish(&proof, &said)).unwrap_err();
                assert_eq!(refused.message, "AUTHENTICATE's `nonce` is not that of CHALLENGE");
            }
            Err(refused) => assert!(refused.contains("does not continue"), "{refused}"),
        }
    }
}
