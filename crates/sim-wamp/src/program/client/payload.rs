//! Arguments as they stand on a command line, and as they are printed.

use anyhow::{Context, Result};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::cli::Arguments;
use crate::Payload;

/// Arguments that came in, as JSON.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) args: Vec<Value>,
    pub(super) kwargs: Map<String, Value>,
}

impl Json {
    /// Reads what came in.
    pub(super) fn of(payload: &Payload) -> Result<Self> {
        // As JSON they would just be empty.
        payload.values().context("the arguments are no JSON, and nothing that could become it")?;
        let args = serde_json::from_str(payload.args_json());
        let args = args.context("the positional arguments are no list")?;
        let kwargs = serde_json::from_str(payload.kwargs_json());
        Ok(Self { args, kwargs: kwargs.context("the keyword arguments are no dictionary")? })
    }
}

impl Arguments {
    /// Makes what is sent; what is not given is absent.
    pub(super) fn payload(&self) -> Result<Payload> {
        let mut kwargs: Vec<(&str, Box<RawValue>)> = Vec::new();
        for kwarg in &self.kwargs {
            let (name, value) = kwarg.split_once('=').with_context(|| {
                format!("`--kwarg {kwarg}` has no value: write `--kwarg {kwarg}=…`")
            })?;
            kwargs.retain(|(other, _)| *other != name);
            kwargs.push((name, self.value(value)?));
        }
        let kwargs = kwargs.iter().map(|(name, value)| Ok(format!("{}:{value}", text(name)?)));
        let kwargs = kwargs.collect::<Result<Vec<_>>>()?;
        let args = self.args.iter().map(|arg| self.value(arg)).collect::<Result<Vec<_>>>()?;
        let args = serde_json::to_string(&args)?;
        Ok(Payload::from_json(
            (!self.args.is_empty()).then_some(args),
            (!kwargs.is_empty()).then(|| format!("{{{}}}", kwargs.join(","))),
        ))
    }

    /// Reads one argument; JSON stays as it is written, with all digits of its numbers.
    fn value(&self, arg: &str) -> Result<Box<RawValue>> {
        match serde_json::from_str(arg) {
            Ok(json) if !self.text => Ok(json),
            _ => text(arg),
        }
    }
}

fn text(text: &str) -> Result<Box<RawValue>> {
    to_raw_value(text).context("a text could not be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(args: &[&str], kwargs: &[&str], text: bool) -> Arguments {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Arguments { args: owned(args), kwargs: owned(kwargs), text }
    }

    #[test]
    fn arguments_are_json_or_else_texts() {
        let args = ["1", "-0.5", "12345678901234567890123", "null", "[1, \"a\"]", "\"a b\"", "a b"];
        let payload = arguments(&args, &["a=1", "b=x=y", "a=2"], false).payload().unwrap();
        let expected = r#"[1,-0.5,12345678901234567890123,null,[1, "a"],"a b","a b"]"#;
        assert_eq!(payload.args_json(), expected);
        assert_eq!(payload.kwargs_json(), r#"{"b":"x=y","a":2}"#);
    }

    #[test]
    fn everything_is_a_text_if_it_shall_be() {
        let payload = arguments(&["1", "{}"], &["a=null"], true).payload().unwrap();
        assert_eq!(payload.args_json(), r#"["1","{}"]"#);
        assert_eq!(payload.kwargs_json(), r#"{"a":"null"}"#);
    }

    #[test]
    fn what_is_not_given_is_absent() {
        let payload = arguments(&[], &[], false).payload().unwrap();
        assert!(!payload.has_args() && !payload.has_kwargs());
        let error = arguments(&[], &["a"], false).payload().unwrap_err();
        assert_eq!(error.to_string(), "`--kwarg a` has no value: write `--kwarg a=…`");
    }
}
