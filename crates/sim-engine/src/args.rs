//! Binding a call's arguments to the fields of a struct, as Python binds them to parameters.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The call's arguments as a `T`.
///
/// Positional arguments fill the struct's fields in order, keyword arguments by name. `null` or a
/// missing argument means the field's default where it has one. A number may arrive as text.
/// Unknown keyword arguments are ignored; too many positional ones are always an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Args<T>(pub T);

/// Why a call's arguments could not be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgsError {
    /// There are more positional arguments than the procedure takes.
    Surplus {
        /// How many it takes.
        takes: usize,
        /// How many there are.
        given: usize,
    },
    /// A required argument is missing or null.
    Missing(String),
    /// An argument should be a number and is none.
    NotANumber(String),
    /// An argument is a number that is not finite.
    NotFinite(String),
    /// An argument has another fault.
    Invalid(String),
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surplus { takes, given } => {
                write!(
                    f,
                    "the procedure takes {takes} positional arguments, but {given} were given"
                )
            }
            Self::Missing(field) => write!(f, "the argument `{field}` is missing"),
            Self::NotANumber(text) => write!(f, "`{text}` is not a number"),
            Self::NotFinite(text) => write!(f, "`{text}` is not a finite number"),
            Self::Invalid(message) => f.write_str(message),
        }
    }
}

/// [`ArgsError`] while serde works with it: serde wants an `Error`, which the public type must not
/// be (see [`CallError`](crate::CallError)).
#[derive(Debug)]
struct BindError(ArgsError);

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BindError {}

impl de::Error for BindError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(ArgsError::Invalid(message.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(ArgsError::Missing(field.to_owned()))
    }
}

/// Binds raw arguments: `args` is a JSON array, `kwargs` a JSON object.
pub(crate) fn bind<T: DeserializeOwned>(args: &str, kwargs: &str) -> Result<T, ArgsError> {
    let invalid = |error: serde_json::Error| ArgsError::Invalid(error.to_string());
    let args = serde_json::from_str(args).map_err(invalid)?;
    let KeywordArgs(kwargs) = serde_json::from_str(kwargs).map_err(invalid)?;
    T::deserialize(Arguments { args, kwargs }).map_err(|error| error.0)
}

/// Keyword arguments in the order in which they were sent.
struct KeywordArgs<'de>(Vec<(Cow<'de, str>, &'de RawValue)>);

impl<'de> Deserialize<'de> for KeywordArgs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = KeywordArgs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of keyword arguments")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(KeywordArgs(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

struct Arguments<'de> {
    args: Vec<&'de RawValue>,
    kwargs: Vec<(Cow<'de, str>, &'de RawValue)>,
}

impl<'de> Arguments<'de> {
    /// Pairs each field with its argument; what is null or missing is left out.
    fn into_fields(
        self,
        fields: &'static [&'static str],
    ) -> Result<Vec<(&'static str, &'de RawValue)>, BindError> {
        let (takes, given) = (fields.len(), self.args.len());
        if given > takes {
            return Err(BindError(ArgsError::Surplus { takes, given }));
        }
        let mut bound: Vec<_> = fields.iter().copied().zip(self.args).collect();
        for (name, value) in self.kwargs {
            let Some(index) = fields.iter().position(|field| *field == name) else { continue };
            if bound.iter().any(|(field, _)| *field == name) {
                let message = format!("the argument `{name}` was given twice");
                return Err(BindError(ArgsError::Invalid(message)));
            }
            bound.push((fields[index], value));
        }
        bound.retain(|(_, value)| value.get() != "null");
        Ok(bound)
    }
}

impl<'de> Deserializer<'de> for Arguments<'de> {
    type Error = BindError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, BindError> {
        Err(de::Error::custom("arguments bind to a struct with named fields only"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        let fields = self.into_fields(fields)?.into_iter();
        visitor.visit_map(BoundFields { fields, value: None })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        self.into_fields(&[])?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_unit(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct BoundFields<'de> {
    fields: std::vec::IntoIter<(&'static str, &'de RawValue)>,
    value: Option<&'de RawValue>,
}

impl<'de> MapAccess<'de> for BoundFields<'de> {
    type Error = BindError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, BindError> {
        let Some((field, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(de::value::StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BindError> {
        seed.deserialize(Argument(self.value.take().expect("serde asks for a value after its key")))
    }
}

/// One argument. Numbers are lenient, everything else is as `serde_json` has it.
struct Argument<'de>(&'de RawValue);

impl Argument<'_> {
    /// The text of a number: the JSON number itself, or a JSON text that spells one.
    fn number(&self) -> Result<String, BindError> {
        let raw = self.0.get();
        let text = match serde_json::from_str::<String>(raw) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => raw.to_owned(),
        };
        if is_decimal(&text) {
            return Ok(text);
        }
        let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        Err(BindError(match unsigned.as_str() {
            "nan" | "inf" | "infinity" => ArgsError::NotFinite(short(&text)),
            _ => ArgsError::NotANumber(short(&text)),
        }))
    }

    fn float(&self) -> Result<f64, BindError> {
        let text = self.number()?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(BindError(ArgsError::NotFinite(short(&text)))),
            Err(_) => Err(BindError(ArgsError::NotANumber(short(&text)))),
        }
    }

    fn integer<T: std::str::FromStr>(&self) -> Result<T, BindError> {
        let text = self.number()?;
        text.parse().map_err(|_| {
            let message = format!("`{}` is not a whole number in range", short(&text));
            BindError(ArgsError::Invalid(message))
        })
    }
}

/// As much of an argument as an error message quotes.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Whether a text is a decimal number, with or without sign, fraction and exponent.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction) && exponent_fits
}

macro_rules! integers {
    ($($method:ident $visit:ident),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
            visitor.$visit(self.integer()?)
        }
    )+};
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $type:ty),*)),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, BindError> {
            serde_json::Deserializer::from_str(self.0.get())
                .$method($($arg,)* visitor)
                .map_err(de::Error::custom)
        }
    )+};
}

impl<'de> Deserializer<'de> for Argument<'de> {
    type Error = BindError;

    integers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_some(self)
    }

    forward! {
        deserialize_any(), deserialize_bool(), deserialize_char(), deserialize_str(),
        deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_unit(),
        deserialize_unit_struct(name: &'static str), deserialize_newtype_struct(name: &'static str),
        deserialize_seq(), deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize), deserialize_map(),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
        deserialize_identifier(), deserialize_ignored_any(),
    }
}

#[cfg(test)]
mod tests;
