//! Loads the settings: from defaults, a file, variables and flags. Of these, the later goes before
//! the earlier.

mod check;
mod file;
mod pages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, Resettable};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};

use crate::{Command, Settings, cli};
use file::File;

pub use pages::reference;

/// Settings, and what is to be done with them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// What is to be done; nothing when the service is to serve.
    pub command: Option<Command>,
    entries: Vec<Entry>,
}

/// What there is in place of settings.
#[derive(Debug)]
pub enum Unloaded {
    /// The help or the version, which was asked for.
    Help(clap::Error),
    /// An example of a file with settings, which was asked for.
    Example(String),
    /// Everything that is wrong with the settings, one line each.
    Problems(Vec<String>),
}

/// One setting as it is in force.
#[derive(Debug)]
struct Entry {
    name: String,
    value: String,
    source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// Loads the settings from the arguments of the program, its variables, and the file that one of
/// them names.
///
/// # Errors
/// With everything that is wrong, or with a text when that was asked for.
pub fn load(
    args: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Loaded, Unloaded> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut problems = Vec::new();
    let flags = flags(&args, &mut problems)?;
    if flags.get_flag(cli::EXAMPLE) {
        return Err(Unloaded::Example(pages::example()));
    }
    let settings = cli::settings();
    let path = flags.get_one::<OsString>(cli::FILE).cloned().or_else(|| variable("DIV_CONFIG"));
    let file = path.map(|path| File::read(Path::new(&path), &settings, &mut problems));
    let mut sources = BTreeMap::new();
    let mut values = BTreeMap::new();
    for arg in settings.get_arguments() {
        let (source, given) = choose(arg, &flags, variable, file.as_ref());
        problems.extend(wrong(arg, &source, &given));
        if !matches!(source, Source::Default | Source::Flag(_)) {
            values.insert(arg.get_id().clone(), given);
        }
        sources.insert(arg.get_id().clone(), source);
    }
    if !problems.is_empty() {
        return Err(Unloaded::Problems(problems));
    }
    let matches = matches(&args, &values)?;
    let command = matches.subcommand_name().map(|_| Command::from_arg_matches(&matches));
    let entry = |arg: &Arg| Entry {
        name: name(arg),
        value: shown(arg, &matches),
        source: sources.get(arg.get_id()).cloned().unwrap_or(Source::Default),
    };
    Ok(Loaded {
        settings: Settings::from_arg_matches(&matches).map_err(unexpected)?,
        command: command.transpose().map_err(unexpected)?,
        entries: settings.get_arguments().map(entry).collect(),
    })
}

impl Loaded {
    /// The settings in force, one per line: name, value, source.
    #[must_use]
    pub fn listing(&self) -> String {
        let width = |text: fn(&Entry) -> &str| {
            self.entries.iter().map(|entry| text(entry).chars().count()).max().unwrap_or(0)
        };
        let (names, values) = (width(|entry| &entry.name), width(|entry| &entry.value));
        let mut text = String::new();
        for Entry { name, value, source } in &self.entries {
            writeln!(text, "{name:names$}  {value:values$}  {source}")
                .expect("writing to a string cannot fail");
        }
        text
    }
}

/// Reads which flags there are, without a look at what they say.
fn flags(args: &[OsString], problems: &mut Vec<String>) -> Result<ArgMatches, Unloaded> {
    let lenient = cli::definition().mut_args(|arg| {
        let arg = arg.env(Resettable::Reset);
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => arg,
            _ => arg.value_parser(OsStringValueParser::new()),
        }
    });
    let error = match lenient.clone().try_get_matches_from(args) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    if is_help(&error) {
        // The whole definition has more to say.
        let whole = cli::definition().try_get_matches_from(args).err().filter(is_help);
        return Err(Unloaded::Help(whole.unwrap_or(error)));
    }
    problems.push(format!("{}; see --help", in_one_line(&error)));
    // What stands before the error is looked at as well.
    lenient.ignore_errors(true).try_get_matches_from(args).map_err(unexpected)
}

/// Decides which source a setting is taken from, and what that says.
fn choose(
    arg: &Arg,
    flags: &ArgMatches,
    variable: &dyn Fn(&str) -> Option<OsString>,
    file: Option<&File>,
) -> (Source, Vec<OsString>) {
    let id = arg.get_id().as_str();
    if flags.value_source(id) == Some(ValueSource::CommandLine) {
        let raw = flags.get_raw(id).unwrap_or_default().map(OsStr::to_owned).collect();
        return (Source::Flag(name(arg)), raw);
    }
    let named = arg.get_env().and_then(OsStr::to_str);
    if let Some((named, value)) = named.and_then(|named| Some((named, variable(named)?))) {
        return (Source::Variable(named.to_owned()), vec![value]);
    }
    match file.and_then(|file| Some((file, file.values.get(id)?))) {
        Some((file, texts)) => {
            (Source::File(file.path.clone()), texts.iter().map(OsString::from).collect())
        }
        None => (Source::Default, Vec::new()),
    }
}

/// Says what is wrong with the values of a flag or a variable; those of a file are checked when it
/// is read.
fn wrong(arg: &Arg, source: &Source, values: &[OsString]) -> Vec<String> {
    let place = match source {
        Source::Default | Source::File(_) => return Vec::new(),
        Source::Variable(name) => format!("the variable {name}"),
        Source::Flag(name) => format!("--{name}"),
    };
    let problems = values.iter().filter_map(|value| check::value(arg, value).err());
    problems.map(|problem| format!("{place} {problem}")).collect()
}

/// Reads the flags for good, with the values of the other sources as defaults.
fn matches(
    args: &[OsString],
    values: &BTreeMap<clap::Id, Vec<OsString>>,
) -> Result<ArgMatches, Unloaded> {
    let layered = cli::definition().mut_args(|arg| {
        let arg = arg.env(Resettable::Reset);
        match values.get(arg.get_id()) {
            Some(values) => arg.default_values(values.clone()),
            None => arg,
        }
    });
    layered.try_get_matches_from(args).map_err(unexpected)
}

/// The name of a setting, as a flag and in a file.
fn name(arg: &Arg) -> String {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str()).to_owned()
}

/// A value as it may be seen, on one line.
fn shown(arg: &Arg, matches: &ArgMatches) -> String {
    let id = arg.get_id().as_str();
    if let Ok(Some(value)) = matches.try_get_one::<bool>(id) {
        return value.to_string();
    }
    let Some(raw) = matches.get_raw(id) else { return "-".to_owned() };
    let parts: Vec<_> = raw.map(OsStr::to_string_lossy).collect();
    let value = parts.join(",");
    if check::is_secret(arg, &value) {
        return "***".to_owned();
    }
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"');
    if is_plain { value } else { format!("{value:?}") }
}

fn is_help(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

fn unexpected(error: clap::Error) -> Unloaded {
    if is_help(&error) {
        return Unloaded::Help(error);
    }
    Unloaded::Problems(vec![in_one_line(&error)])
}

/// What is wrong, with what is missing, which comes on lines of its own.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
