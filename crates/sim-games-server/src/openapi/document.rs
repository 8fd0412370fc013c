//! Puts the document together.

use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::operations::{self, Operation};
use super::{Limits, parameters, places, responses, schemas, words};

/// The path items of a document.
type Paths = Map<String, Value>;

/// The document of a service with these limits.
pub(super) fn of(limits: &Limits) -> Value {
    let mut paths = Paths::new();
    for place in places::all() {
        for method in places::methods(&place) {
            if let Some(operation) = operations::of(&place, method, limits) {
                add(&mut paths, &places::path(&place), method, operation);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": info(limits),
        "servers": [{"url": "/", "description": "The service that this document comes from."}],
        "security": [{"basic": []}, {"token": []}],
        "tags": tags(&paths),
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": responses::all(limits),
            "parameters": parameters::shared(limits),
            "securitySchemes": security(),
        },
    })
}

fn add(paths: &mut Paths, path: &str, method: &str, operation: Operation) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    if let Value::Object(item) = item {
        item.insert(method.to_ascii_lowercase(), operation.into_value());
    }
}

fn info(limits: &Limits) -> Value {
    let description = format!(
        "What games, runs, worlds, players, periods, decisions and results there are.\n\n\
         Bodies are JSON, in requests and in answers. Times are UTC with microseconds, as \
         `2026-03-02T14:05:07.123456Z`. Keys are whole numbers that are never given away twice.\n\n\
         Every path ends in a slash. Without it `GET` and `HEAD` are answered by 301, and other \
         methods by 308, with the right address. Where there is `GET` there is `HEAD`, and \
         everything answers `OPTIONS`, also for pages of other origins.\n\n\
         Staff may do everything, but only superusers change superusers. Everybody else may read \
         the own account and the own runusers, and change the own names and password.\n\n\
         A request that is refused changes nothing. Fields that are wrong are named, each with \
         sentences that can be shown to people; other refusals have a `detail`. A body may have \
         {} bytes, and a query {} parameters; after too many failed logins of an account its logins are refused for a while \
         (429).\n\n\
         Clients should ignore keys of answers that they do not know.",
        limits.body, limits.parameters
    );
    json!({
        "title": "Games API",
        "version": env!("CARGO_PKG_VERSION"),
        "description": description,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    })
}

/// The groups in the order of their first operations.
fn tags(paths: &Paths) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    let operations = paths.values().filter_map(Value::as_object).flat_map(Map::values);
    for name in operations.filter_map(|operation| operation["tags"][0].as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| json!({"name": name, "description": about(name)})).collect()
}

/// What a group is about.
fn about(tag: &str) -> &'static str {
    if let Some(resource) = Resource::from_collection(&tag.to_ascii_lowercase()) {
        return words::resource(resource);
    }
    match tag {
        "Index" => "Where everything is.",
        "Units of work" => "Several changes that are stored together or not at all.",
        "Journal" => "Every change in commit order, to be followed without a gap.",
        "Logins" => "Whether a login is right, and tokens to log in with.",
        _ => "",
    }
}

fn security() -> Value {
    json!({
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "E-mail address and password.",
        },
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <key>`, with the key that a login was answered.",
        },
    })
}
