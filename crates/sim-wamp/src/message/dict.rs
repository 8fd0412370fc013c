//! The dictionary of a message (options or details), read field by field.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Violation;

/// The fields of a dictionary, unparsed.
#[derive(Debug, Default)]
pub(super) struct Dict<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Dict<'a> {
    /// Reads a dictionary; `null`, as JavaScript writes what it does not have, is an empty one.
    pub(super) fn read(raw: &'a RawValue, what: &'static str) -> Result<Self, Violation> {
        match raw.get() {
            "{}" | "null" => Ok(Self::default()),
            text => serde_json::from_str(text).map_err(|_| Violation::wrong(what, "a dictionary")),
        }
    }

    /// Finds a field that is present and not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let field = self.0.iter().rev().find(|(key, _)| key == name)?;
        Some(field.1.get()).filter(|text| *text != "null")
    }

    /// Reads a field as whatever is wanted.
    pub(super) fn read_as<T: Deserialize<'a>>(
        &self,
        name: &'static str,
        wanted: &'static str,
    ) -> Result<Option<T>, Violation> {
        self.get(name)
            .map(|text| serde_json::from_str(text).map_err(|_| Violation::wrong(name, wanted)))
            .transpose()
    }

    /// Reads a field that is a truth value and false by default.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Violation> {
        Ok(self.read_as(name, "true or false")?.unwrap_or(false))
    }

    /// Reads a text.
    pub(super) fn string(&self, name: &'static str) -> Result<Option<String>, Violation> {
        self.read_as(name, "a text")
    }

    /// Reads a list of texts.
    pub(super) fn strings(&self, name: &'static str) -> Result<Option<Vec<String>>, Violation> {
        self.read_as(name, "a list of texts")
    }

    /// Reads a list of ids.
    pub(super) fn ids(&self, name: &'static str) -> Result<Option<Vec<u64>>, Violation> {
        self.read_as(name, "a list of ids")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Dict<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Dict<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dictionary")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(key) = map.next_key::<Name<'de>>()? {
                    fields.push((key.0, map.next_value()?));
                }
                Ok(Dict(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A key that is borrowed where its text has no escapes.
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

/// The elements of a message, unparsed; no message has more than [`Elements::MOST`].
#[derive(Debug, Default)]
pub(super) struct Elements<'a> {
    elements: [Option<&'a RawValue>; Elements::MOST],
    pub(super) count: usize,
}

impl<'a> Elements<'a> {
    /// The longest messages are ERROR, with its type, kind, request, details, URI and payload,
    /// and INVOCATION and EVENT, which are one shorter.
    const MOST: usize = 7;

    /// Returns an element that must be there.
    pub(super) fn get(&self, index: usize, name: &'static str) -> Result<&'a RawValue, Violation> {
        self.optional(index).ok_or(Violation::Missing(name))
    }

    /// Returns an element that may be missing.
    pub(super) fn optional(&self, index: usize) -> Option<&'a RawValue> {
        self.elements.get(index).copied().flatten()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Elements::default();
                while elements.count < Elements::MOST {
                    let Some(element) = seq.next_element()? else { return Ok(elements) };
                    elements.elements[elements.count] = Some(element);
                    elements.count += 1;
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    elements.count += 1;
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(Array)
    }
}
