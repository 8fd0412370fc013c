//! SCRAM against the vectors of RFC 7677 and of others.

use super::*;
use crate::{Dict, Value};

/// What autobahn-python 26.10 said to a challenge of this salt and these nonces.
const AUTOBAHN_NONCE: &str = "AAECAwQFBgcICQoLDA0ODw==";
const AUTOBAHN_SALT: &[u8] = b"1234567890abcdef";

fn bytes(base64: &str) -> [u8; 32] {
    STANDARD.decode(base64).unwrap().try_into().unwrap()
}

/// Says whether a proof is right, and what the router proves.
fn check(
    keys: &ScramKeys,
    [authid, client, server]: [&str; 3],
    binding: Binding,
    proof: &str,
) -> (bool, String) {
    let conversation = Conversation {
        authid,
        client_nonce: client,
        nonce: &format!("{client}{server}"),
        salt: &STANDARD.encode(&keys.salt),
        iterations: keys.kdf.iterations(),
        binding,
    };
    let (is_right, verifier) = keys.check(&conversation.to_string(), &bytes(proof));
    (is_right.into(), STANDARD.encode(verifier))
}

#[test]
fn conversation_of_rfc_7677_is_right() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let said = ["user", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"];
    let kdf = ScramKdf::Pbkdf2 { iterations: 4096 };
    let keys = ScramKeys::derive("pencil", kdf, salt.clone()).unwrap();
    let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let verifier = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned();
    assert_eq!(check(&keys, said, Binding::None, proof), (true, verifier));
    assert!(!check(&keys, said, Binding::Autobahn, proof).0);
    assert!(!check(&keys, said, Binding::TlsExporter([0; 32]), proof).0);
    let other = ["usr", said[1], said[2]];
    assert!(!check(&keys, other, Binding::None, proof).0);

    // The same with Argon2, as the tests of a client for Dart have it.
    let kdf = ScramKdf::Argon2id { iterations: 4096, memory: 100 };
    let keys = ScramKeys::derive("pencil", kdf, salt).unwrap();
    let proof = "b8qnNPK25OveSr9H7LVV1tcZqyICZe2DLammvNEDJwg=";
    assert!(check(&keys, said, Binding::None, proof).0);
}

#[test]
fn conversations_of_autobahn_are_right() {
    let kdf = ScramKdf::AutobahnArgon2id { iterations: 32, memory: 512 };
    let keys = ScramKeys::derive("p4ssw0rd", kdf, AUTOBAHN_SALT).unwrap();
    let stored = "0b1fd0e98e7caae15c4fa9c1f7eccc0db8585a9e1c7611e21ad397491c9fe7f8";
    let server = "91193b70ef67b434613f47c44046f684a0a48b07116feb2527094daa4e5006e2";
    assert_eq!([keys.stored_key, keys.server_key].map(hex::encode), [stored, server]);
    for (authid, proof, verifier) in [
        (
            "peter",
            "kkhIoMjbKqE6bILaAr30LsiZirDgwuMK5WfIlHOe7OI=",
            "XQ4GX6Sc5Z/ESeQNpLh06KuGhwVhglw9jXlzckyAZIM=",
        ),
        (
            "pe,t=r",
            "B5Ug+VeKLzJ2htiQUZr8kTixMFU0TROJiluMvZBQqck=",
            "ZqkGeBf+3Ior7Zw32/8uHqHjSqz9Ac2575IlFx/W4Yg=",
        ),
    ] {
        let said = [authid, AUTOBAHN_NONCE, "EBESExQVFhcYGRobHB0eHyAhIiMkJSYn"];
        let expected = (true, verifier.to_owned());
        assert_eq!(check(&keys, said, Binding::Autobahn, proof), expected);
    }
}

#[test]
fn names_are_escaped_and_the_binding_is_named() {
    let conversation = Conversation {
        authid: "a,b=c\u{ad}",
        client_nonce: "x",
        nonce: "xy",
        salt: "c2FsdA==",
        iterations: 4096,
        binding: Binding::TlsExporter([0; 32]),
    };
    let binding = STANDARD.encode([b"p=tls-exporter,,".as_slice(), &[0; 32]].concat());
    let expected = format!("n=a=2Cb=3Dc,r=x,r=xy,s=c2FsdA==,i=4096,c={binding},r=xy");
    assert_eq!(conversation.to_string(), expected);
}

#[test]
fn keys_are_salted_at_random_and_protect_weak_passwords() {
    let [one, other] = [(); 2].map(|()| ScramKeys::from_password("pencil"));
    assert_ne!(one, other);
    assert_eq!(one.salt.len(), 16);
    for iterations in [0, 4095, 4_000_001, u32::MAX] {
        assert!(ScramKeys::derive("p", ScramKdf::Pbkdf2 { iterations }, [0; 16]).is_err());
    }
    for (iterations, memory) in [(0, 64), (1, 64), (u32::MAX, 64), (1, u32::MAX), (4096, 0)] {
        for kdf in [
            ScramKdf::Argon2id { iterations, memory },
            ScramKdf::AutobahnArgon2id { iterations, memory },
        ] {
            assert!(ScramKeys::derive("p", kdf, [0; 16]).is_err(), "{kdf:?}");
        }
    }
}

#[test]
fn debug_texts_hide_keys() {
    let identity = Identity::new("ann", "user", "static");
    let kdf = ScramKdf::default();
    let keys = ScramKeys { kdf, salt: vec![173; 16], stored_key: [171; 32], server_key: [172; 32] };
    let text = format!("{:?}", ScramSecret::from_keys(keys, identity));
    assert!(["171", "172", "173"].iter().all(|byte| !text.contains(byte)), "{text}");
}

/// A challenge that the client would answer.
fn challenge(hello: &Dict) -> Dict {
    let nonce = hello.get("nonce").and_then(Value::as_str).unwrap();
    Dict::from_iter([
        ("nonce", Value::from(format!("{nonce}more"))),
        ("salt", "MTIzNDU2Nzg5MGFiY2RlZg==".into()),
        ("kdf", "pbkdf2".into()),
        ("iterations", 4096_u32.into()),
    ])
}

#[test]
fn challenges_that_make_no_sense_are_refused() {
    let method = crate::AuthMethod::WampScram;
    for (name, values) in [
        ("nonce", vec![Value::Null, 1_i64.into(), "".into(), "x".into()]),
        ("salt", vec![Value::Null, Value::Bytes(vec![0; 16]), "%%%".into(), "Y".into()]),
        ("kdf", vec![Value::Null, "".into(), "md5".into(), "argon2id13".into()]),
        (
            "iterations",
            vec![
                Value::Null,
                "4096".into(),
                4096.0.into(),
                (-1_i64).into(),
                0_i64.into(),
                4095_i64.into(),
                4_000_001_i64.into(),
                (1_i64 << 33).into(),
                u64::MAX.into(),
            ],
        ),
    ] {
        for value in values {
            let mut client = Client::new("ann", "pencil", None);
            let mut extra = challenge(&client.authextra());
            assert!(client.answer(method, &extra).is_ok());
            extra.insert(name, value);
            let refused = client.answer(method, &extra).unwrap_err();
            assert!(!refused.contains("pencil"), "{refused}");
        }
    }
    let mut client = Client::new("ann", "pencil", None);
    let mut extra = challenge(&client.authextra());
    let alone = client.authextra().get("nonce").unwrap().clone();
    extra.insert("nonce", alone);
    assert!(client.answer(method, &extra).is_err(), "the router adds nothing of its own");
}

#[test]
fn routers_have_to_prove_that_they_know_the_password() {
    let mut client = Client::new("ann", "pencil", None);
    let welcome = |proof: &str| Dict::from_iter([("verifier", proof)]);
    let nothing = STANDARD.encode([0; 32]);
    assert!(client.welcomed(&Dict::new()).is_err());
    assert!(client.welcomed(&welcome(&nothing)).is_err(), "before the challenge");
    client.answer(crate::AuthMethod::WampScram, &challenge(&client.authextra())).unwrap();
    for wrong in ["", "v=", "%", &nothing, "AAAA"] {
        assert!(client.welcomed(&welcome(wrong)).is_err(), "{wrong}");
    }
    let right = STANDARD.encode(client.verifier.unwrap());
    assert_eq!(client.welcomed(&welcome(&right)), Ok(()));
    assert_eq!(client.welcomed(&welcome(&format!("v={right}"))), Ok(()));
    let crossbar = Dict::from_iter([("scram_server_signature", right)]);
    assert_eq!(client.welcomed(&crossbar), Ok(()));
}
