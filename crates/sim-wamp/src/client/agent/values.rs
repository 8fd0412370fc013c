//! Arguments and results as the types of the program.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::value::UnitDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::{CallError, Payload, PayloadError, uri};

/// Writes a tuple or list as positional arguments, and `()` as none.
///
/// Anything else would be a malformed message, which ends the session.
pub(super) fn arguments(args: &impl Serialize) -> Result<Payload, CallError> {
    let refused = |text: &str| CallError::new(uri::INVALID_ARGUMENT, text);
    let text = serde_json::to_string(args)
        .map_err(|error| refused(&format!("the arguments cannot be written: {error}")))?;
    match text.as_bytes().first() {
        Some(b'[') => Ok(Payload::from_json(Some(text), None)),
        _ if text == "null" => Ok(Payload::empty()),
        _ => Err(refused("the arguments are no tuple or list: put a single one into `(it,)`")),
    }
}

/// Reads the first positional argument as a type; one that is missing is read as `null`.
pub(super) fn first<T: DeserializeOwned>(payload: &Payload) -> Result<T, PayloadError> {
    payload.args::<First<T>>().map(|First(value)| value)
}

/// The first of a list of any length.
struct First<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = First<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
                let Some(first) = list.next_element()? else {
                    return T::deserialize(UnitDeserializer::new()).map(First);
                };
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Serializer, Value};

    #[test]
    fn tuples_and_lists_are_arguments_and_nothing_else_is() {
        assert_eq!(arguments(&(1, "a")).unwrap().args_json(), r#"[1,"a"]"#);
        assert_eq!(arguments(&[1, 2]).unwrap().args_json(), "[1,2]");
        assert!(!arguments(&()).unwrap().has_args());
        for refused in [arguments(&5), arguments(&"a"), arguments(&Some(true))] {
            assert_eq!(refused.unwrap_err().uri, uri::INVALID_ARGUMENT);
        }
    }

    #[test]
    fn first_argument_is_read_in_every_serialization() {
        let values = Payload::from_values([Value::from("a"), Value::List(Vec::new())], None);
        for serializer in Serializer::ALL {
            let encoded = values.in_serializer(serializer).unwrap().clone();
            let payload = Payload::encoded(serializer, encoded);
            assert_eq!(first::<String>(&payload), Ok("a".to_owned()));
            assert_eq!(first::<u8>(&payload), Err(PayloadError::WrongType));
        }
        assert_eq!(first::<String>(&values), Ok("a".to_owned()));
    }

    #[test]
    fn missing_argument_is_null() {
        for payload in [Payload::empty(), Payload::from_json(Some("[]"), None)] {
            assert_eq!(first::<()>(&payload), Ok(()));
            assert_eq!(first::<Option<u8>>(&payload), Ok(None));
            assert_eq!(first::<u8>(&payload), Err(PayloadError::WrongType));
        }
        assert_eq!(first::<()>(&Payload::from_json(Some("[null]"), None)), Ok(()));
    }
}
