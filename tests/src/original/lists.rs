//! Lists as the original gives them: filtered, in a fixed order, page by page.

use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::rows::{Row, Rows};
use super::schema::{Filter, Kind};

/// How long a page is unless the client says so.
const PAGE_SIZE: usize = 500;

/// The rows that a query chooses, or what is wrong with it.
pub(super) fn chosen<'a>(rows: &'a Rows, kind: Kind, asked: &Asked) -> Result<Vec<&'a Row>, Value> {
    let mut chosen: Vec<&Row> = rows.all(kind).collect();
    let mut errors = Map::new();
    for (name, filter) in kind.filters() {
        let Some(text) = asked.parameter(name).filter(|text| !text.is_empty()) else { continue };
        match Test::parse(rows, name, *filter, text) {
            Ok(Some(test)) => chosen.retain(|row| test.holds(rows, kind, row)),
            Ok(None) => {}
            Err(error) => drop(errors.insert((*name).to_owned(), json!([error]))),
        }
    }
    if kind == Kind::User {
        chosen.sort_by_key(|row| row["email"].as_str());
    }
    if errors.is_empty() { Ok(chosen) } else { Err(errors.into()) }
}

/// One page of a list, with the links to its neighbors.
pub(super) fn page(asked: &Asked, all: Vec<Value>) -> Answer {
    let size = asked.parameter("page_size").and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let size = size.unwrap_or(PAGE_SIZE);
    let last = all.len().div_ceil(size).max(1);
    let number = match asked.parameter("page") {
        None => Some(1),
        Some("last") => Some(last),
        Some(text) => text.parse().ok(),
    };
    let Some(number) = number.filter(|it| (1..=last).contains(it)) else {
        return Answer::json(404, json!({"detail": "Invalid page."}));
    };
    let items: Vec<Value> = all.into_iter().skip((number - 1) * size).take(size).collect();
    let next =
        (number < last).then(|| format!("<{}>; rel=\"next\"", asked.url_of_page(number + 1)));
    let previous =
        (number > 1).then(|| format!("<{}>; rel=\"prev\"", asked.url_of_page(number - 1)));
    let links: Vec<String> = next.into_iter().chain(previous).collect();
    let answer = Answer::json(200, items.into());
    if links.is_empty() { answer } else { answer.with("link", links.join(", ")) }
}

/// A filter with its value.
enum Test<'a> {
    Field(&'a str, Value),
    Path(&'a str, u64),
    GameSlug(&'a str),
    RunActive(bool),
    Run(u64),
}

impl<'a> Test<'a> {
    /// Nothing when the value means nothing.
    fn parse(
        rows: &Rows,
        name: &'a str,
        filter: Filter,
        text: &'a str,
    ) -> Result<Option<Self>, &'static str> {
        let boolean = match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        let number = || text.parse::<i64>().map_err(|_| "Enter a number.");
        Ok(match filter {
            Filter::Text => Some(Self::Field(name, text.into())),
            Filter::Bool => boolean.map(|it| Self::Field(name, it.into())),
            Filter::Number => Some(Self::Field(name, number()?.into())),
            Filter::GameSlug => Some(Self::GameSlug(text)),
            Filter::RunActive => boolean.map(Self::RunActive),
            Filter::Run => Some(Self::Run(u64::try_from(number()?).unwrap_or_default())),
            Filter::Key(kind) => {
                let pk = text.parse().ok().filter(|pk| rows.get(kind, *pk).is_some());
                let wrong =
                    "Select a valid choice. That choice is not one of the available choices.";
                Some(Self::Path(name, pk.ok_or(wrong)?))
            }
        })
    }

    fn holds(&self, rows: &Rows, kind: Kind, row: &Row) -> bool {
        match self {
            Self::Field(name, value) => row.get(*name) == Some(value),
            Self::Path(path, pk) => follows(rows, kind, row, path) == Some(*pk),
            Self::GameSlug(slug) => match kind {
                Kind::Scenario | Kind::Period | Kind::Decision | Kind::Result => {
                    let runs = rows.runs_of(kind, row).into_iter();
                    let mut games = runs.filter_map(|run| rows.target(Kind::Run, run, "game"));
                    games.any(|(_, game)| game["slug"] == *slug)
                }
                _ => rows.game_of(kind, row).is_some_and(|game| game["slug"] == *slug),
            },
            Self::RunActive(is_active) => {
                rows.runs_of(kind, row).iter().any(|run| run["active"] == *is_active)
            }
            Self::Run(pk) => rows.runs_of(kind, row).iter().any(|run| run["id"] == *pk),
        }
    }
}

/// The id at the end of a path such as `scenario__world__run`.
fn follows(rows: &Rows, kind: Kind, row: &Row, path: &str) -> Option<u64> {
    match path.split_once("__") {
        None => row[path].as_u64(),
        Some((first, rest)) => {
            let (kind, row) = rows.target(kind, row, first)?;
            follows(rows, kind, row, rest)
        }
    }
}
