//! The serializations: how messages become bytes, and how bytes are taken apart without reading
//! more of them than needed.

mod cbor;
mod json;
mod msgpack;
mod out;

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use out::Out;

use crate::Value;

/// How messages are written on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Serializer {
    /// JSON, as texts.
    #[default]
    Json,
    /// MessagePack.
    MsgPack,
    /// CBOR.
    Cbor,
}

impl Serializer {
    /// All serializations, the one that a router prefers first.
    pub const ALL: [Self; 3] = [Self::Json, Self::MsgPack, Self::Cbor];

    /// Returns the WebSocket subprotocol.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "wamp.2.json",
            Self::MsgPack => "wamp.2.msgpack",
            Self::Cbor => "wamp.2.cbor",
        }
    }

    /// Finds the serialization of a WebSocket subprotocol.
    #[must_use]
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|serializer| serializer.subprotocol() == name)
    }

    /// Returns the number that stands for it in the handshake of a raw socket.
    #[must_use]
    pub const fn raw_socket_number(self) -> u8 {
        match self {
            Self::Json => 1,
            Self::MsgPack => 2,
            Self::Cbor => 3,
        }
    }

    /// Finds the serialization of a number in the handshake of a raw socket.
    #[must_use]
    pub fn from_raw_socket_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|serializer| serializer.raw_socket_number() == number)
    }

    /// Says whether messages travel as texts, which are UTF-8, and not as binary frames.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Json)
    }

    /// Returns the short name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Cbor => "cbor",
        }
    }

    /// Splits a message into its elements; the whole of it is checked to be well formed.
    pub(crate) fn elements(self, bytes: &[u8]) -> Result<Elements<'_>, Malformed> {
        match self {
            Self::Json => json::elements(bytes),
            Self::MsgPack => msgpack::elements(bytes),
            Self::Cbor => cbor::elements(bytes),
        }
    }

    /// Splits a dictionary, of bytes that are known to be well formed, into its fields.
    pub(crate) fn fields(self, raw: &[u8]) -> Result<Fields<'_>, Malformed> {
        match self {
            Self::Json => json::fields(raw),
            Self::MsgPack => msgpack::fields(raw),
            Self::Cbor => cbor::fields(raw),
        }
    }

    /// Says what kind of value the bytes are.
    pub(crate) fn kind(self, raw: &[u8]) -> Kind {
        let Some(first) = raw.first() else { return Kind::Other };
        match self {
            Self::Json => json::kind(*first),
            Self::MsgPack => msgpack::kind(*first),
            Self::Cbor => cbor::kind(*first),
        }
    }

    /// Reads an integer that is not negative.
    pub(crate) fn uint(self, raw: &[u8]) -> Option<u64> {
        match self {
            Self::Json => std::str::from_utf8(raw).ok()?.parse().ok(),
            Self::MsgPack | Self::Cbor => match self.read(raw)? {
                // Some clients write large integers as floats, as JavaScript holds them.
                Value::Float(value)
                    if value.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&value) =>
                {
                    Some(value as u64)
                }
                other => other.as_u64(),
            },
        }
    }

    /// Reads a value, or nothing if the bytes are not such a one.
    pub(crate) fn read<T: DeserializeOwned>(self, raw: &[u8]) -> Option<T> {
        match self {
            Self::Json => serde_json::from_slice(raw).ok(),
            Self::MsgPack => rmp_serde::from_slice(raw).ok(),
            Self::Cbor => cbor4ii::serde::from_slice(raw).ok(),
        }
    }

    /// Writes a value, or nothing if it cannot be written.
    pub(crate) fn write<T: Serialize>(self, value: &T) -> Option<Vec<u8>> {
        match self {
            Self::Json => serde_json::to_vec(value).ok(),
            Self::MsgPack => rmp_serde::to_vec_named(value).ok(),
            Self::Cbor => cbor4ii::serde::to_vec(Vec::new(), value).ok(),
        }
    }
}

/// How deep a message may nest. What lies deeper is refused when it arrives and not where it is
/// read, by a parser that has a limit, too.
pub(crate) const MAX_DEPTH: usize = 120;

/// The largest integer up to which a float holds all integers.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// What kind of value some bytes are, as far as an envelope asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    List,
    Dict,
    Other,
}

/// Why bytes could not be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// They are not of this serialization at all, or end too early or too late.
    Syntax,
    /// They are well formed, but not a list or dictionary, whichever was wanted.
    Kind,
    /// They nest too deeply.
    Depth,
    /// A dictionary has two fields of one name.
    Duplicate,
}

/// The elements of a message, unread.
#[derive(Debug, Default)]
pub(crate) struct Elements<'a> {
    elements: [&'a [u8]; Elements::MOST],
    /// How many there are, also beyond those that are kept.
    pub(crate) count: usize,
}

/// The fields of a dictionary, unread.
pub(crate) type Fields<'a> = Vec<(Cow<'a, str>, &'a [u8])>;

impl<'a> Elements<'a> {
    /// The longest message is ERROR, with its type, kind, request, details, URI and payload.
    const MOST: usize = 7;

    fn push(&mut self, element: &'a [u8]) {
        if let Some(place) = self.elements.get_mut(self.count) {
            *place = element;
        }
        self.count += 1;
    }

    /// Returns an element, if there is one at this place.
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.elements.get(index).copied().filter(|_| index < self.count)
    }
}

/// Says whether two fields have one name. The peer chooses how many there are, so that not every
/// pair is compared.
fn has_duplicates(fields: &Fields<'_>) -> bool {
    if fields.len() < 2 {
        return false;
    }
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests;
