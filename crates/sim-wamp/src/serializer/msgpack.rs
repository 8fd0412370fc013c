//! Taking MessagePack apart.

use std::borrow::Cow;

use rmp::Marker;

use super::{Elements, Fields, Kind, MAX_DEPTH, Malformed, has_duplicates};

pub(super) fn elements(bytes: &[u8]) -> Result<Elements<'_>, Malformed> {
    let mut rest = Rest(bytes);
    let Head::List(count) = rest.head()? else {
        rest = Rest(bytes);
        rest.skip(MAX_DEPTH)?;
        return Err(Malformed::Kind);
    };
    let mut elements = Elements::default();
    for _ in 0..count {
        elements.push(rest.item(MAX_DEPTH - 1)?);
    }
    rest.end()?;
    Ok(elements)
}

pub(super) fn fields(raw: &[u8]) -> Result<Fields<'_>, Malformed> {
    let mut rest = Rest(raw);
    let Head::Dict(count) = rest.head()? else { return Err(Malformed::Kind) };
    let mut fields = Fields::new();
    for _ in 0..count {
        let Head::Text(length) = rest.head()? else { return Err(Malformed::Kind) };
        let name = Cow::Borrowed(rest.text(length)?);
        fields.push((name, rest.item(MAX_DEPTH)?));
    }
    if has_duplicates(&fields) { Err(Malformed::Duplicate) } else { Ok(fields) }
}

pub(super) fn kind(first: u8) -> Kind {
    match Marker::from_u8(first) {
        Marker::Null => Kind::Null,
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => Kind::List,
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => Kind::Dict,
        _ => Kind::Other,
    }
}

/// What stands before a value's content.
enum Head {
    /// A value of so many bytes.
    Plain(usize),
    Text(usize),
    List(usize),
    Dict(usize),
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Syntax)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a length of one, two or four bytes.
    fn length(&mut self, bytes: usize) -> Result<usize, Malformed> {
        Ok(self.take(bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed::Syntax)
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Syntax) }
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let marker = Marker::from_u8(self.take(1)?[0]);
        Ok(match marker {
            Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => {
                Head::Plain(0)
            }
            Marker::U8 | Marker::I8 => Head::Plain(1),
            Marker::U16 | Marker::I16 | Marker::FixExt1 => Head::Plain(2),
            Marker::FixExt2 => Head::Plain(3),
            Marker::U32 | Marker::I32 | Marker::F32 => Head::Plain(4),
            Marker::FixExt4 => Head::Plain(5),
            Marker::U64 | Marker::I64 | Marker::F64 => Head::Plain(8),
            Marker::FixExt8 => Head::Plain(9),
            Marker::FixExt16 => Head::Plain(17),
            Marker::Bin8 => Head::Plain(self.length(1)?),
            Marker::Bin16 => Head::Plain(self.length(2)?),
            Marker::Bin32 => Head::Plain(self.length(4)?),
            // The type stands between the length and the content.
            Marker::Ext8 => Head::Plain(self.length(1)? + 1),
            Marker::Ext16 => Head::Plain(self.length(2)? + 1),
            Marker::Ext32 => Head::Plain(self.length(4)?.saturating_add(1)),
            Marker::FixStr(length) => Head::Text(length.into()),
            Marker::Str8 => Head::Text(self.length(1)?),
            Marker::Str16 => Head::Text(self.length(2)?),
            Marker::Str32 => Head::Text(self.length(4)?),
            Marker::FixArray(count) => Head::List(count.into()),
            Marker::Array16 => Head::List(self.length(2)?),
            Marker::Array32 => Head::List(self.length(4)?),
            Marker::FixMap(count) => Head::Dict(count.into()),
            Marker::Map16 => Head::Dict(self.length(2)?),
            Marker::Map32 => Head::Dict(self.length(4)?),
            Marker::Reserved => return Err(Malformed::Syntax),
        })
    }

    /// Steps over a value and returns its bytes.
    fn item(&mut self, depth: usize) -> Result<&'a [u8], Malformed> {
        let before = self.0;
        self.skip(depth)?;
        Ok(&before[..before.len() - self.0.len()])
    }

    fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        match self.head()? {
            Head::Plain(length) => self.take(length).map(drop),
            Head::Text(length) => self.text(length).map(drop),
            Head::List(_) | Head::Dict(_) if depth == 0 => Err(Malformed::Depth),
            // Each turn takes at least a byte, so that a declared count that is a lie ends soon.
            Head::List(count) => (0..count).try_for_each(|_| self.skip(depth - 1)),
            Head::Dict(count) => (0..count)
                .try_for_each(|_| self.skip(depth - 1).and_then(|()| self.skip(depth - 1))),
        }
    }
}
