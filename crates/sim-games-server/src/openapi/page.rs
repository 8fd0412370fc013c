//! The document as a page for people: plain HTML, made here, without any script.

mod html;
mod operation;
mod schema;

use std::fmt::Write;

use serde_json::{Map, Value};

use html::{code, escaped, paragraphs, text};

/// The page of a document.
pub(super) fn of(document: &Value) -> String {
    let info = &document["info"];
    let title = escaped(text(&info["title"]));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/openapi/style.css\">\n</head>\n<body>\n\
         <header>\n<h1>{title} <small>{version}</small></h1>\n{description}\
         <p><a href=\"/openapi.json\">OpenAPI document</a></p>\n</header>\n\
         {navigation}<main>\n{operations}{refusals}{schemas}</main>\n</body>\n</html>\n",
        version = escaped(text(&info["version"])),
        description = paragraphs(text(&info["description"])),
        navigation = navigation(document),
        operations = groups(document),
        refusals = refusals(document),
        schemas = schemas(document),
    )
}

/// The operations of a group, as method, path and description.
fn operations_of<'d>(
    document: &'d Value,
    tag: &'d str,
) -> impl Iterator<Item = (&'d str, &'d str, &'d Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .filter(move |(_, _, operation)| operation["tags"][0] == tag)
}

fn tags(document: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(&tag["name"]), text(&tag["description"])))
}

fn anchor(tag: &str) -> String {
    format!("group-{}", tag.to_ascii_lowercase().replace(' ', "-"))
}

fn navigation(document: &Value) -> String {
    let mut page = "<nav aria-label=\"Contents\">\n<ul>\n".to_owned();
    for (tag, _) in tags(document) {
        add(
            &mut page,
            format_args!("<li><a href=\"#{}\">{}</a></li>\n", anchor(tag), escaped(tag)),
        );
    }
    page.push_str("<li><a href=\"#refusals\">Refusals</a></li>\n");
    page.push_str("<li><a href=\"#schemas\">Schemas</a></li>\n</ul>\n</nav>\n");
    page
}

fn groups(document: &Value) -> String {
    let mut page = String::new();
    for (tag, about) in tags(document) {
        let (anchor, name) = (anchor(tag), escaped(tag));
        add(&mut page, format_args!("<section id=\"{anchor}\">\n<h2>{name}</h2>\n"));
        page.push_str(&paragraphs(about));
        for (method, path, described) in operations_of(document, tag) {
            page.push_str(&operation::of(document, method, path, described));
        }
        page.push_str("</section>\n");
    }
    page
}

fn named<'d>(document: &'d Value, kind: &str) -> impl Iterator<Item = (&'d String, &'d Value)> {
    document["components"][kind].as_object().into_iter().flat_map(Map::iter)
}

fn refusals(document: &Value) -> String {
    let mut page = "<section id=\"refusals\">\n<h2>Refusals</h2>\n".to_owned();
    for (name, response) in named(document, "responses") {
        let status = status_of(document, name);
        add(&mut page, format_args!("<article id=\"refusal-{name}\">\n<h3>{status} {name}</h3>\n"));
        page.push_str(&paragraphs(text(&response["description"])));
        page.push_str(&operation::contents(&response["content"]));
        page.push_str("</article>\n");
    }
    page.push_str("</section>\n");
    page
}

/// The status under which operations refer to a response.
fn status_of<'d>(document: &'d Value, name: &str) -> &'d str {
    let reference = format!("#/components/responses/{name}");
    let items = document["paths"].as_object().into_iter().flat_map(Map::values);
    items
        .filter_map(Value::as_object)
        .flat_map(Map::values)
        .filter_map(|operation| operation["responses"].as_object())
        .flatten()
        .find(|(_, response)| response["$ref"] == reference)
        .map_or("", |(status, _)| status)
}

fn schemas(document: &Value) -> String {
    let mut page = "<section id=\"schemas\">\n<h2>Schemas</h2>\n".to_owned();
    for (name, described) in named(document, "schemas") {
        add(&mut page, format_args!("<article id=\"schema-{name}\">\n<h3>{}</h3>\n", code(name)));
        page.push_str(&schema::of(described));
        page.push_str("</article>\n");
    }
    page.push_str("</section>\n");
    page
}

/// Adds to a page; writing to a text cannot fail.
fn add(page: &mut String, part: std::fmt::Arguments<'_>) {
    page.write_fmt(part).expect("a text takes whatever is written");
}
