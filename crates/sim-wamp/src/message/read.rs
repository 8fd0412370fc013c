//! Reading the parts of an envelope, each checked for its type.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::id::MAX_ID;
use crate::payload::Encoded;
use crate::serializer::{Elements, Fields, Kind, MAX_DEPTH, Malformed};
use crate::{Dict, MatchPolicy, Passthru, Payload, Serializer};

/// What a message did wrong; its text goes into the ABORT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("message is not a list")]
    NotAList,
    #[error("message is not valid {0}")]
    Malformed(&'static str),
    #[error("message is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("message has the unknown type `{0}`")]
    UnknownType(u64),
    #[error("message has no `{0}`")]
    Missing(&'static str),
    #[error("message has {0} elements, which is more than its type has")]
    TooLong(usize),
    #[error("`{field}` must be {wanted}")]
    Wrong { field: &'static str, wanted: &'static str },
    #[error("`{0}` has two fields of one name")]
    Duplicate(&'static str),
    #[error("message {0} is not allowed here")]
    OutOfOrder(&'static str),
    #[error("request id `{0}` is that of a call which is still open")]
    RequestInUse(u64),
    #[error("HELLO did not announce the feature `{0}`")]
    Unannounced(&'static str),
}

impl Violation {
    pub(super) fn wrong(field: &'static str, wanted: &'static str) -> Self {
        Self::Wrong { field, wanted }
    }
}

/// The elements of one message.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    serializer: Serializer,
    /// The whole message, which the payload is a part of.
    bytes: &'a Bytes,
    elements: Elements<'a>,
}

impl<'a> Envelope<'a> {
    pub(super) fn open(serializer: Serializer, bytes: &'a Bytes) -> Result<Self, Violation> {
        let elements = serializer.elements(bytes).map_err(|malformed| match malformed {
            Malformed::Syntax => Violation::Malformed(match serializer {
                Serializer::Json => "JSON",
                Serializer::MsgPack => "MessagePack",
                Serializer::Cbor => "CBOR",
            }),
            Malformed::Depth => Violation::TooDeep,
            Malformed::Kind | Malformed::Duplicate => Violation::NotAList,
        })?;
        Ok(Self { serializer, bytes, elements })
    }

    /// Returns how many elements there are.
    pub(super) fn len(&self) -> usize {
        self.elements.count
    }

    fn get(&self, index: usize, name: &'static str) -> Result<&'a [u8], Violation> {
        self.elements.get(index).ok_or(Violation::Missing(name))
    }

    /// Reads a number that is no id.
    pub(super) fn number(&self, index: usize, name: &'static str) -> Result<u64, Violation> {
        let number = self.serializer.uint(self.get(index, name)?);
        number.ok_or(Violation::wrong(name, "an integer"))
    }

    /// Reads the id of a request. The specification starts them at 1, but browsers of old draw
    /// them from 0.
    pub(super) fn request(&self, index: usize) -> Result<u64, Violation> {
        let id = self.serializer.uint(self.get(index, "request")?);
        let id = id.filter(|id| *id <= MAX_ID);
        id.ok_or(Violation::wrong("request", "an integer from 0 to 2^53"))
    }

    /// Reads the id of something that the router has named.
    pub(super) fn id(&self, index: usize, name: &'static str) -> Result<u64, Violation> {
        let id = self.serializer.uint(self.get(index, name)?);
        id.filter(|id| (1..=MAX_ID).contains(id)).ok_or(Violation::wrong(name, ID))
    }

    /// Reads a text.
    pub(super) fn text(&self, index: usize, name: &'static str) -> Result<String, Violation> {
        let text = self.serializer.read(self.get(index, name)?);
        text.ok_or(Violation::wrong(name, "a text"))
    }

    /// Reads a URI.
    pub(super) fn uri(&self, index: usize, name: &'static str) -> Result<Arc<str>, Violation> {
        self.text(index, name).map(Arc::from)
    }

    /// Reads a dictionary.
    pub(super) fn options(
        &self,
        index: usize,
        name: &'static str,
    ) -> Result<Options<'a>, Violation> {
        Options::open(self.serializer, self.get(index, name)?, name)
    }

    /// Reads a dictionary that may be missing.
    pub(super) fn optional_options(
        &self,
        index: usize,
        name: &'static str,
    ) -> Result<Options<'a>, Violation> {
        match self.elements.get(index) {
            Some(raw) => Options::open(self.serializer, raw, name),
            None => Ok(Options { serializer: self.serializer, fields: Fields::new() }),
        }
    }

    /// Takes the last two elements as they are; `null`, as some clients write what they do not
    /// have, is an absent payload.
    pub(super) fn payload(&self, index: usize) -> Result<Payload, Violation> {
        let args = self.part(index, Kind::List, "args", "a list")?;
        let kwargs = self.part(index + 1, Kind::Dict, "kwargs", "a dictionary")?;
        Ok(Payload::encoded(self.serializer, Encoded { args, kwargs }))
    }

    fn part(
        &self,
        index: usize,
        kind: Kind,
        name: &'static str,
        wanted: &'static str,
    ) -> Result<Option<Bytes>, Violation> {
        let Some(raw) = self.elements.get(index) else { return Ok(None) };
        match self.serializer.kind(raw) {
            Kind::Null => Ok(None),
            found if found == kind => Ok(Some(self.bytes.slice_ref(raw))),
            _ => Err(Violation::wrong(name, wanted)),
        }
    }
}

pub(super) const ID: &str = "an integer from 1 to 2^53";

/// The fields of a dictionary, read one by one. Those that nobody asks for are not read, since
/// peers may send what only others understand.
#[derive(Debug)]
pub(super) struct Options<'a> {
    serializer: Serializer,
    fields: Fields<'a>,
}

impl<'a> Options<'a> {
    /// Opens a dictionary; `null`, as JavaScript writes what it does not have, is an empty one.
    fn open(serializer: Serializer, raw: &'a [u8], name: &'static str) -> Result<Self, Violation> {
        let fields = match serializer.kind(raw) {
            Kind::Null => Fields::new(),
            // Most of all dictionaries.
            Kind::Dict if raw.len() == 1 || raw == b"{}" => Fields::new(),
            _ => serializer.fields(raw).map_err(|malformed| match malformed {
                Malformed::Duplicate => Violation::Duplicate(name),
                _ => Violation::wrong(name, "a dictionary"),
            })?,
        };
        Ok(Self { serializer, fields })
    }

    /// Finds a field that is present and not `null`.
    fn get(&self, name: &str) -> Option<&'a [u8]> {
        let (_, raw) = self.fields.iter().find(|(key, _)| key == name)?;
        Some(*raw).filter(|raw| self.serializer.kind(raw) != Kind::Null)
    }

    /// Says whether a field is present.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn read<T: DeserializeOwned>(
        &self,
        name: &'static str,
        wanted: &'static str,
    ) -> Result<Option<T>, Violation> {
        let read = |raw| self.serializer.read(raw).ok_or(Violation::wrong(name, wanted));
        self.get(name).map(read).transpose()
    }

    /// Reads a truth value that is false by default.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Violation> {
        Ok(self.truth(name)?.unwrap_or(false))
    }

    /// Reads a truth value.
    pub(super) fn truth(&self, name: &'static str) -> Result<Option<bool>, Violation> {
        self.read(name, "true or false")
    }

    /// Reads a text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Violation> {
        self.read(name, "a text")
    }

    /// Reads a list of texts.
    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, Violation> {
        self.read(name, "a list of texts")
    }

    /// Reads an integer.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, Violation> {
        let read = |raw| self.serializer.uint(raw).ok_or(Violation::wrong(name, "an integer"));
        self.get(name).map(read).transpose()
    }

    /// Reads an id.
    pub(super) fn id(&self, name: &'static str) -> Result<Option<u64>, Violation> {
        let id = self.number(name).map_err(|_| Violation::wrong(name, ID))?;
        match id {
            Some(id) if !(1..=MAX_ID).contains(&id) => Err(Violation::wrong(name, ID)),
            id => Ok(id),
        }
    }

    /// Reads a list of ids.
    pub(super) fn ids(&self, name: &'static str) -> Result<Option<Vec<u64>>, Violation> {
        let wrong = Violation::wrong(name, "a list of ids");
        let ids: Option<Vec<u64>> = self.read(name, "a list of ids")?;
        match ids {
            Some(ids) if ids.iter().any(|id| !(1..=MAX_ID).contains(id)) => Err(wrong),
            ids => Ok(ids),
        }
    }

    /// Reads a dictionary of any values.
    pub(super) fn dict(&self, name: &'static str) -> Result<Option<Dict>, Violation> {
        self.read(name, "a dictionary")
    }

    /// Reads all fields as values.
    pub(super) fn values(&self, name: &'static str) -> Result<Dict, Violation> {
        let value = |raw| self.serializer.read::<crate::Value>(raw);
        let fields = self.fields.iter();
        let read: Option<Dict> =
            fields.map(|(key, raw)| Some((key.clone().into_owned(), value(raw)?))).collect();
        read.ok_or(Violation::wrong(name, "a dictionary of plain values"))
    }

    /// Opens a dictionary within the dictionary.
    pub(super) fn options(&self, name: &'static str) -> Result<Option<Self>, Violation> {
        self.get(name).map(|raw| Self::open(self.serializer, raw, name)).transpose()
    }

    /// Reads how URIs are compared.
    pub(super) fn policy(&self) -> Result<MatchPolicy, Violation> {
        let name = self.text("match")?;
        let policy = name.as_deref().map_or(Some(MatchPolicy::Exact), MatchPolicy::from_name);
        policy.ok_or(Violation::wrong("match", "`exact`, `prefix` or `wildcard`"))
    }

    /// Reads how the payload is packed.
    pub(super) fn passthru(&self) -> Result<Option<Box<Passthru>>, Violation> {
        let Some(scheme) = self.text("ppt_scheme")? else { return Ok(None) };
        Ok(Some(Box::new(Passthru {
            scheme,
            serializer: self.text("ppt_serializer")?,
            cipher: self.text("ppt_cipher")?,
            keyid: self.text("ppt_keyid")?,
        })))
    }
}
