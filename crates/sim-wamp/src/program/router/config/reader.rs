//! Reads a configuration key by key, and goes on behind what is wrong, so that all of it is told.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::program::duration;

/// What is wrong with a text, each with the line where it stands.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

/// A table, out of which each key is taken that is known.
#[derive(Debug)]
pub(super) struct Section<'a> {
    problems: &'a Problems<'a>,
    /// How its keys are called, with a dot at the end; nothing for the whole text.
    prefix: String,
    /// Where it begins.
    at: usize,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

/// A value, with the place where it stands.
#[derive(Debug)]
pub(super) struct Field<'a> {
    problems: &'a Problems<'a>,
    place: String,
    at: usize,
    value: &'a DeValue<'a>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Notes what is wrong at a byte of the text.
    pub(super) fn add(&self, at: usize, text: impl Display) {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.found.borrow_mut().push((line, format!("line {line}: {text}")));
    }

    /// Returns everything that was noted, in the order of the text.
    pub(super) fn into_lines(self) -> Vec<String> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(line, _)| *line);
        found.into_iter().map(|(_, text)| text).collect()
    }
}

impl<'a> Section<'a> {
    /// Begins with the whole text.
    pub(super) fn whole(problems: &'a Problems<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        let entries = table.get_ref();
        Self { problems, prefix: String::new(), at: 0, entries, known: Vec::new() }
    }

    /// Takes a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let (name, value) = self.entries.get_key_value(key)?;
        Some(Field {
            problems: self.problems,
            place: format!("{}{key}", self.prefix),
            at: name.span().start,
            value: value.get_ref(),
        })
    }

    /// Says whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Takes a key and reads it, if it is there and is right.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        self.take(key).and_then(|field| read(&field))
    }

    /// Takes a key that must be there and reads it, if it is right; `advice` says what to do
    /// about a missing one.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        advice: &str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        let field = self.take(key);
        if field.is_none() {
            self.wrong(key, format_args!("is missing: {advice}"));
        }
        field.and_then(|field| read(&field))
    }

    /// Takes a key with a list of tables, which may be missing.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let items = self.read(key, Field::items).unwrap_or_default();
        items.iter().filter_map(Field::section).collect()
    }

    /// Takes a key with a list of tables, of which there must be one.
    pub(super) fn need_sections(&mut self, key: &'static str, advice: &str) -> Vec<Self> {
        let items = self.need(key, advice, Field::items);
        if items.as_ref().is_some_and(Vec::is_empty) {
            self.wrong(key, format_args!("is empty: {advice}"));
        }
        items.iter().flatten().filter_map(Field::section).collect()
    }

    /// Notes what is wrong with a key that is not there, or with several together.
    pub(super) fn wrong(&self, key: &str, text: impl Display) {
        self.problems.add(self.at, format_args!("`{}{key}` {text}", self.prefix));
    }

    /// Notes all keys that nobody has asked for.
    pub(super) fn finish(self) {
        for name in self.entries.keys() {
            let key: &str = name.get_ref();
            if !self.known.contains(&key) {
                let mut known = self.known.clone();
                known.sort_unstable();
                let known = known.join("`, `");
                let text = format!("`{}{key}` is unknown: choose among `{known}`", self.prefix);
                self.problems.add(name.span().start, text);
            }
        }
    }
}

impl<'a> Field<'a> {
    /// Notes what is wrong with the value.
    pub(super) fn wrong(&self, text: impl Display) {
        self.problems.add(self.at, format_args!("`{}` {text}", self.place));
    }

    /// Notes what the value ought to be.
    fn expected<T>(&self, what: impl Display) -> Option<T> {
        self.wrong(format_args!("must be {what}"));
        None
    }

    /// Reads a text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) if !text.is_empty() => Some(text.as_ref()),
            DeValue::String(_) => self.expected("a text that is not empty"),
            _ => self.expected("a text in quotes"),
        }
    }

    /// Reads a text that may be empty.
    pub(super) fn any_text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.expected("a text in quotes"),
        }
    }

    /// Reads a text by rules of its own.
    pub(super) fn parse<T, E: Display>(
        &self,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        parse(self.text()?).map_err(|error| self.wrong(error)).ok()
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.expected("`true` or `false`"),
        }
    }

    /// Reads an integer within bounds.
    pub(super) fn integer<N: TryFrom<u64>>(&self, bounds: &RangeInclusive<u64>) -> Option<N> {
        let number = match self.value {
            DeValue::Integer(integer) => {
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            _ => None,
        };
        let number = number.filter(|number| bounds.contains(number));
        let number = number.and_then(|number| N::try_from(number).ok());
        let (least, most) = (bounds.start(), bounds.end());
        number.or_else(|| self.expected(format_args!("an integer from {least} to {most}")))
    }

    /// Reads a number of seconds, or a text such as `10s`.
    pub(super) fn duration(&self) -> Option<Duration> {
        let duration = match self.value {
            DeValue::Integer(integer) if integer.radix() == 10 => duration::parse(integer.as_str()),
            DeValue::Float(seconds) => duration::parse(seconds.as_str()),
            DeValue::String(text) => duration::parse(text),
            _ => Err(duration::EXPECTED),
        };
        duration.map_err(|advice| self.wrong(format_args!("is no duration: {advice}"))).ok()
    }

    /// Reads one of several words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let word = self.value.as_str();
        let chosen = choices.iter().find(|(name, _)| Some(*name) == word);
        chosen.map(|(_, value)| *value).or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.expected(format_args!("one of {}", names.join(", ")))
        })
    }

    /// Reads a list.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        let DeValue::Array(items) = self.value else { return self.expected("a list") };
        let field = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| Self {
            problems: self.problems,
            place: format!("{}[{index}]", self.place),
            at: item.span().start,
            value: item.get_ref(),
        };
        Some(items.iter().enumerate().map(field).collect())
    }

    /// Reads a table.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        let DeValue::Table(entries) = self.value else { return self.expected("a table") };
        let (problems, prefix, at) = (self.problems, format!("{}.", self.place), self.at);
        Some(Section { problems, prefix, at, entries, known: Vec::new() })
    }
}
