//! Arguments as raw JSON text, which nobody on the way parses.

use std::sync::Arc;

use serde::Serialize;

/// The positional and keyword arguments of a message, as JSON text and cheap to clone.
///
/// Absent and empty arguments are told apart, as they are on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    args: Option<Arc<str>>,
    kwargs: Option<Arc<str>>,
}

impl Payload {
    /// Makes a payload without arguments.
    #[must_use]
    pub const fn empty() -> Self {
        Self { args: None, kwargs: None }
    }

    /// Serializes `args`, which should become a JSON array, and `kwargs`, an object.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn new(
        args: &impl Serialize,
        kwargs: Option<&impl Serialize>,
    ) -> Result<Self, serde_json::Error> {
        let kwargs = kwargs.map(serde_json::to_string).transpose()?;
        Ok(Self { args: Some(serde_json::to_string(args)?.into()), kwargs: kwargs.map(Arc::from) })
    }

    /// Serializes `args`, which should become a JSON array, without keyword arguments.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn from_args(args: &impl Serialize) -> Result<Self, serde_json::Error> {
        Self::new(args, None::<&()>)
    }

    /// Takes JSON text of the caller's making, which is trusted to be an array and an object.
    #[must_use]
    pub fn from_json<T: Into<Arc<str>>>(args: Option<T>, kwargs: Option<T>) -> Self {
        Self { args: args.map(Into::into), kwargs: kwargs.map(Into::into) }
    }

    /// Makes a payload whose only argument is a text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let text = serde_json::Value::from(text);
        Self { args: Some(format!("[{text}]").into()), kwargs: None }
    }

    /// Returns the positional arguments as the text of a JSON array.
    #[must_use]
    pub fn args_json(&self) -> &str {
        self.args.as_deref().unwrap_or("[]")
    }

    /// Returns the keyword arguments as the text of a JSON object.
    #[must_use]
    pub fn kwargs_json(&self) -> &str {
        self.kwargs.as_deref().unwrap_or("{}")
    }

    /// Says whether the message had positional arguments, if only an empty array.
    #[must_use]
    pub fn has_args(&self) -> bool {
        self.args.is_some()
    }

    /// Says whether the message had keyword arguments, if only an empty object.
    #[must_use]
    pub fn has_kwargs(&self) -> bool {
        self.kwargs.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_arguments_differ() {
        assert!(!Payload::empty().has_args());
        assert_eq!(Payload::empty().args_json(), "[]");
        assert_eq!(Payload::empty().kwargs_json(), "{}");
        let empty = Payload::from_json(Some("[]"), None);
        assert!(empty.has_args() && !empty.has_kwargs());
        assert_ne!(empty, Payload::empty());
    }

    #[test]
    fn values_become_json_text() {
        let payload = Payload::new(&(1, "a\"b"), Some(&[1])).unwrap();
        assert_eq!(payload.args_json(), r#"[1,"a\"b"]"#);
        assert_eq!(payload.kwargs_json(), "[1]");
        assert_eq!(Payload::text("a\"b").args_json(), r#"["a\"b"]"#);
    }
}
