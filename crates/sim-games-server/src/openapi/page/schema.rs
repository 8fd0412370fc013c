//! Schemas as tables.

use serde_json::{Map, Value};

use super::html::{code, escaped, paragraphs, sentence, text};

/// A schema with its properties, or with the alternatives that it consists of.
pub(super) fn of(schema: &Value) -> String {
    let mut html = paragraphs(text(&schema["description"]));
    if let Some(properties) = schema["properties"].as_object() {
        html.push_str(&table(properties, &schema["required"]));
    } else if let Some(variants) = alternatives(schema) {
        for variant in variants {
            match variant["title"].as_str() {
                Some(title) => {
                    html.push_str(&format!("<h4>{}</h4>\n{}", code(title), of(variant)));
                }
                None => html.push_str(&format!("<p>{}</p>\n{}", kind(variant), of(variant))),
            }
        }
    } else {
        html.push_str(&format!("<p>{}</p>\n", kind(schema)));
    }
    html
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())
}

fn table(properties: &Map<String, Value>, required: &Value) -> String {
    let is_required = |name: &str| {
        required.as_array().is_some_and(|names| names.iter().any(|it| it.as_str() == Some(name)))
    };
    let rows: String = properties
        .iter()
        .map(|(name, schema)| {
            let mark = if is_required(name) { " <em>required</em>" } else { "" };
            format!(
                "<dt>{} <span class=\"kind\">{}{}</span>{mark}</dt>\n<dd>{}</dd>\n",
                code(name),
                kind(schema),
                bounds(schema),
                sentence(text(&schema["description"])),
            )
        })
        .collect();
    format!("<dl>\n{rows}</dl>\n")
}

/// What kind of value it is, in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(parts) = alternatives(schema).or_else(|| schema["allOf"].as_array())
        && schema.get("properties").is_none()
    {
        return parts.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(constant) = schema.get("const") {
        return code(&constant.to_string());
    }
    let is_array = schema["type"] == "array" || schema["type"][0] == "array";
    match &schema["type"] {
        Value::String(name) if is_array => format!("{name} of {}", kind(&schema["items"])),
        Value::String(name) => escaped(name),
        Value::Array(names) => names
            .iter()
            .map(|name| match text(name) {
                "array" if schema.get("items").is_some() => {
                    format!("array of {}", kind(&schema["items"]))
                }
                name => escaped(name),
            })
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any JSON".to_owned(),
    }
}

/// What a value must keep to, as ` (at most 100 characters, default "")`.
pub(super) fn bounds(schema: &Value) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |key: &str, say: &dyn Fn(String) -> String| {
        if let Some(value) = schema.get(key) {
            told.push(say(value.as_str().map_or_else(|| value.to_string(), escaped)));
        }
    };
    tell("format", &|it| it);
    tell("minimum", &|it| format!("from {it}"));
    tell("maximum", &|it| format!("to {it}"));
    tell("maxLength", &|it| format!("at most {it} characters"));
    tell("maxItems", &|it| format!("at most {it}"));
    tell("pattern", &|it| format!("like <code>{it}</code>"));
    tell("readOnly", &|_| "read only".to_owned());
    tell("writeOnly", &|_| "write only".to_owned());
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|it| code(text(it))).collect();
        told.push(values.join(" "));
    }
    if let Some(default) = schema.get("default") {
        told.push(format!("default {}", code(&default.to_string())));
    }
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}
