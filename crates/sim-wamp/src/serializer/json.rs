//! Taking JSON apart.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Elements, Fields, Kind, MAX_DEPTH, Malformed, has_duplicates};

pub(super) fn elements(bytes: &[u8]) -> Result<Elements<'_>, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Syntax)?;
    if too_deep(text) {
        return Err(Malformed::Depth);
    }
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

pub(super) fn fields(raw: &[u8]) -> Result<Fields<'_>, Malformed> {
    let text = std::str::from_utf8(raw).map_err(|_| Malformed::Syntax)?;
    let FieldsOf(fields) = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if has_duplicates(&fields) { Err(Malformed::Duplicate) } else { Ok(fields) }
}

pub(super) fn kind(first: u8) -> Kind {
    match first {
        b'n' => Kind::Null,
        b'[' => Kind::List,
        b'{' => Kind::Dict,
        _ => Kind::Other,
    }
}

fn malformed(error: &serde_json::Error) -> Malformed {
    match error.classify() {
        Category::Data => Malformed::Kind,
        _ => Malformed::Syntax,
    }
}

/// Says whether brackets nest deeper than allowed. Counting all brackets first is much faster,
/// and nearly every message has fewer of them than the depth allowed.
fn too_deep(text: &str) -> bool {
    let brackets = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if brackets <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Elements::default();
                while let Some(element) = seq.next_element::<&'de RawValue>()? {
                    elements.push(element.get().as_bytes());
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// The fields of an object.
struct FieldsOf<'a>(Fields<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for FieldsOf<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = FieldsOf<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    fields.push((name.0, map.next_value::<&'de RawValue>()?.get().as_bytes()));
                }
                Ok(FieldsOf(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A name that is borrowed where its text has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
