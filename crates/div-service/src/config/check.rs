//! What a single value may be, and whether others may see it.

use std::any::TypeId;
use std::error::Error;
use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction};
use sim::Secret;

/// What a value is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// Several texts, or one.
    List,
    /// A text.
    Text,
}

impl Kind {
    pub(super) fn of(arg: &Arg) -> Self {
        let value = arg.get_value_parser().type_id();
        let whole = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i64>(),
        ];
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => Self::Flag,
            ArgAction::Append => Self::List,
            _ if value == TypeId::of::<bool>() => Self::Flag,
            _ if whole.iter().any(|number| value == *number) => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Checks one value by the definition of its setting. The answer goes on behind the place where
/// the value stands, on the same line.
pub(super) fn value(arg: &Arg, value: &OsStr) -> Result<(), String> {
    // A flag that takes no value on the command line takes one elsewhere.
    let action = match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => ArgAction::Set,
        other => other.clone(),
    };
    let mut word = OsString::from(format!("--{}=", super::name(arg)));
    word.push(value);
    let alone = clap::Command::new("check").no_binary_name(true).arg(arg.clone().action(action));
    let Err(error) = alone.try_get_matches_from([word]) else { return Ok(()) };
    let shown = value.to_string_lossy();
    let reason = reason(&error).replace(char::is_control, " ");
    Err(match is_secret(arg, &shown) {
        true => format!("cannot be used: {reason}"),
        false => format!("cannot be `{}`: {reason}", shown.replace(char::is_control, " ")),
    })
}

/// Says whether a value is to be kept from others. An address of a database is, if there is a
/// password in it, or if it is none.
pub(super) fn is_secret(arg: &Arg, value: &str) -> bool {
    let is_address = arg.get_value_parser().type_id() != TypeId::of::<Secret>()
        && (value.contains("://") || !arg.is_hide_env_values_set());
    !is_address || holds_password(value)
}

/// Says whether there is a password in a URL.
fn holds_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let in_front = rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    in_front || rest.contains("password=")
}

fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("choose among `{}`", values.join("`, `"))
        }
        _ => error.kind().as_str().unwrap_or("it is not valid").to_owned(),
    }
}
