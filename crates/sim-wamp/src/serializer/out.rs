//! Writing an envelope in any serialization.

use serde::Serialize;

use super::Serializer;
use crate::Dict;

/// A message that is being written.
///
/// Dictionaries are closed by [`Out::end`], which puts their number of entries into the byte that
/// was kept for it: in an envelope none has more than [`Out::MOST`].
#[derive(Debug)]
pub(crate) struct Out {
    serializer: Serializer,
    bytes: Vec<u8>,
    /// Where the open dictionaries begin, and how many entries they have.
    open: Vec<(usize, u8)>,
    /// Whether JSON has a comma before what comes next.
    comma: bool,
}

impl Out {
    /// The most entries of a dictionary whose head is one byte in MessagePack and in CBOR.
    pub(crate) const MOST: u8 = 15;

    /// Starts a message, which is a list, of so many elements.
    pub(crate) fn message(serializer: Serializer, elements: usize, capacity: usize) -> Self {
        let bytes = Vec::with_capacity(capacity);
        let mut out = Self { serializer, bytes, open: Vec::new(), comma: false };
        out.list(elements);
        out
    }

    /// Ends the message.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.end_list();
        self.bytes
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.comma, true) && self.serializer == Serializer::Json {
            self.bytes.push(b',');
        }
    }

    /// Starts a list of so many elements, to be ended by [`Out::end_list`].
    pub(crate) fn list(&mut self, elements: usize) -> &mut Self {
        self.separate();
        match self.serializer {
            Serializer::Json => self.bytes.push(b'['),
            Serializer::MsgPack => match elements {
                0..16 => self.bytes.push(0x90 | elements as u8),
                16..0x1_0000 => {
                    self.bytes.push(0xdc);
                    self.bytes.extend((elements as u16).to_be_bytes());
                }
                _ => {
                    self.bytes.push(0xdd);
                    self.bytes.extend((elements as u32).to_be_bytes());
                }
            },
            Serializer::Cbor => self.cbor_head(0x80, elements as u64),
        }
        self.comma = false;
        self
    }

    /// Ends a list.
    pub(crate) fn end_list(&mut self) -> &mut Self {
        if self.serializer == Serializer::Json {
            self.bytes.push(b']');
        }
        self.comma = true;
        self
    }

    /// Starts a dictionary.
    pub(crate) fn dict(&mut self) -> &mut Self {
        self.separate();
        self.open.push((self.bytes.len(), 0));
        self.bytes.push(if self.serializer == Serializer::Json { b'{' } else { 0 });
        self.comma = false;
        self
    }

    /// Ends a dictionary.
    pub(crate) fn end(&mut self) -> &mut Self {
        let (start, entries) = self.open.pop().expect("every `end` has its `dict`");
        debug_assert!(entries <= Self::MOST, "an envelope's dictionary has too many entries");
        match self.serializer {
            Serializer::Json => self.bytes.push(b'}'),
            Serializer::MsgPack => self.bytes[start] = 0x80 | entries,
            Serializer::Cbor => self.bytes[start] = 0xa0 | entries,
        }
        self.comma = true;
        self
    }

    /// Starts an entry of a dictionary; its value comes next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        if let Some((_, entries)) = self.open.last_mut() {
            *entries += 1;
        }
        if self.serializer == Serializer::Json {
            self.bytes.push(b':');
        }
        self.comma = false;
        self
    }

    /// Writes an integer.
    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        self.separate();
        match self.serializer {
            Serializer::Json => self.json(&value),
            Serializer::MsgPack => {
                rmp::encode::write_uint(&mut self.bytes, value).expect(NEVER_FULL);
            }
            Serializer::Cbor => self.cbor_head(0, value),
        }
        self
    }

    /// Writes a truth value.
    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        let bytes: &[u8] = match (self.serializer, value) {
            (Serializer::Json, true) => b"true",
            (Serializer::Json, false) => b"false",
            (Serializer::MsgPack, true) => &[0xc3],
            (Serializer::MsgPack, false) => &[0xc2],
            (Serializer::Cbor, true) => &[0xf5],
            (Serializer::Cbor, false) => &[0xf4],
        };
        self.raw(bytes)
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        match self.serializer {
            Serializer::Json => self.json(text),
            Serializer::MsgPack => {
                rmp::encode::write_str(&mut self.bytes, text).expect(NEVER_FULL);
            }
            Serializer::Cbor => {
                self.cbor_head(0x60, text.len() as u64);
                self.bytes.extend(text.as_bytes());
            }
        }
        self
    }

    /// Writes a list of texts.
    pub(crate) fn texts<T: AsRef<str>>(&mut self, texts: &[T]) -> &mut Self {
        self.list(texts.len());
        for text in texts {
            self.text(text.as_ref());
        }
        self.end_list()
    }

    /// Writes a list of ids.
    pub(crate) fn uints(&mut self, ids: &[u64]) -> &mut Self {
        self.list(ids.len());
        for id in ids {
            self.uint(*id);
        }
        self.end_list()
    }

    /// Writes a dictionary of any size.
    pub(crate) fn values(&mut self, dict: &Dict) -> &mut Self {
        let written = self.serializer.write(dict);
        self.raw(&written.expect("a dictionary of values can be written in every serialization"))
    }

    /// Puts in what is written already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.separate();
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut self.bytes, value).expect(NEVER_FULL);
    }

    fn cbor_head(&mut self, major: u8, value: u64) {
        match value {
            0..24 => self.bytes.push(major | value as u8),
            24..0x100 => self.bytes.extend([major | 24, value as u8]),
            0x100..0x1_0000 => {
                self.bytes.push(major | 25);
                self.bytes.extend((value as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.bytes.push(major | 26);
                self.bytes.extend((value as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(major | 27);
                self.bytes.extend(value.to_be_bytes());
            }
        }
    }
}

const NEVER_FULL: &str = "writing to memory does not fail";
