//! Parameters and headers.

use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::{Limits, examples, places, words};
use crate::model::{Filter, FilterKind, Table};
use crate::rest::{PAGE_SIZE, sortable};

/// The parameters that several operations share, by name.
pub(super) fn shared(limits: &Limits) -> Map<String, Value> {
    let page_sizes = format!(
        "How many objects a page holds: {PAGE_SIZE} when nothing usable is said, and never more \
         than {}.",
        limits.page
    );
    Map::from_iter([
        (
            "page".to_owned(),
            query(
                "page",
                "Which page is wanted, counted from 1, or `last`.",
                json!({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "last"}],
                       "default": 1}),
                json!(1),
            ),
        ),
        (
            "page_size".to_owned(),
            query(
                "page_size",
                &page_sizes,
                json!({"type": "integer", "minimum": 1, "maximum": limits.page,
                       "default": PAGE_SIZE}),
                json!(100),
            ),
        ),
        ("if_match".to_owned(), if_match()),
    ])
}

/// A reference to a shared parameter.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "The version that is meant to be written, as `ETag` told it, several of \
                        them, or `*` for any. When the object has another version by now the \
                        answer is 412. Users and hooks have no version, so only `*` matches them.",
        "schema": {"type": "string"},
        "examples": {
            "version": {"value": examples::tag()},
            "any": {"value": "*"},
        },
    })
}

/// A query parameter that can be left out.
pub(super) fn query(name: &str, description: &str, schema: Value, example: Value) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema,
        "example": example,
    })
}

/// The key in a path.
pub(super) fn key(resource: Resource) -> Value {
    let name = places::key(resource);
    let (what, schema) = match resource {
        Resource::Game => ("slug", json!({"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"})),
        _ => ("key", json!({"type": "integer", "format": "int64", "minimum": 1})),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": format!("The {what} of the {}.", resource.name()),
        "schema": schema,
        "example": examples::object(resource)[name],
    })
}

/// The filters of a resource.
pub(super) fn filters(resource: Resource) -> Vec<Value> {
    Table::of(resource).filters.iter().map(|it| filter(resource, it)).collect()
}

fn filter(resource: Resource, filter: &Filter) -> Value {
    let text = words::filter(resource, filter.name).unwrap_or_default();
    let (note, schema) = match filter.kind {
        FilterKind::Text | FilterKind::Email => ("", json!({"type": "string"})),
        FilterKind::Bool => (" Also as 1 and 0.", json!({"type": "boolean"})),
        FilterKind::Key => {
            (" A key that does not exist matches nothing.", json!({"type": "integer"}))
        }
        FilterKind::Number => {
            (" Anything but a number is refused.", json!({"type": "integer", "format": "int64"}))
        }
    };
    let example = examples::filter(resource, filter);
    query(filter.name, &format!("{text}{note}"), schema, example)
}

/// How a list can be sorted.
pub(super) fn ordering(resource: Resource) -> Value {
    let table = Table::of(resource);
    let names: Vec<&str> = sortable(table).collect();
    let field = format!("-?({})", names.join("|"));
    let description = format!(
        "The fields to sort by, most important first, with a minus for downwards: {}. What is \
         equal then is sorted by `{}`; names that are not known are ignored.",
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        table.order,
    );
    let schema = json!({"type": "string", "pattern": format!("^{field}(,{field})*$")});
    query("ordering", &description, schema, json!("-id"))
}

/// A header of an answer.
pub(super) fn header(name: &str) -> Value {
    let (description, schema) = match name {
        "ETag" => ("The object's version, for `If-Match`.", json!({"type": "string"})),
        "Link" => (
            "The addresses of the next and the previous page, where there are such: \
             `<…>; rel=\"next\", <…>; rel=\"prev\"`.",
            json!({"type": "string"}),
        ),
        "Content-Disposition" => ("The name of the file.", json!({"type": "string"})),
        "Allow" => ("The methods that the path knows.", json!({"type": "string"})),
        "Retry-After" => ("After how many seconds to try again.", json!({"type": "integer"})),
        "WWW-Authenticate" => ("How to log in: `Token` or `Basic`.", json!({"type": "string"})),
        "X-Last-Seq" => (
            "Up to which number the journal was looked at: the next `after`.",
            json!({"type": "integer", "format": "int64"}),
        ),
        _ => ("", json!({})),
    };
    json!({ "description": description, "schema": schema })
}
