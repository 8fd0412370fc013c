//! Fields: their kinds and the values that they hold.

use std::borrow::Cow;

use sim_games_types::Resource;

/// A value as it is stored: JSON as text, times as microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// No value.
    Null,
    /// A flag.
    Bool(bool),
    /// A number, a key or a time.
    Int(i64),
    /// A text, or JSON.
    Text(Cow<'static, str>),
}

impl Cell {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) => None,
        }
    }

    pub(crate) const fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A trimmed text of at most so many characters.
    Text { max: usize, blank: bool },
    /// A name for URLs.
    Slug { max: usize },
    /// An e-mail address.
    Email,
    /// A web address.
    Url,
    /// The hash of a password, or the secret of a signature; never part of an answer.
    Password,
    /// A flag.
    Bool,
    /// A whole number between two bounds.
    Integer { min: i64, max: i64 },
    /// Any JSON.
    Json,
    /// A rectangular array of arrays of whole numbers.
    Matrix,
    /// The key of a row of another resource.
    Key(Resource),
    /// A point in time.
    Time,
}

/// A field of a resource.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name in JSON and in the database.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// Whether a new object must have it.
    pub(crate) required: bool,
    /// Whether it may be null.
    pub(crate) null: bool,
    /// What it holds when a new object does not say.
    pub(crate) default: Cell,
}

impl Field {
    /// A field that every new object must have.
    pub(crate) const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true, null: false, default: Cell::Null }
    }

    /// A field with a default value.
    pub(crate) const fn optional(name: &'static str, kind: Kind, default: Cell) -> Self {
        Self { name, kind, required: false, null: false, default }
    }

    /// A field that is null when a new object does not say.
    pub(crate) const fn nullable(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, null: true, default: Cell::Null }
    }

    /// A flag.
    pub(crate) const fn flag(name: &'static str, default: bool) -> Self {
        Self::optional(name, Kind::Bool, Cell::Bool(default))
    }

    /// A text that may be empty.
    pub(crate) const fn text(name: &'static str, max: usize) -> Self {
        Self::optional(name, Kind::Text { max, blank: true }, EMPTY_TEXT)
    }

    /// The required, non-empty name of an object.
    pub(crate) const fn name() -> Self {
        Self::required("name", Kind::Text { max: 100, blank: false })
    }

    /// What an author keeps in an object.
    pub(crate) const fn data() -> Self {
        Self::optional("data", Kind::Json, Cell::Text(Cow::Borrowed("{}")))
    }

    /// The key of a parent.
    pub(crate) const fn parent(resource: Resource) -> Self {
        Self::required(resource.name(), Kind::Key(resource))
    }

    /// The key of another object, or null.
    pub(crate) const fn link(resource: Resource) -> Self {
        Self::nullable(resource.name(), Kind::Key(resource))
    }
}

pub(crate) const EMPTY_TEXT: Cell = Cell::Text(Cow::Borrowed(""));
