//! The serializations: how a message becomes bytes.

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
}
