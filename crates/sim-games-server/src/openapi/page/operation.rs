//! An operation as a block that opens.

use serde_json::{Map, Value};

use super::html::{block, code, escaped, paragraphs, sentence, text};
use super::{add, schema};

/// A method of a path.
pub(super) fn of(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let id = escaped(text(&operation["operationId"]));
    let mut html = String::new();
    add(
        &mut html,
        format_args!(
            "<details>\n<summary><b class=\"{method}\">{}</b> {} <span>{}</span></summary>\n\
             <div id=\"{id}\">\n",
            method.to_ascii_uppercase(),
            code(path),
            escaped(text(&operation["summary"])),
        ),
    );
    html.push_str(&paragraphs(text(&operation["description"])));
    html.push_str(&parameters(document, operation));
    html.push_str(&body(operation));
    html.push_str(&answers(document, operation));
    html.push_str("</div>\n</details>\n");
    html
}

/// What a reference stands for, or the value itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let target = value["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    target.and_then(|it| document.pointer(it)).unwrap_or(value)
}

fn parameters(document: &Value, operation: &Value) -> String {
    let Some(parameters) = operation["parameters"].as_array() else { return String::new() };
    let mut html = "<h3>Parameters</h3>\n<dl>\n".to_owned();
    for parameter in parameters.iter().map(|it| resolved(document, it)) {
        let described = &parameter["schema"];
        let place = text(&parameter["in"]);
        let mark = if parameter["required"] == true { " <em>required</em>" } else { "" };
        add(
            &mut html,
            format_args!(
                "<dt>{} <span class=\"kind\">{place}, {}{}</span>{mark}</dt>\n<dd>{}{}</dd>\n",
                code(text(&parameter["name"])),
                schema::kind(described),
                schema::bounds(described),
                sentence(text(&parameter["description"])),
                example(parameter),
            ),
        );
    }
    html.push_str("</dl>\n");
    html
}

fn example(parameter: &Value) -> String {
    let named = parameter["examples"].as_object().into_iter().flat_map(Map::values);
    let values = named.map(|it| &it["value"]).chain(parameter.get("example"));
    let shown: Vec<String> =
        values.map(|it| code(&it.as_str().map_or_else(|| it.to_string(), str::to_owned))).collect();
    format!(" For example {}.", shown.join(" or "))
}

fn body(operation: &Value) -> String {
    match operation["requestBody"]["content"].as_object() {
        Some(_) => {
            format!("<h3>Body</h3>\n{}", contents(&operation["requestBody"]["content"]))
        }
        None => String::new(),
    }
}

/// The media types of a body or an answer, with their schemas and examples.
pub(super) fn contents(content: &Value) -> String {
    let mut html = String::new();
    for (media_type, described) in content.as_object().into_iter().flatten() {
        let kind = schema::kind(&described["schema"]);
        add(&mut html, format_args!("<p class=\"kind\">{}: {kind}</p>\n", code(media_type)));
        let examples = described["examples"].as_object().into_iter().flat_map(Map::values);
        examples.for_each(|example| html.push_str(&block(&example["value"])));
    }
    html
}

/// The answers: those that are this operation's own with examples, and the shared ones by name.
fn answers(document: &Value, operation: &Value) -> String {
    let mut html = "<h3>Answers</h3>\n".to_owned();
    let mut refused = String::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let status = escaped(status);
        if let Some(reference) = response["$ref"].as_str() {
            let name = escaped(reference.rsplit('/').next().unwrap_or_default());
            let description = sentence(text(&resolved(document, response)["description"]));
            add(
                &mut refused,
                format_args!(
                    "<dt><a href=\"#refusal-{name}\">{status}</a></dt>\n<dd>{description}</dd>\n"
                ),
            );
            continue;
        }
        let description = sentence(text(&response["description"]));
        add(&mut html, format_args!("<p><strong>{status}</strong> {description}</p>\n"));
        html.push_str(&headers(&response["headers"]));
        html.push_str(&contents(&response["content"]));
    }
    add(&mut html, format_args!("<dl class=\"refused\">\n{refused}</dl>\n"));
    html
}

fn headers(headers: &Value) -> String {
    let told = headers.as_object().into_iter().flatten();
    told.map(|(name, header)| {
        format!("<p>{} {}</p>\n", code(name), sentence(text(&header["description"])))
    })
    .collect()
}
