//! What can go wrong in the store, and how a refused request is told which field is to blame.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sim_games_types::Resource;

/// Why something was not stored or could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Fields are missing, malformed or taken.
    #[error("invalid fields: {0}")]
    Invalid(FieldErrors),
    /// Some of several items are invalid; the others have an empty entry.
    #[error("invalid items: {}", list(.0))]
    InvalidItems(Vec<FieldErrors>),
    /// The row that was to be changed does not exist.
    #[error("{resource} `{pk}` does not exist")]
    NotFound {
        /// Its resource.
        resource: Resource,
        /// The key that was asked for.
        pk: i64,
    },
    /// What the writer had read has changed meanwhile; read again and repeat.
    #[error("{resource} `{pk}` was changed by another writer meanwhile, read again and repeat")]
    PreconditionFailed {
        /// The resource of the row, or of the parent whose children changed.
        resource: Resource,
        /// Its key.
        pk: i64,
    },
    /// The row is needed by others and cannot be deleted.
    #[error("{resource} `{pk}` is still in use, delete or change what refers to it first")]
    InUse {
        /// Its resource.
        resource: Resource,
        /// Its key.
        pk: i64,
    },
    /// The account is a superuser's, and who asks is none.
    #[error("{resource} `{pk}` is a superuser, let a superuser change it")]
    Forbidden {
        /// Its resource.
        resource: Resource,
        /// Its key.
        pk: i64,
    },
    /// The disk is full, or the database is unreachable, busy or damaged.
    #[error("not saved, try again: the database does not answer")]
    Unavailable {
        /// What the database said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Another process has the database open.
    #[error("the database `{}` is in use by another process, stop it or choose another file", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file or server does not hold a database of this program.
    #[error("`{database}` cannot be used as the database: {reason}")]
    Unusable {
        /// The database file, or the server's address without its password.
        database: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same request may succeed when it is repeated later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }
}

/// Why a user was not let in.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The user is unknown or inactive, or the password is wrong; which of them is not told.
    #[error("unknown user or wrong password")]
    Refused,
    /// There were too many failures for this account.
    #[error("too many failed logins, try again in {} s", retry_after.as_secs().max(1))]
    Limited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Messages per field: the body of a `400` answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Map<String, Value>);

impl FieldErrors {
    /// The key of messages that concern the object as a whole.
    pub const OBJECT: &'static str = "non_field_errors";

    /// A single message.
    #[must_use]
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.push(field, message);
        errors
    }

    /// Adds a message to a field.
    pub fn push(&mut self, field: &str, message: impl Into<String>) {
        let messages = self.0.entry(field).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(messages) = messages {
            messages.push(Value::String(message.into()));
        }
    }

    /// Sets what is said of a field, for fields that have messages by position.
    pub(crate) fn set(&mut self, field: &str, messages: Value) {
        self.0.insert(field.to_owned(), messages);
    }

    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a message for this field.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// The messages by field.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The messages as one sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let told = self.0.iter().map(|(field, messages)| {
            let texts: Option<Vec<&str>> =
                messages.as_array().and_then(|them| them.iter().map(Value::as_str).collect());
            let text = texts.map_or_else(|| messages.to_string(), |texts| texts.join(" "));
            if field == Self::OBJECT { text } else { format!("{field}: {text}") }
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The body of the answer.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).expect("a map of texts is always JSON");
        f.write_str(&text)
    }
}

fn list(items: &[FieldErrors]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
