//! Every example of a request is sent to the service, and its answer is the documented one.

use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::Value;
use sim_games_types::{Resource, Timestamp};

use super::super::{examples, places};
use super::soundness::complaints;
use super::{Answer, Described, Service, examples_of, normalized, operations, request, served};
use crate::rest::Place;

/// How an operation is called by its examples.
struct Example {
    query: String,
    body: Value,
    /// Whether the answer is just the one that the document shows.
    is_shown: bool,
}

impl Described<'_> {
    /// The last resource whose example must exist for this operation, and none after it.
    fn last(&self) -> Resource {
        match Place::of(self.path) {
            Place::Collection(resource) | Place::Detail(resource, _) | Place::Bulk(resource) => {
                resource
            }
            _ => Resource::Hook,
        }
    }

    /// The path with the keys of the examples.
    fn target(&self) -> String {
        let mut path = self.path.to_owned();
        for parameter in self.parameters().iter().filter(|it| it["in"] == "path") {
            let name = parameter["name"].as_str().unwrap();
            let example = parameter["example"].to_string();
            path = path.replace(&format!("{{{name}}}"), example.trim_matches('"'));
        }
        path
    }

    fn query(&self) -> Vec<String> {
        let parameters = self.parameters();
        let query = parameters.iter().filter(|it| it["in"] == "query");
        let pair = |it: &&Value| {
            let value = it["example"].to_string();
            let value = value.trim_matches('"').replace('@', "%40").replace(' ', "+");
            format!("{}={value}", it["name"].as_str().unwrap())
        };
        query.map(pair).collect()
    }

    /// The calls that the examples make: with each body, with each parameter of a list, and with
    /// all parameters together where that means something.
    fn examples(&self) -> Vec<Example> {
        let query = self.query();
        let call = |body: &Value, query: &str, is_shown| Example {
            query: query.to_owned(),
            body: body.clone(),
            is_shown,
        };
        let single = |is_shown| query.iter().map(move |it| call(&Value::Null, it, is_shown));
        let plain = call(&Value::Null, "", true);
        let bodies = self.bodies().into_iter();
        match (Place::of(self.path), self.method) {
            (Place::Collection(_) | Place::Bulk(_), "get") => {
                single(false).chain([plain]).collect()
            }
            (Place::Bulk(_), "delete") => single(false).collect(),
            (Place::Collection(_), "put") => bodies
                .flat_map(|it| [call(&it, "", true), call(&it, "existing=keep", true)])
                .collect(),
            (Place::Export(_), _) => {
                let formats = ["format=csv", "format=jsonl", "format=zip"];
                formats.map(|it| call(&Value::Null, it, true)).into_iter().chain([plain]).collect()
            }
            _ => bodies.map(|it| call(&it, &query.join("&"), true)).collect(),
        }
    }
}

/// Asserts that an answer is one that the document knows.
fn assert_documented(described: &Described<'_>, answer: &Answer, is_shown: bool) {
    let name = described.name();
    let response = described.response(answer.status);
    let response = response.unwrap_or_else(|| panic!("{name}: {} {}", answer.status, answer.text));
    assert!(answer.status.is_success(), "{name}: {} {}", answer.status, answer.text);
    assert_body_is_documented(described, response, answer, is_shown);
    for header in response["headers"].as_object().into_iter().flat_map(|it| it.keys()) {
        // A page that is alone has no links.
        assert!(header == "Link" || answer.headers.contains_key(header), "{name}: {header}");
    }
}

fn assert_body_is_documented(
    described: &Described<'_>,
    response: &Value,
    answer: &Answer,
    is_shown: bool,
) {
    let name = described.name();
    if response["content"].is_null() {
        assert_eq!(answer.text, "", "{name}");
        return;
    }
    let media_type = answer.headers["content-type"].to_str().unwrap();
    let content = &response["content"][media_type];
    assert!(!content.is_null(), "{name}: {media_type} is not documented");
    let shown = examples_of(content);
    if media_type != "application/json" {
        let shown: Vec<_> = shown.iter().map(|it| lines(it.as_str().unwrap())).collect();
        let real = lines(&answer.text);
        assert!(shown.contains(&real) || shown.is_empty(), "{name}: {real:?}\n{shown:?}");
        return;
    }
    let body = answer.json();
    let told = complaints(described.document, &content["schema"], &body);
    assert_eq!(told, Vec::<String>::new(), "{name}: {body}");
    let (real, shown) = (normalized(&body), normalized(&Value::from(shown)));
    let is_there = shown.as_array().unwrap().contains(&real);
    assert!(is_there || !is_shown, "{name}: answered {real:#}, documented {shown:#}");
}

/// The lines of a text, those of JSON as such: the order of their keys means nothing.
fn lines(text: &str) -> Vec<Value> {
    let line = |it: &str| serde_json::from_str(it).unwrap_or_else(|_| Value::from(it));
    timeless(text).lines().map(line).collect()
}

/// A text with the same time in place of every time.
fn timeless(text: &str) -> String {
    let times = text.split([',', '"', '\r']).filter(|it| it.parse::<Timestamp>().is_ok());
    times.fold(text.to_owned(), |text, time| text.replace(time, examples::TIME))
}

#[tokio::test]
async fn every_example_of_a_request_is_accepted_and_answered_as_it_is_documented() {
    let document = served();
    for described in operations(&document) {
        let is_creation =
            described.method == "post" && matches!(Place::of(described.path), Place::Collection(_));
        if is_creation {
            // These make the services below, and are looked at by themselves.
            continue;
        }
        let mut service = Service::with(described.last()).await;
        for (index, example) in described.examples().into_iter().enumerate() {
            if index > 0 && !example.body.is_null() {
                service = Service::with(described.last()).await;
            }
            let target = format!("{}?{}", described.target(), example.query);
            let method = described.method.to_ascii_uppercase();
            let request = request(&method, &target, &example.body, &[]);
            assert_documented(&described, &service.send(request).await, example.is_shown);
        }
    }
}

#[tokio::test]
async fn the_examples_of_creations_tell_one_story_from_an_empty_database() {
    let document = served();
    let all = operations(&document);
    let service = Service::start().await;
    for resource in Resource::ALL {
        let path = places::path(&Place::Collection(resource));
        let described = all.iter().find(|it| it.path == path && it.method == "post").unwrap();
        for body in described.bodies() {
            let answer = service.staff("POST", &path, &body).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text);
            assert_documented(described, &answer, true);
        }
    }
}

#[tokio::test]
async fn what_is_stored_under_its_natural_key_is_new_where_it_is_not_there() {
    let document = served();
    for described in operations(&document) {
        let (Place::Collection(resource), "put") = (Place::of(described.path), described.method)
        else {
            continue;
        };
        let position = Resource::ALL.iter().position(|it| *it == resource).unwrap();
        let service = match position.checked_sub(1) {
            Some(before) => Service::with(Resource::ALL[before]).await,
            None => Service::start().await,
        };
        for body in described.bodies() {
            let answer = service.staff("PUT", described.path, &body).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", described.name());
            assert_documented(&described, &answer, true);
        }
    }
}

#[tokio::test]
async fn the_version_of_an_object_has_the_form_of_the_example() {
    let service = Service::with(Resource::Run).await;
    let run = service.staff("GET", "/apis/runs/1/", &Value::Null).await;
    let tag = run.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag.len(), examples::tag().len());
    for tag in [&tag, "*"] {
        let change = examples::change(Resource::Run);
        let change = request("PATCH", "/apis/runs/1/", &change, &[("if-match", tag)]);
        assert_eq!(service.send(change).await.status, StatusCode::OK, "{tag}");
    }
}

#[tokio::test]
async fn the_stream_of_changes_looks_as_it_is_documented() {
    let document = served();
    let service = Service::with(Resource::Hook).await;
    let stream =
        request("GET", "/apis/changes/?after=10", &Value::Null, &[("accept", "text/event-stream")]);
    let mut body = service.answer(stream).await.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    let parts = |text: &str| {
        let (id, data) = text.split_once('\n').unwrap();
        let data = data.trim_end().strip_prefix("data: ").unwrap();
        (id.to_owned(), normalized(&serde_json::from_str(data).unwrap()))
    };
    let content = &document["paths"]["/apis/changes/"]["get"]["responses"]["200"]["content"];
    let shown = content["text/event-stream"]["examples"]["stream"]["value"].as_str().unwrap();
    assert_eq!(parts(std::str::from_utf8(&first).unwrap()), parts(shown));
}
