//! What is printed: lines of JSON for programs, or what people like to read.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use anyhow::{Error, Result, anyhow};
use serde_json::{Map, Value, json};

use super::payload::Json;
use crate::program::print;
use crate::{CallError, Event, Payload};

/// How things are printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// One line of JSON for each.
    json: bool,
    /// Whether it is a terminal that shows them, which others must not have at their command.
    is_terminal: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, is_terminal: io::stdout().is_terminal() }
    }

    /// Prints a result of a call.
    pub(super) fn result(self, payload: &Payload, progress: bool) -> Result<()> {
        let Json { args, kwargs } = Json::of(payload)?;
        if self.json {
            let mut line = json!({ "args": args, "kwargs": kwargs });
            if progress {
                line["progress"] = true.into();
            }
            return print(&format!("{line}\n"));
        }
        let args = args.iter().map(|arg| match arg {
            Value::String(text) => format!("{text}\n"),
            other => format!("{other:#}\n"),
        });
        let kwargs = kwargs.iter().map(|(name, value)| format!("{name}: {value}\n"));
        let lines: String = args.chain(kwargs).collect();
        print(&self.shown(&lines))
    }

    /// Prints an event.
    pub(super) fn event(self, event: &Event) -> Result<()> {
        let Json { args, kwargs } = Json::of(&event.payload)?;
        if self.json {
            let mut line = json!({
                "topic": &*event.topic, "publication": event.publication, "args": args,
                "kwargs": kwargs,
            });
            if event.retained {
                line["retained"] = true.into();
            }
            if let Some(publisher) = &event.publisher {
                line["publisher"] = json!({
                    "session": publisher.session, "authid": &*publisher.authid,
                    "authrole": &*publisher.authrole,
                });
            }
            return print(&format!("{line}\n"));
        }
        let line = format!("{}{}", event.topic, in_one_line(&args, &kwargs));
        print(&self.shown(&format!("{line}\n")))
    }

    /// Prints something that has a name for programs and a text for people.
    pub(super) fn fact(self, line: &Value, text: &str) -> Result<()> {
        print(&if self.json { format!("{line}\n") } else { format!("{text}\n") })
    }

    /// Takes out what a terminal would obey.
    fn shown(self, text: &str) -> Cow<'_, str> {
        if self.is_terminal { tame(text) } else { Cow::Borrowed(text) }
    }
}

/// Tells the ERROR that answered a request.
pub(super) fn failure(error: CallError) -> Error {
    let CallError { uri, payload } = error;
    match Json::of(&payload) {
        Ok(Json { args, kwargs }) => match args.as_slice() {
            [] if kwargs.is_empty() => anyhow!("{uri}"),
            [Value::String(text)] if kwargs.is_empty() => anyhow!("{uri}: {text}"),
            args => anyhow!("{uri}:{}", in_one_line(args, &kwargs)),
        },
        Err(error) => error.context(uri),
    }
}

/// Writes control characters in a way that does no harm; lines stay lines.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let write = |c: char| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(write).collect())
}

/// Writes arguments one behind the other, each after a space.
fn in_one_line(args: &[Value], kwargs: &Map<String, Value>) -> String {
    let args = args.iter().map(|arg| format!(" {arg}"));
    args.chain(kwargs.iter().map(|(name, value)| format!(" {name}={value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dict, Value as Wamp};

    #[test]
    fn an_error_is_one_line_with_its_uri_and_arguments() {
        let texts = |args: Vec<Wamp>, kwargs: Dict| {
            let payload = Payload::from_values(args, Some(kwargs));
            failure(CallError { uri: "com.example.bad".to_owned(), payload }).to_string()
        };
        assert_eq!(texts(vec![], Dict::new()), "com.example.bad");
        assert_eq!(texts(vec!["a \"b\"".into()], Dict::new()), "com.example.bad: a \"b\"");
        let kwargs = Dict::from_iter([("k", "v")]);
        assert_eq!(texts(vec![1u32.into(), "a".into()], kwargs), r#"com.example.bad: 1 "a" k="v""#);
    }

    #[test]
    fn terminals_are_not_at_the_command_of_others() {
        assert_eq!(tame("a\tb\nc"), "a\tb\nc");
        assert_eq!(tame("\u{1b}[2J\u{9b}x\r"), "\\u{1b}[2J\\u{9b}x\\r");
    }
}
