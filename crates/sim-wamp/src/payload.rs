//! The arguments of a message, which nobody on the way reads.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Dict, Serializer, Value};

/// The positional and keyword arguments of a message; cheap to clone.
///
/// They stay as they arrived, bytes of one serialization or values of this process, until
/// somebody asks for another form, which is then made once for all clones. Absent and empty
/// arguments are told apart, as they are on the wire.
#[derive(Debug, Clone, Default)]
pub struct Payload(Option<Arc<Content>>);

/// Arguments that do not exist in the form that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// They hold something that the serialization does not have.
    #[error("arguments cannot be written as `{0}`, which has no such values")]
    Untranslatable(&'static str),
    /// They are not of the wanted type.
    #[error("arguments are not of the wanted type")]
    WrongType,
}

#[derive(Debug)]
struct Content {
    origin: Origin,
    /// The forms that were made of it, by serialization.
    made: [OnceLock<Option<Box<Encoded>>>; 3],
}

#[derive(Debug)]
enum Origin {
    Encoded(Serializer, Encoded),
    Values { args: Option<Vec<Value>>, kwargs: Option<Dict> },
}

/// Arguments as bytes of one serialization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) args: Option<Bytes>,
    pub(crate) kwargs: Option<Bytes>,
}

impl Payload {
    /// Makes a payload without arguments.
    #[must_use]
    pub const fn empty() -> Self {
        Self(None)
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
        Ok(Self::from_json(Some(serde_json::to_string(args)?), kwargs))
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
    pub fn from_json<T>(args: Option<T>, kwargs: Option<T>) -> Self
    where
        T: AsRef<str> + Send + 'static,
    {
        let bytes = |text: T| Bytes::from_owner(Text(text));
        let encoded = Encoded { args: args.map(bytes), kwargs: kwargs.map(bytes) };
        Self::encoded(Serializer::Json, encoded)
    }

    /// Takes values as they are: within the process nobody serializes them.
    #[must_use]
    pub fn from_values(args: impl Into<Vec<Value>>, kwargs: Option<Dict>) -> Self {
        Self::of(Origin::Values { args: Some(args.into()), kwargs })
    }

    /// Makes a payload whose only argument is a text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::from_values([Value::from(text)], None)
    }

    /// Takes bytes that are known to be a list and a dictionary of this serialization.
    pub(crate) fn encoded(serializer: Serializer, encoded: Encoded) -> Self {
        if encoded.args.is_none() && encoded.kwargs.is_none() {
            return Self::empty();
        }
        Self::of(Origin::Encoded(serializer, encoded))
    }

    fn of(origin: Origin) -> Self {
        Self(Some(Arc::new(Content { origin, made: Default::default() })))
    }

    /// Returns the positional arguments as the text of a JSON array; `[]` also for what JSON
    /// cannot express, which [`Payload::values`] tells apart.
    #[must_use]
    pub fn args_json(&self) -> &str {
        self.json(|encoded| encoded.args.as_ref()).unwrap_or("[]")
    }

    /// Returns the keyword arguments as the text of a JSON object; `{}` also for what JSON cannot
    /// express, which [`Payload::values`] tells apart.
    #[must_use]
    pub fn kwargs_json(&self) -> &str {
        self.json(|encoded| encoded.kwargs.as_ref()).unwrap_or("{}")
    }

    /// Returns the arguments as values.
    ///
    /// # Errors
    /// When they hold what no other serialization has, such as a dictionary whose names are
    /// numbers.
    pub fn values(&self) -> Result<(Vec<Value>, Dict), PayloadError> {
        let Some(content) = &self.0 else { return Ok(Default::default()) };
        let values = content.values()?;
        Ok((
            values.0.map(Cow::into_owned).unwrap_or_default(),
            values.1.map(Cow::into_owned).unwrap_or_default(),
        ))
    }

    /// Reads the positional arguments as a type, such as a tuple or a list.
    ///
    /// # Errors
    /// When they are not of that type.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.read(|encoded| encoded.args.as_deref(), b"[]")
    }

    /// Reads the keyword arguments as a type, such as a struct.
    ///
    /// # Errors
    /// When they are not of that type.
    pub fn kwargs<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.read(|encoded| encoded.kwargs.as_deref(), b"{}")
    }

    /// Says whether the message had positional arguments, if only an empty list.
    #[must_use]
    pub fn has_args(&self) -> bool {
        match self.0.as_deref() {
            None => false,
            Some(Content { origin: Origin::Encoded(_, encoded), .. }) => encoded.args.is_some(),
            Some(Content { origin: Origin::Values { args, .. }, .. }) => args.is_some(),
        }
    }

    /// Says whether the message had keyword arguments, if only an empty dictionary.
    #[must_use]
    pub fn has_kwargs(&self) -> bool {
        match self.0.as_deref() {
            None => false,
            Some(Content { origin: Origin::Encoded(_, encoded), .. }) => encoded.kwargs.is_some(),
            Some(Content { origin: Origin::Values { kwargs, .. }, .. }) => kwargs.is_some(),
        }
    }

    /// Returns about how many bytes the payload holds on to.
    pub(crate) fn weight(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        match self.0.as_deref() {
            None => 0,
            Some(Content { origin: Origin::Encoded(_, encoded), .. }) => {
                length(&encoded.args) + length(&encoded.kwargs)
            }
            // Values come from this process itself, and are small.
            Some(Content { origin: Origin::Values { .. }, .. }) => size_of::<Content>(),
        }
    }

    /// Returns the arguments in a serialization, which is made at the first time for all clones.
    pub(crate) fn in_serializer(&self, serializer: Serializer) -> Result<&Encoded, PayloadError> {
        static EMPTY: Encoded = Encoded { args: None, kwargs: None };
        let Some(content) = &self.0 else { return Ok(&EMPTY) };
        content.in_serializer(serializer)
    }

    fn json(&self, part: fn(&Encoded) -> Option<&Bytes>) -> Option<&str> {
        let encoded = self.in_serializer(Serializer::Json).ok()?;
        part(encoded).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    fn read<T: DeserializeOwned>(
        &self,
        part: fn(&Encoded) -> Option<&[u8]>,
        absent: &[u8],
    ) -> Result<T, PayloadError> {
        let serializer = match self.0.as_deref() {
            Some(Content { origin: Origin::Encoded(serializer, _), .. }) => *serializer,
            _ => Serializer::Json,
        };
        let read = match part(self.in_serializer(serializer)?) {
            Some(bytes) => serializer.read(bytes),
            None => Serializer::Json.read(absent),
        };
        read.ok_or(PayloadError::WrongType)
    }
}

/// Two payloads are equal when they hold the same values, in whatever form.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        if self.has_args() != other.has_args() || self.has_kwargs() != other.has_kwargs() {
            return false;
        }
        match (&self.0, &other.0) {
            (Some(one), Some(other)) if Arc::ptr_eq(one, other) => true,
            _ => matches!((self.values(), other.values()), (Ok(one), Ok(other)) if one == other),
        }
    }
}

/// What a [`Payload`] holds as values, borrowed where it holds them already.
type Values<'a> = (Option<Cow<'a, [Value]>>, Option<Cow<'a, Dict>>);

impl Content {
    fn in_serializer(&self, serializer: Serializer) -> Result<&Encoded, PayloadError> {
        if let Origin::Encoded(own, encoded) = &self.origin
            && *own == serializer
        {
            return Ok(encoded);
        }
        let make = || self.make(serializer).map(Box::new);
        let made = self.made[serializer as usize].get_or_init(make);
        made.as_deref().ok_or(PayloadError::Untranslatable(serializer.name()))
    }

    fn make(&self, serializer: Serializer) -> Option<Encoded> {
        let (args, kwargs) = self.values().ok()?;
        let args = match args {
            Some(args) => Some(serializer.write(&&*args)?.into()),
            None => None,
        };
        let kwargs = match kwargs {
            Some(kwargs) => Some(serializer.write(&&*kwargs)?.into()),
            None => None,
        };
        Some(Encoded { args, kwargs })
    }

    fn values(&self) -> Result<Values<'_>, PayloadError> {
        match &self.origin {
            Origin::Values { args, kwargs } => {
                Ok((args.as_deref().map(Cow::Borrowed), kwargs.as_ref().map(Cow::Borrowed)))
            }
            Origin::Encoded(serializer, encoded) => {
                let args =
                    encoded.args.as_deref().map(|bytes| serializer.read::<Vec<Value>>(bytes));
                let kwargs = encoded.kwargs.as_deref().map(|bytes| serializer.read::<Dict>(bytes));
                let read = |found: bool| if found { Ok(()) } else { Err(PayloadError::WrongType) };
                read(args.as_ref().is_none_or(Option::is_some))?;
                read(kwargs.as_ref().is_none_or(Option::is_some))?;
                Ok((args.flatten().map(Cow::Owned), kwargs.flatten().map(Cow::Owned)))
            }
        }
    }
}

/// A text that lends its bytes.
struct Text<T>(T);

impl<T: AsRef<str>> AsRef<[u8]> for Text<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().as_bytes()
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

    #[test]
    fn arguments_are_the_same_in_every_serialization() {
        let values = vec![Value::Uint(u64::MAX), Value::Float(1.0), Value::Bytes(vec![0, 200])];
        let kwargs: Dict = [("a", Value::Null)].into_iter().collect();
        let payload = Payload::from_values(values.clone(), Some(kwargs.clone()));
        for serializer in Serializer::ALL {
            let encoded = payload.in_serializer(serializer).unwrap().clone();
            let again = Payload::encoded(serializer, encoded);
            assert_eq!(again.values().unwrap(), (values.clone(), kwargs.clone()));
            assert_eq!(again, payload);
        }
    }

    #[test]
    fn what_a_serialization_does_not_have_is_refused() {
        // A dictionary with a number for a name.
        let args = Bytes::from_static(&[0x91, 0x81, 0x01, 0x02]);
        let payload =
            Payload::encoded(Serializer::MsgPack, Encoded { args: Some(args), kwargs: None });
        let refused = payload.in_serializer(Serializer::Json).unwrap_err();
        assert_eq!(refused, PayloadError::Untranslatable("json"));
        assert!(payload.in_serializer(Serializer::MsgPack).is_ok());
    }

    #[test]
    fn arguments_are_read_as_types() {
        let payload = Payload::new(&(1, "a"), None::<&()>).unwrap();
        assert_eq!(payload.args::<(u8, String)>(), Ok((1, "a".to_owned())));
        assert_eq!(payload.args::<(u8,)>(), Err(PayloadError::WrongType));
        assert_eq!(Payload::empty().args::<Vec<u8>>(), Ok(Vec::new()));
        assert_eq!(Payload::text("a").args::<(String,)>(), Ok(("a".to_owned(),)));
    }
}
