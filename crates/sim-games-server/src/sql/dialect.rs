//! What the databases want said differently.

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Begins to read at one moment.
    pub(crate) const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// A key that may be null, as the natural indexes hold it: null equals null.
    pub(crate) fn null_key(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!("ifnull({name}, 0)"),
            Self::Postgres => format!("coalesce({name}, 0)"),
        }
    }

    /// A value of the type of keys.
    pub(crate) const fn key_place(self) -> &'static str {
        match self {
            Self::Sqlite => "?",
            // Without a type it would be a small number, as the 0 beside it.
            Self::Postgres => "CAST(? AS BIGINT)",
        }
    }

    /// The slug in the text of a game.
    pub(crate) const fn slug_of_game(self) -> &'static str {
        match self {
            Self::Sqlite => "g.payload ->> '$.slug'",
            Self::Postgres => "CAST(g.payload AS JSON) ->> 'slug'",
        }
    }
}
