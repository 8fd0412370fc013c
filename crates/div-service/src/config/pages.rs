//! What is made of the definition of the settings for people to read.

use std::fmt::Write;

use clap::Arg;
use toml::Value;

use super::check::Kind;
use super::name;
use crate::cli;

const HEAD: &str = "\
# Settings of div-service. Each stands here with its default: take away the `#` to change it.
# Variables go before this file, and flags before variables.
";

/// An example of a file with settings: all of them, with their defaults commented out.
pub(super) fn example() -> String {
    let mut text = HEAD.to_owned();
    for arg in cli::settings().get_arguments() {
        let (help, name, value) = (help(arg), name(arg), in_file(arg));
        let variable = variable(arg);
        write!(text, "\n# {help}.\n# Variable: {variable}\n#{name} = {value}\n")
            .expect("writing to a string cannot fail");
    }
    text
}

/// The table of all settings in Markdown, for the documentation.
#[must_use]
pub fn reference() -> String {
    let mut text = "| flag | variable | default | meaning |\n|---|---|---|---|\n".to_owned();
    for arg in cli::settings().get_arguments() {
        let default = default(arg).map_or_else(|| "–".to_owned(), |text| format!("`{text}`"));
        let (name, variable, help) = (name(arg), variable(arg), help(arg).replace('|', "\\|"));
        writeln!(text, "| `--{name}` | `{variable}` | {default} | {help} |")
            .expect("writing to a string cannot fail");
    }
    text
}

fn help(arg: &Arg) -> String {
    let text = arg.get_long_help().or_else(|| arg.get_help());
    text.map(|text| text.to_string().replace('\n', " ")).unwrap_or_default()
}

fn variable(arg: &Arg) -> String {
    arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The default as it would stand in a variable, if there is one.
fn default(arg: &Arg) -> Option<String> {
    let values = arg.get_default_values();
    if values.is_empty() {
        return (Kind::of(arg) == Kind::Flag).then(|| "false".to_owned());
    }
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    Some(values.join(","))
}

/// The default as it would stand in a file; where there is none, what could stand there.
fn in_file(arg: &Arg) -> String {
    match (Kind::of(arg), default(arg)) {
        (Kind::Flag | Kind::Number, default) => default.unwrap_or_default(),
        (Kind::List, None) => "[]".to_owned(),
        (_, default) => Value::String(default.unwrap_or_default()).to_string(),
    }
}
