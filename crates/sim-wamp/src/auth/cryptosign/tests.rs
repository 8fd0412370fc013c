//! Cryptosign against the vectors of the specification.

use super::*;

const CHANNEL: &str = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff";

/// Private key, challenge, and the signatures without and with [`CHANNEL`]: the vectors of the
/// specification.
const VECTORS: [[&str; 4]; 3] = [
    [
        "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00",
    ],
    [
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660fb26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a427c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282",
    ],
    [
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1ec184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30bb05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d",
    ],
];

fn challenge(text: &str, channel_id: Option<[u8; 32]>) -> Dict {
    let challenge = Value::from(text);
    Dict::from_iter([("challenge", challenge), ("channel_binding", binding::name(channel_id))])
}

fn pending(key: &[u8; 32], challenge: [u8; 32], channel_id: Option<[u8; 32]>) -> Pending {
    let authextra = authextra(key, channel_id);
    let hello = HelloAuth { authextra, ..HelloAuth::default() };
    let hello = Hello::read(&hello, channel_id).unwrap();
    Pending { hello, challenge, identity: Some(Identity::new("ann", "user", "static")) }
}

#[test]
fn signatures_are_those_of_the_specification() {
    let channel_id = bytes::<32>(CHANNEL);
    for [key, text, free, bound] in VECTORS {
        let key = bytes(key).unwrap();
        for (channel_id, signature) in [(None, free), (channel_id, bound)] {
            let answer = answer(&key, channel_id, &challenge(text, channel_id));
            assert_eq!(answer.as_deref(), Ok(signature));
            let checked = pending(&key, bytes(text).unwrap(), channel_id).finish(signature);
            assert_eq!(checked.map(|identity| identity.authid), Ok("ann".to_owned()));
            let other = pending(&[7; 32], bytes(text).unwrap(), channel_id).finish(signature);
            assert_eq!(other.unwrap_err().message, "cryptosign signature is invalid");
        }
        let checked = pending(&key, bytes(text).unwrap(), channel_id).finish(free);
        assert_eq!(checked.unwrap_err().message, "cryptosign signature is invalid");
    }
}

#[test]
fn public_keys_are_those_of_rfc_8032() {
    for (private, public) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        ),
    ] {
        let authextra = authextra(&bytes(private).unwrap(), None);
        assert_eq!(authextra.get("pubkey").and_then(Value::as_str), Some(public));
    }
}

#[test]
fn malformed_signatures_are_wrong() {
    let [key, text, right, _] = VECTORS[0];
    let (key, text) = (bytes(key).unwrap(), bytes(text).unwrap());
    let flipped = format!("{}a{}", &right[..20], &right[21..]);
    let other_message = format!("{}{}", &right[..128], "0".repeat(64));
    for wrong in ["", "zz", &right[..128], &right[1..], &flipped, &other_message] {
        assert!(pending(&key, text, None).finish(wrong).is_err(), "{wrong}");
    }
    let upper = right.to_uppercase();
    assert!(pending(&key, text, None).finish(&upper).is_ok());
}

#[test]
fn weak_and_malformed_keys_get_no_further() {
    // The first is of low order: one signature would be right for all messages.
    let weak = format!("01{}", "0".repeat(62));
    let signature = format!("01{}", "0".repeat(126));
    let hello = |key: Value| HelloAuth {
        authextra: Dict::from_iter([("pubkey", key)]),
        ..HelloAuth::default()
    };
    let read = Hello::read(&hello(weak.as_str().into()), None).unwrap();
    let identity = Some(Identity::new("ann", "user", "static"));
    let signed = format!("{signature}{}", "0".repeat(64));
    let pending = Pending { hello: read, challenge: [0; 32], identity };
    assert!(pending.finish(&signed).is_err());
    let off_curve = format!("02{}", "0".repeat(62));
    for key in [Value::Null, 1_i64.into(), "ab".into(), "zz".repeat(32).into(), off_curve.into()] {
        let refused = Hello::read(&hello(key), None).unwrap_err();
        assert!(refused.message.contains("authextra.pubkey"), "{refused}");
    }
}

#[test]
fn clients_sign_only_what_is_bound_as_they_want() {
    let [key, text, ..] = VECTORS[0];
    let key = bytes(key).unwrap();
    let id = Some([9; 32]);
    assert!(answer(&key, None, &Dict::from_iter([("challenge", text)])).is_ok());
    assert!(answer(&key, id, &challenge(text, None)).is_err());
    assert!(answer(&key, None, &challenge(text, id)).is_err());
    for wrong in [Value::Null, 1_i64.into(), "abc".into(), text[2..].into(), "é".repeat(32).into()]
    {
        assert!(answer(&key, None, &Dict::from_iter([("challenge", wrong)])).is_err());
    }
}
