//! The document is sound in itself, and nothing in it lacks words.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim_games_types::Resource;

use super::super::schemas::{name, writable};
use super::super::{examples, words};
use super::{Described, examples_of, operations, served};
use crate::model::{Kind, Table};

/// What a schema of the document says of a value.
pub(super) fn complaints(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    validator.iter_errors(value).map(|error| error.to_string()).collect()
}

fn assert_examples(document: &Value, described: &Value, place: &str) -> usize {
    let examples = examples_of(described);
    for example in &examples {
        let told = complaints(document, &described["schema"], example);
        assert_eq!(told, Vec::<String>::new(), "{place}: {example}");
    }
    examples.len()
}

#[test]
fn every_example_fits_its_schema() {
    let document = served();
    let mut count = 0;
    for operation in operations(&document) {
        let name = operation.name();
        for parameter in operation.parameters() {
            let found = assert_examples(&document, parameter, &name);
            assert!(found > 0, "{name}: no example of {}", parameter["name"]);
            count += found;
        }
        for content in contents(&operation) {
            count += assert_examples(&document, content, &name);
        }
    }
    assert!(count > 1000, "only {count} examples were found");
}

/// What bodies and answers consist of.
fn contents<'d>(operation: &Described<'d>) -> Vec<&'d Value> {
    let responses = operation.operation["responses"].as_object().unwrap().values();
    let responses = responses.map(|it| super::resolved(operation.document, it));
    let all = responses.chain([&operation.operation["requestBody"]]);
    all.filter_map(|it| it["content"].as_object()).flat_map(|it| it.values()).collect()
}

#[test]
fn every_body_and_every_answer_of_json_has_an_example() {
    let document = served();
    for operation in operations(&document) {
        let responses = operation.operation["responses"].as_object().unwrap().values();
        let responses = responses.map(|it| super::resolved(&document, it));
        let told = responses.chain([&operation.operation["requestBody"]]);
        for described in told.map(|it| &it["content"]["application/json"]) {
            let missing = !described.is_null() && examples_of(described).is_empty();
            assert!(!missing, "{}", operation.name());
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_words() {
    let document = served();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let described = operation.operation;
        assert!(ids.insert(described["operationId"].as_str().unwrap()), "{}", operation.name());
        for part in ["summary", "description"] {
            assert!(described[part].as_str().unwrap().len() > 5, "{}: {part}", operation.name());
        }
        for parameter in operation.parameters() {
            let text = parameter["description"].as_str().unwrap();
            assert!(text.len() > 10, "{}: {}", operation.name(), parameter["name"]);
        }
        let statuses = described["responses"].as_object().unwrap();
        assert!(statuses.keys().any(|status| status.starts_with('2')), "{}", operation.name());
    }
    for tag in document["tags"].as_array().unwrap() {
        assert_ne!(tag["description"], json!(""), "{tag}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = served();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    for (kind, parts) in document["components"].as_object().unwrap() {
        let names = parts.as_object().unwrap().keys();
        let unused: Vec<&String> = names
            .filter(|name| !used.contains(&format!("#/components/{kind}/{name}")))
            .filter(|_| kind != "securitySchemes")
            .collect();
        assert_eq!(unused, Vec::<&String>::new(), "{kind}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| references(field, found));
        }
        _ => {}
    }
}

#[test]
fn every_field_and_every_filter_has_words() {
    for resource in Resource::ALL {
        let table = Table::of(resource);
        for field in table.fields {
            assert!(words::field(resource, field.name).is_some(), "{resource}.{}", field.name);
        }
        for filter in table.filters {
            assert!(words::filter(resource, filter.name).is_some(), "{resource}?{}", filter.name);
        }
    }
}

#[test]
fn schemas_name_just_the_keys_that_objects_have() {
    let document = served();
    for resource in Resource::ALL {
        let schema = &document["components"]["schemas"][name(resource)];
        let described: BTreeSet<&String> =
            schema["properties"].as_object().unwrap().keys().collect();
        let object = examples::object(resource);
        let real: BTreeSet<&String> = object.as_object().unwrap().keys().collect();
        assert_eq!(described, real, "{resource}");
        let told = |property: &&String| schema["properties"][*property]["description"].is_string();
        assert!(described.iter().all(told), "{resource}");
    }
}

#[test]
fn no_password_and_no_secret_is_part_of_an_answer() {
    let document = served();
    for resource in [Resource::User, Resource::Hook] {
        let answer = &document["components"]["schemas"][name(resource)]["properties"];
        let secrets = writable(resource).filter(|field| field.kind == Kind::Password);
        assert_eq!(secrets.filter(|field| !answer[field.name].is_null()).count(), 0, "{resource}");
    }
}
