//! What goes wrong in a call, as its author says it and as its caller reads it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde_json::{Map, Value, json};

/// What a handler returns.
pub type CallResult<T> = Result<T, CallError>;

/// Why a call failed.
///
/// Constructors say what is meant; [`CallError::uri`] is the one place that maps a meaning to the
/// wire. Any `std::error::Error` becomes an *internal* error by `?`: it is logged once, and the
/// player reads a neutral text. For that reason this type does not itself implement `Error`.
pub struct CallError(Box<Parts>);

/// The parts of an error, boxed because results are passed around far more often than errors.
struct Parts {
    uri: Cow<'static, str>,
    args: Vec<Value>,
    kwargs: Map<String, Value>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The one text for a scope that does not exist and for one that the caller may not see, so that
/// nobody learns which keys exist.
const FORBIDDEN: &str = "you may not do this here";

impl CallError {
    pub(crate) const UNAVAILABLE: &str = "wamp.error.unavailable";
    /// The URI of [`Self::not_found`].
    pub const NOT_FOUND: &str = "application.error.not_found";
    /// The URI of [`Self::conflict`].
    pub const CONFLICT: &str = "application.error.conflict";

    /// The URI of [`Self::invalid_argument`].
    pub const INVALID_ARGUMENT: &str = "wamp.error.invalid_argument";

    fn new(uri: &'static str, message: impl Into<String>) -> Self {
        Self::from_parts(Cow::Borrowed(uri), vec![Value::String(message.into())], Map::new())
    }

    /// The call's arguments are not what the procedure takes.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(Self::INVALID_ARGUMENT, message)
    }

    /// The caller has no business calling this. There is one text for every reason.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new("wamp.error.not_authorized", FORBIDDEN)
    }

    /// The call came too late, or twice, or contradicts what others did meanwhile.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Self::CONFLICT, message)
    }

    /// Something that the caller may see, but that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Self::NOT_FOUND, message)
    }

    /// The run cannot go to the phase that was asked for.
    pub fn change_phase(message: impl Into<String>) -> Self {
        Self::new("application.error.change_phase", message)
    }

    /// There is no such procedure.
    #[must_use]
    pub fn no_such_procedure(uri: &str) -> Self {
        Self::new("wamp.error.no_such_procedure", format!("there is no procedure `{uri}`"))
    }

    /// The service cannot do it at the moment; nothing was stored, and a repetition may succeed.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Self::UNAVAILABLE, message)
    }

    /// A form's error, which a browser shows beside its fields.
    ///
    /// `fields` maps a field's name to its message; `_error` holds the message for the whole form.
    #[must_use]
    pub fn validation(form: &str, fields: Map<String, Value>) -> Self {
        let args = vec![json!(form), Value::Object(fields)];
        Self::from_parts("application.error.validation_error".into(), args, Map::new())
    }

    /// A fault of the service's own. The cause goes to the log, never to the caller.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let message = "something went wrong in the service; the fault was logged";
        Self::new("wamp.error.runtime_error", message).because(cause)
    }

    /// The same, with a cause for the log: it is a fault of the game's or of the service's.
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// An error of the game's own, with a URI of the game's own.
    pub fn application(uri: impl Into<String>, args: Vec<Value>) -> Self {
        Self::from_parts(Cow::Owned(uri.into()), args, Map::new())
    }

    /// The error's URI on the wire.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.0.uri
    }

    /// The error's positional arguments on the wire; the first is a text for people.
    #[must_use]
    pub fn args(&self) -> &[Value] {
        &self.0.args
    }

    /// The error's keyword arguments on the wire.
    #[must_use]
    pub fn kwargs(&self) -> &Map<String, Value> {
        &self.0.kwargs
    }

    /// The cause of an internal error, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    pub(crate) fn from_parts(
        uri: Cow<'static, str>,
        args: Vec<Value>,
        kwargs: Map<String, Value>,
    ) -> Self {
        Self(Box::new(Parts { uri, args, kwargs, cause: None }))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for CallError {
    fn from(cause: E) -> Self {
        Self::internal(cause)
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallError")
            .field("uri", &self.0.uri)
            .field("args", &self.0.args)
            .field("cause", &self.0.cause.as_ref().map(ToString::to_string))
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.args.first() {
            Some(Value::String(message)) => write!(f, "{message} ({})", self.0.uri),
            _ => f.write_str(&self.0.uri),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CallResult<i64> {
        Ok(text.parse::<i64>()?)
    }

    #[test]
    fn any_error_becomes_internal_and_its_cause_stays_inside() {
        let error = parse("secret").unwrap_err();
        assert_eq!(error.uri(), "wamp.error.runtime_error");
        assert!(error.cause().unwrap().to_string().contains("invalid digit"));
        let sent = serde_json::to_string(&(error.args(), error.kwargs())).unwrap();
        assert!(!sent.contains("invalid digit"), "{sent}");
    }

    #[test]
    fn a_form_error_names_the_form_and_its_fields() {
        let fields = Map::from_iter([("operand".to_owned(), json!("too large"))]);
        let error = CallError::validation("decision", fields);
        assert_eq!(error.uri(), "application.error.validation_error");
        assert_eq!(error.args(), [json!("decision"), json!({"operand": "too large"})]);
    }

    #[test]
    fn what_may_not_be_seen_has_one_text() {
        assert_eq!(CallError::forbidden().args(), CallError::forbidden().args());
        assert_eq!(
            CallError::forbidden().to_string(),
            "you may not do this here (wamp.error.not_authorized)"
        );
    }
}
