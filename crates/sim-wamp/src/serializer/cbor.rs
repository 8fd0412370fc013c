//! Taking CBOR (RFC 8949) apart.

use std::borrow::Cow;

use super::{Elements, Fields, Kind, MAX_DEPTH, Malformed, has_duplicates};

pub(super) fn elements(bytes: &[u8]) -> Result<Elements<'_>, Malformed> {
    let mut rest = Rest(bytes);
    let head = rest.head()?;
    if head.major != LIST {
        rest = Rest(bytes);
        rest.skip(MAX_DEPTH)?;
        return Err(Malformed::Kind);
    }
    let mut elements = Elements::default();
    let mut left = head.length;
    while rest.has_more(&mut left)? {
        elements.push(rest.item(MAX_DEPTH - 1)?);
    }
    if rest.0.is_empty() { Ok(elements) } else { Err(Malformed::Syntax) }
}

pub(super) fn fields(raw: &[u8]) -> Result<Fields<'_>, Malformed> {
    let mut rest = Rest(raw);
    let head = rest.head()?;
    if head.major != DICT {
        return Err(Malformed::Kind);
    }
    let mut fields = Fields::new();
    let mut left = head.length;
    while rest.has_more(&mut left)? {
        let name = rest.head()?;
        // A name in pieces is legal CBOR that nobody writes.
        let (TEXT, Some(length)) = (name.major, name.length) else { return Err(Malformed::Kind) };
        let name = Cow::Borrowed(rest.text(length)?);
        fields.push((name, rest.item(MAX_DEPTH)?));
    }
    if has_duplicates(&fields) { Err(Malformed::Duplicate) } else { Ok(fields) }
}

pub(super) fn kind(first: u8) -> Kind {
    match (first >> 5, first) {
        (_, NULL | UNDEFINED) => Kind::Null,
        (LIST, _) => Kind::List,
        (DICT, _) => Kind::Dict,
        _ => Kind::Other,
    }
}

/// The major types.
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const DICT: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

const NULL: u8 = 0xf6;
const UNDEFINED: u8 = 0xf7;
const BREAK: u8 = 0xff;

/// What stands before a value's content.
struct Head {
    major: u8,
    /// How long the content is, or nothing where a break ends it.
    length: Option<u64>,
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Syntax)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Syntax)?;
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self, length: u64) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed::Syntax)
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..24 => Some(info.into()),
            24..28 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
            }
            31 if (BYTES..=DICT).contains(&major) => None,
            _ => return Err(Malformed::Syntax),
        };
        // The argument of a two-byte simple value must not be one that fits into the first byte.
        if major == SIMPLE && info == 24 && argument < Some(32) {
            return Err(Malformed::Syntax);
        }
        Ok(Head { major, length: argument })
    }

    /// Says whether a list or dictionary goes on, and counts down or steps over the break.
    fn has_more(&mut self, left: &mut Option<u64>) -> Result<bool, Malformed> {
        match left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.0.first() == Some(&BREAK) => self.take(1).map(|_| false),
            None => Ok(true),
        }
    }

    /// Steps over a value and returns its bytes.
    fn item(&mut self, depth: usize) -> Result<&'a [u8], Malformed> {
        let before = self.0;
        self.skip(depth)?;
        Ok(&before[..before.len() - self.0.len()])
    }

    fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        let head = self.head()?;
        if (LIST..=TAG).contains(&head.major) && depth == 0 {
            return Err(Malformed::Depth);
        }
        let mut left = head.length;
        match head.major {
            BYTES | TEXT => self.string(&head),
            LIST => {
                while self.has_more(&mut left)? {
                    self.skip(depth - 1)?;
                }
                Ok(())
            }
            DICT => {
                while self.has_more(&mut left)? {
                    self.skip(depth - 1)?;
                    self.skip(depth - 1)?;
                }
                Ok(())
            }
            TAG => self.skip(depth - 1),
            // Integers, floats and simple values are all head.
            _ => Ok(()),
        }
    }

    /// Steps over bytes or a text, which may come in pieces.
    fn string(&mut self, head: &Head) -> Result<(), Malformed> {
        let piece = |rest: &mut Self, length| match head.major {
            TEXT => rest.text(length).map(drop),
            _ => rest.take(length).map(drop),
        };
        if let Some(length) = head.length {
            return piece(self, length);
        }
        while self.has_more(&mut None)? {
            match self.head()? {
                Head { major, length: Some(length) } if major == head.major => piece(self, length)?,
                _ => return Err(Malformed::Syntax),
            }
        }
        Ok(())
    }
}
