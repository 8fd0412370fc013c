//! The configuration of a router: what a file says, or everything that is wrong with it.

mod limits;
mod listeners;
mod reader;
mod realms;
mod secrets;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::uri::{UriRule, validate_by};
use crate::{AttemptLimits, Limits, MatchPolicy};
use reader::{Field, Problems, Section};
use secrets::Secrets;

pub(super) use listeners::Listen;
pub(super) use realms::{Asked, Realm};

/// A configuration with everything that it may say.
pub(super) const EXAMPLE: &str = include_str!("config/example.toml");

/// What a router is to be.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) listeners: Vec<Listen>,
    pub(super) realms: Vec<Realm>,
    pub(super) limits: Limits,
    pub(super) attempts: AttemptLimits,
    pub(super) uris: UriRule,
    pub(super) history: Vec<History>,
    pub(super) disclose: bool,
    /// The files with secrets that others on this machine can read.
    pub(super) exposed: Vec<PathBuf>,
    /// What is to be said of certificates.
    pub(super) warnings: Vec<String>,
}

/// Events to remember.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) uri: String,
    pub(super) policy: MatchPolicy,
    pub(super) limit: usize,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`: name another file with `--config`", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The file says something wrong.
    #[error("`{}` cannot be used:\n  {}", path.display(), problems.join("\n  "))]
    Wrong { path: PathBuf, problems: Vec<String> },
}

/// What is read of a configuration, beside its text.
#[derive(Debug)]
struct Context<'a> {
    /// Where its relative paths begin.
    directory: &'a Path,
    uris: UriRule,
    secrets: Secrets,
    warnings: Vec<String>,
}

impl Config {
    /// Reads a file, and the files that it names.
    pub(super) fn load(path: &Path) -> Result<Self, ConfigError> {
        let failed = |source| ConfigError::File { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        let whole = std::path::absolute(path).map_err(failed)?;
        let directory = whole.parent().unwrap_or(Path::new("/"));
        let (mut config, has_secrets) = Self::parse(&text, directory)
            .map_err(|problems| ConfigError::Wrong { path: path.to_owned(), problems })?;
        if has_secrets {
            config.exposed.insert(0, path.to_owned());
        }
        config.exposed.retain(|path| is_exposed(path));
        Ok(config)
    }

    /// Reads a text, and says whether secrets stand in it.
    fn parse(text: &str, directory: &Path) -> Result<(Self, bool), Vec<String>> {
        let problems = Problems::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            // The error itself would show the line, in which a secret may stand.
            let at = error.span().map_or(0, |span| span.start);
            problems.add(at, format_args!("this is not TOML: {}", error.message()));
        }
        if !errors.is_empty() {
            // What follows from it is not worth telling.
            return Err(problems.into_lines());
        }
        let read = read(Section::whole(&problems, &table), directory);
        let problems = problems.into_lines();
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }
}

/// Reads the whole configuration; wherever something is wrong, something else takes its place.
fn read(mut whole: Section<'_>, directory: &Path) -> (Config, bool) {
    let uris = whole.read("uris", |field| {
        field.choice(&[("loose", UriRule::Loose), ("strict", UriRule::Strict)])
    });
    let uris = uris.unwrap_or_default();
    let disclose = whole.read("disclose", Field::flag).unwrap_or(false);
    let mut context =
        Context { directory, uris, secrets: Secrets::default(), warnings: Vec::new() };
    let listeners = listeners::read(&mut whole, &mut context);
    let realms = realms::read(&mut whole, &mut context);
    let limits = limits::read(whole.read("limits", Field::section));
    let attempts = limits::read_attempts(whole.read("attempts", Field::section));
    let history = whole.sections("history").into_iter();
    let history = history.filter_map(|section| read_history(section, uris)).collect();
    whole.finish();
    let (exposed, has_secrets) = context.secrets.into_files();
    let warnings = context.warnings;
    let config =
        Config { listeners, realms, limits, attempts, uris, history, disclose, exposed, warnings };
    (config, has_secrets)
}

fn read_history(mut section: Section<'_>, uris: UriRule) -> Option<History> {
    let pattern = pattern(&mut section, uris);
    let limit = section.need("limit", "say how many events are remembered", |field| {
        field.integer(&(1..=1_000_000))
    });
    section.finish();
    let (uri, policy) = pattern?;
    Some(History { uri, policy, limit: limit? })
}

/// Reads `uri` and `match`.
fn pattern(section: &mut Section<'_>, rule: UriRule) -> Option<(String, MatchPolicy)> {
    let policy = section.take("match");
    let policy = policy.map_or(Some(MatchPolicy::Exact), |field| {
        let policies = [MatchPolicy::Exact, MatchPolicy::Prefix, MatchPolicy::Wildcard];
        field.choice(&policies.map(|policy| (policy.name(), policy)))
    });
    let uri = section.take("uri");
    if uri.is_none() {
        section.wrong(
            "uri",
            "is missing: name the URIs, all of them by \"\" with `match = \"prefix\"`",
        );
    }
    let (uri, policy) = (uri?, policy?);
    let text = uri.any_text()?;
    if !validate_by(rule, text, policy) {
        uri.wrong(format_args!("is no valid URI for `match = \"{}\"`", policy.name()));
        return None;
    }
    Some((text.to_owned(), policy))
}

/// Says whether everybody on this machine can read a file.
fn is_exposed(path: &Path) -> bool {
    // What cannot be looked at is not read by us either.
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}
