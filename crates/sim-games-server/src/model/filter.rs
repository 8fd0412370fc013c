//! The query parameters of lists, and what they mean in SQL.

use sim_games_types::Resource;

use super::check::NUL;
use super::field::Cell;
use super::table::Table;
use crate::error::FieldErrors;

/// How a parameter's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterKind {
    /// As it stands.
    Text,
    /// `true`, `false`, `1` or `0`.
    Bool,
    /// The key of a row; a key that does not exist matches nothing.
    Key,
    /// A number; anything else is an error.
    Number,
    /// An e-mail address, whatever the case of its letters.
    Email,
}

/// A query parameter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// The parameter.
    pub(crate) name: &'static str,
    /// How its text is read.
    pub(crate) kind: FilterKind,
    /// The condition: SQL about the row `t`, with one `?` for the value.
    pub(crate) sql: &'static str,
}

/// A filter that applies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// SQL about the row `t`, with one `?` for the value.
    pub(crate) sql: &'static str,
    /// The value.
    pub(crate) value: Cell,
}

/// What becomes of parameters that mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// They are ignored, as clients send them along when they look for something.
    Lenient,
    /// They are errors: a misspelled filter must not widen a deletion.
    Strict,
}

/// Parameters that no filter needs to know: paging, and what clients add to a get-or-create.
const HARMLESS: [&str; 9] = [
    "page",
    "page_size",
    "ordering",
    "format",
    "password",
    "first_name",
    "last_name",
    "order",
    "data",
];

const NOTHING: &str = "t.id = ?";

/// Turns query parameters into conditions; the last of several equal ones counts.
pub(crate) fn conditions(
    table: &Table,
    parameters: &[(String, String)],
    strictness: Strictness,
) -> Result<Vec<Condition>, FieldErrors> {
    let mut conditions = Vec::new();
    let mut errors = FieldErrors::default();
    for (index, (name, text)) in parameters.iter().enumerate() {
        if parameters[index + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        let Some(filter) = table.filters.iter().find(|filter| filter.name == name) else {
            if strictness == Strictness::Strict {
                errors.push(name, "This is not a filter.");
            } else if !HARMLESS.contains(&name.as_str()) {
                tracing::warn!(resource = %table.resource, filter = name, "ignored an unknown filter");
            }
            continue;
        };
        match filter.condition(text) {
            Ok(Some(condition)) => conditions.push(condition),
            Ok(None) if strictness == Strictness::Strict => {
                errors.push(name, "This filter has no usable value.");
            }
            Ok(None) => {}
            Err(message) => errors.push(name, message),
        }
    }
    if errors.is_empty() { Ok(conditions) } else { Err(errors) }
}

impl Filter {
    fn condition(&self, text: &str) -> Result<Option<Condition>, &'static str> {
        // A filter whose text is only blanks is not applied either: forms send such.
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let with = |value| Ok(Some(Condition { sql: self.sql, value }));
        // No row has the key 0.
        let nothing = Ok(Some(Condition { sql: NOTHING, value: Cell::Int(0) }));
        match self.kind {
            FilterKind::Text | FilterKind::Email if trimmed.contains('\0') => Err(NUL),
            FilterKind::Text => with(Cell::Text(trimmed.to_owned().into())),
            FilterKind::Email => with(Cell::Text(trimmed.to_ascii_lowercase().into())),
            FilterKind::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "1" => with(Cell::Bool(true)),
                "false" | "0" => with(Cell::Bool(false)),
                _ => Ok(None),
            },
            FilterKind::Key => trimmed.parse().map_or(nothing, |key| with(Cell::Int(key))),
            FilterKind::Number => match (trimmed.parse(), trimmed.parse::<f64>()) {
                (Ok(number), _) => with(Cell::Int(number)),
                (Err(_), Ok(number)) if number.is_finite() => nothing,
                _ => Err("Enter a number."),
            },
        }
    }
}

const fn text(name: &'static str, sql: &'static str) -> Filter {
    Filter { name, kind: FilterKind::Text, sql }
}

const fn flag(name: &'static str, sql: &'static str) -> Filter {
    Filter { name, kind: FilterKind::Bool, sql }
}

const fn key(name: &'static str, sql: &'static str) -> Filter {
    Filter { name, kind: FilterKind::Key, sql }
}

const fn number(name: &'static str, sql: &'static str) -> Filter {
    Filter { name, kind: FilterKind::Number, sql }
}

const NAME: Filter = text("name", "t.name = ?");
const SLUG: Filter = text("slug", "t.slug = ?");
const GAME: Filter = key(Resource::Game.name(), "t.game = ?");
const GAME_SLUG: Filter = text("game_slug", "t.game = (SELECT id FROM game WHERE slug = ?)");
const RUN_GAME_SLUG: Filter = text(
    "game_slug",
    "t.run IN (SELECT id FROM run WHERE game = (SELECT id FROM game WHERE slug = ?))",
);
const RUN_ACTIVE: Filter = flag("run_active", "t.run IN (SELECT id FROM run WHERE active = ?)");

pub(super) const GAME_FILTERS: &[Filter] = &[flag("active", "t.active = ?"), NAME, SLUG];

/// Of phases and of roles.
pub(super) const PHASE_FILTERS: &[Filter] = &[GAME, NAME, GAME_SLUG, SLUG];

pub(super) const RUN_FILTERS: &[Filter] = &[GAME, NAME, GAME_SLUG, flag("active", "t.active = ?")];

pub(super) const WORLD_FILTERS: &[Filter] =
    &[key("run", "t.run = ?"), NAME, RUN_GAME_SLUG, RUN_ACTIVE];

pub(super) const RUNUSER_FILTERS: &[Filter] = &[
    flag("active", "t.active = ?"),
    flag("leader", "t.leader = ?"),
    key("role", "t.role = ?"),
    key("run", "t.run = ?"),
    key("user", "t.\"user\" = ?"),
    key("world", "t.world = ?"),
    RUN_GAME_SLUG,
    RUN_ACTIVE,
];

pub(super) const SCENARIO_FILTERS: &[Filter] = &[
    key("runuser", "t.runuser = ?"),
    key("world", "t.world = ?"),
    NAME,
    RUN_GAME_SLUG,
    RUN_ACTIVE,
    number("run", "t.run = ?"),
    key("world__run", "t.world IN (SELECT id FROM world WHERE run = ?)"),
    key("runuser__run", "t.runuser IN (SELECT id FROM runuser WHERE run = ?)"),
];

pub(super) const PERIOD_FILTERS: &[Filter] = &[
    key("scenario", "t.scenario = ?"),
    number("order", "t.\"order\" = ?"),
    RUN_GAME_SLUG,
    RUN_ACTIVE,
    number("run", "t.run = ?"),
    key(
        "scenario__world__run",
        "t.scenario IN (SELECT id FROM scenario WHERE world IS NOT NULL AND run = ?)",
    ),
    key(
        "scenario__runuser__run",
        "t.scenario IN (SELECT id FROM scenario WHERE runuser IS NOT NULL AND run = ?)",
    ),
];

/// Of decisions and of results.
pub(super) const DECISION_FILTERS: &[Filter] = &[
    NAME,
    key("period", "t.period = ?"),
    key("role", "t.role = ?"),
    key("scenario", "t.period IN (SELECT id FROM period WHERE scenario = ?)"),
    RUN_GAME_SLUG,
    RUN_ACTIVE,
    number("run", "t.run = ?"),
    key(
        "period__scenario__world__run",
        "t.period IN (SELECT p.id FROM period p JOIN scenario s ON s.id = p.scenario \
         WHERE s.world IS NOT NULL AND p.run = ?)",
    ),
    key(
        "period__scenario__runuser__run",
        "t.period IN (SELECT p.id FROM period p JOIN scenario s ON s.id = p.scenario \
         WHERE s.runuser IS NOT NULL AND p.run = ?)",
    ),
];

pub(super) const USER_FILTERS: &[Filter] = &[
    text("external_id", "t.external_id = ?"),
    flag("is_active", "t.is_active = ?"),
    flag("is_staff", "t.is_staff = ?"),
    flag("is_superuser", "t.is_superuser = ?"),
    Filter { name: "email", kind: FilterKind::Email, sql: "lower(t.email) = ?" },
    number("id", "t.id = ?"),
    text("subscriber_code", "t.subscriber_code = ?"),
];

pub(super) const HOOK_FILTERS: &[Filter] = &[key("user", "t.\"user\" = ?")];
