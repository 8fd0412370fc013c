//! Bytes are taken apart alike in every serialization, and what is malformed is refused.

use proptest::prelude::*;

use super::*;
use crate::{Dict, Value};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |it| it.is_finite()).prop_map(Value::Float),
        "\\PC{0,40}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            proptest::collection::vec(("[a-z]{0,3}", inner), 0..6)
                .prop_map(|entries| Value::Dict(entries.into_iter().collect::<Dict>())),
        ]
    })
}

proptest! {
    #[test]
    fn values_survive_every_serialization(value in value()) {
        for serializer in Serializer::ALL {
            let bytes = serializer.write(&value).unwrap();
            prop_assert_eq!(serializer.read::<Value>(&bytes), Some(value.clone()));
        }
    }

    #[test]
    fn elements_are_the_bytes_that_were_written(list in proptest::collection::vec(value(), 0..10)) {
        for serializer in Serializer::ALL {
            let bytes = serializer.write(&list).unwrap();
            let elements = serializer.elements(&bytes).unwrap();
            prop_assert_eq!(elements.count, list.len());
            for (index, value) in list.iter().enumerate().take(7) {
                let raw = elements.get(index).unwrap();
                prop_assert_eq!(serializer.read::<Value>(raw), Some(value.clone()));
            }
            prop_assert_eq!(elements.get(list.len()), None);
        }
    }

    #[test]
    fn fields_are_the_bytes_that_were_written(entries in proptest::collection::vec(("[a-z]{1,4}", value()), 0..10)) {
        let dict: Dict = entries.into_iter().collect();
        for serializer in Serializer::ALL {
            let bytes = serializer.write(&dict).unwrap();
            let read: Dict = serializer
                .fields(&bytes)
                .unwrap()
                .into_iter()
                .map(|(name, raw)| (name.into_owned(), serializer.read::<Value>(raw).unwrap()))
                .collect();
            prop_assert_eq!(&read, &dict);
        }
    }

    #[test]
    fn a_message_that_is_cut_short_or_goes_on_is_refused(list in proptest::collection::vec(value(), 1..5), cut in any::<prop::sample::Index>()) {
        for serializer in Serializer::ALL {
            let mut bytes = serializer.write(&list).unwrap();
            prop_assert!(serializer.elements(&bytes[..cut.index(bytes.len())]).is_err());
            bytes.push(0x01);
            prop_assert!(serializer.elements(&bytes).is_err());
        }
    }

    #[test]
    fn garbage_is_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for serializer in Serializer::ALL {
            drop(serializer.elements(&bytes));
            drop(serializer.fields(&bytes));
            drop(serializer.read::<Value>(&bytes));
        }
    }
}

#[test]
fn deep_nesting_is_refused_at_the_same_depth_everywhere() {
    let nested = |serializer, depth: usize| -> Vec<u8> {
        match serializer {
            Serializer::Json => [vec![b'['; depth], vec![b']'; depth]].concat(),
            Serializer::MsgPack => [vec![0x91; depth - 1], vec![0x90]].concat(),
            Serializer::Cbor => [vec![0x81; depth - 1], vec![0x80]].concat(),
        }
    };
    for serializer in Serializer::ALL {
        assert!(serializer.elements(&nested(serializer, MAX_DEPTH)).is_ok(), "{serializer:?}");
        for depth in [MAX_DEPTH + 1, 200_000] {
            let refused = serializer.elements(&nested(serializer, depth)).unwrap_err();
            assert_eq!(refused, Malformed::Depth, "{serializer:?} {depth}");
        }
        // What the parsers themselves are asked to read is never that deep.
        assert!(serializer.read::<Value>(&nested(serializer, MAX_DEPTH)).is_some());
    }
}

#[test]
fn huge_declared_lengths_and_broken_texts_are_refused() {
    for bytes in [
        // Lists, dictionaries, texts and bytes of 2^32 - 1 parts.
        &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
        &[0x91, 0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xc6, 0xff, 0xff, 0xff, 0xff],
        // A text that is not UTF-8, and a byte that MessagePack never uses.
        &[0x91, 0xa1, 0xff],
        &[0x91, 0xc1],
    ] {
        assert_eq!(Serializer::MsgPack.elements(bytes).unwrap_err(), Malformed::Syntax);
    }
    for bytes in [
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        &[0x81, 0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x81, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x81, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        // A text that is not UTF-8, reserved lengths, a lonely break, a piece of another kind.
        &[0x81, 0x61, 0xff],
        &[0x81, 0x1c],
        &[0x81, 0xff],
        &[0x81, 0x7f, 0x41, 0x61, 0xff],
        &[0x81, 0xf8, 0x10],
    ] {
        assert_eq!(Serializer::Cbor.elements(bytes).unwrap_err(), Malformed::Syntax);
    }
}

#[test]
fn cbor_without_lengths_is_understood() {
    let bytes = [
        0x9f, 0x01, 0x7f, 0x61, 0x61, 0x61, 0x62, 0xff, 0xbf, 0x61, 0x6b, 0xf9, 0x3e, 0x00, 0xff,
        0xff,
    ];
    let elements = Serializer::Cbor.elements(&bytes).unwrap();
    assert_eq!(elements.count, 3);
    let read = |index| Serializer::Cbor.read::<Value>(elements.get(index).unwrap());
    assert_eq!(read(1), Some(Value::Text("ab".to_owned())));
    let fields = Serializer::Cbor.fields(elements.get(2).unwrap()).unwrap();
    assert_eq!(fields[0].0, "k");
    assert_eq!(Serializer::Cbor.read::<Value>(fields[0].1), Some(Value::Float(1.5)));
}

#[test]
fn two_fields_of_one_name_are_refused() {
    let json = Serializer::Json.fields(br#"{"a":1,"\u0061":2}"#).unwrap_err();
    let msgpack = Serializer::MsgPack.fields(&[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2]).unwrap_err();
    let cbor = Serializer::Cbor.fields(&[0xa2, 0x61, b'a', 1, 0x61, b'a', 2]).unwrap_err();
    assert_eq!([json, msgpack, cbor], [Malformed::Duplicate; 3]);
}

#[test]
fn integers_may_come_as_floats_in_binary_serializations() {
    let float = Serializer::Cbor.write(&4_294_967_297.0).unwrap();
    assert_eq!(Serializer::Cbor.uint(&float), Some(4_294_967_297));
    for bad in [1.5, -1.0, f64::NAN, 1e300] {
        let float = Serializer::MsgPack.write(&bad).unwrap();
        assert_eq!(Serializer::MsgPack.uint(&float), None, "{bad}");
    }
    assert_eq!(Serializer::Json.uint(b"1.0"), None);
}
