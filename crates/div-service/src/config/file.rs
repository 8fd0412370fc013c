//! A file with settings: TOML, with one key for each.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Arg;
use toml::de::{DeTable, DeValue};

use super::check::{self, Kind};

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The values by the id of their setting, each as it would stand in a variable.
    pub(super) values: BTreeMap<String, Vec<String>>,
}

impl File {
    /// Reads a file and adds everything that is wrong with it to the problems.
    pub(super) fn read(path: &Path, settings: &clap::Command, problems: &mut Vec<String>) -> Self {
        let mut file = Self { path: path.to_owned(), values: BTreeMap::new() };
        let shown = path.display();
        let (text, mode) = match open(path) {
            Ok(opened) => opened,
            Err(error) => {
                problems.push(format!("cannot read the settings in `{shown}`: {error}"));
                return file;
            }
        };
        let found = file.parse(&text, settings);
        problems.extend(found.into_iter().map(|problem| format!("{shown}: {problem}")));
        let secrets: Vec<String> = settings
            .get_arguments()
            .filter(|arg| file.holds_secret(arg))
            .map(|arg| format!("\"{}\"", super::name(arg)))
            .collect();
        if mode & 0o077 != 0 && !secrets.is_empty() {
            problems.push(format!(
                "{shown}: others may read {}: run `chmod 600 {shown}`",
                secrets.join(" and ")
            ));
        }
        file
    }

    fn holds_secret(&self, arg: &Arg) -> bool {
        let texts = self.values.get(arg.get_id().as_str());
        texts.into_iter().flatten().any(|text| check::is_secret(arg, text))
    }

    /// Takes the values out of a text, and answers what is wrong with it, from top to bottom.
    fn parse(&mut self, text: &str, settings: &clap::Command) -> Vec<String> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let line =
            |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        // An error itself would show the line, in which a secret may stand.
        let mut problems: Vec<(usize, String)> = errors
            .iter()
            .map(|error| (line(error.span().map_or(0, |span| span.start)), error.message()))
            .map(|(line, message)| (line, format!("line {line} is no TOML: {message}")))
            .collect();
        let broken: Vec<usize> = problems.iter().map(|(line, _)| *line).collect();
        for (key, value) in table.get_ref() {
            let line = line(key.span().start);
            // What follows from an error is not worth telling.
            if !broken.contains(&line)
                && let Err(problem) = self.take(key.get_ref(), value.get_ref(), settings)
            {
                problems.push((line, format!("\"{}\" {problem}", key.get_ref())));
            }
        }
        problems.sort_by_key(|(line, _)| *line);
        problems.into_iter().map(|(_, problem)| problem).collect()
    }

    /// Takes one value; the error says what is wrong with it.
    fn take(
        &mut self,
        key: &str,
        value: &DeValue<'_>,
        settings: &clap::Command,
    ) -> Result<(), String> {
        let name = key.replace('_', "-");
        let arg = settings.get_arguments().find(|arg| super::name(arg) == name);
        let arg = arg.ok_or("is no setting; `--print-config` shows them all")?;
        let texts = texts(Kind::of(arg), value)?;
        let problems: Vec<String> =
            texts.iter().filter_map(|text| check::value(arg, text.as_ref()).err()).collect();
        let earlier = self.values.insert(arg.get_id().as_str().to_owned(), texts);
        if earlier.is_some() {
            return Err("is there twice, once with `-` and once with `_`".to_owned());
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.join(", and ")) }
    }
}

fn open(path: &Path) -> io::Result<(String, u32)> {
    let mut file = fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, mode))
}

/// The texts that a value stands for.
fn texts(kind: Kind, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let texts = match (kind, value) {
        (Kind::Flag, DeValue::Boolean(value)) => Some(vec![value.to_string()]),
        (Kind::Number, DeValue::Integer(number)) => {
            let number = i128::from_str_radix(number.as_str(), number.radix());
            number.ok().map(|number| vec![number.to_string()])
        }
        (Kind::Text | Kind::List, DeValue::String(text)) => Some(vec![text.to_string()]),
        (Kind::List, DeValue::Array(items)) => {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    let expected = match kind {
        Kind::Flag => "must be `true` or `false`",
        Kind::Number => "must be a whole number",
        Kind::List => "must be a list of texts in quotes",
        Kind::Text => "must be a text in quotes",
    };
    texts.ok_or_else(|| expected.to_owned())
}
