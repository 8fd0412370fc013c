//! The page and the paths at which the description is served.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use super::super::page;
use super::{Service, operations, served};

/// The values of an attribute.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let start = format!(" {name}=\"");
    page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_shows_every_operation_and_leads_nowhere_else() {
    let document = served();
    let page = page::of(&document);
    let ids = attributes(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an anchor is there twice");
    for operation in operations(&document) {
        let id = operation.operation["operationId"].as_str().unwrap();
        assert!(unique.contains(id), "{id}");
    }
    for link in attributes(&page, "href") {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(unique.contains(anchor), "{link}"),
            None => assert!(["/openapi.json", "/openapi/style.css"].contains(&link), "{link}"),
        }
    }
    for forbidden in ["<script", " style=", " src=", " onclick", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn every_element_of_the_page_is_closed() {
    let page = page::of(&served());
    for name in [
        "section", "article", "details", "summary", "div", "dl", "dt", "dd", "p", "pre", "code",
        "a", "b", "span", "h2", "h3", "h4", "ul", "li", "em",
    ] {
        let opened =
            page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
        assert_eq!(opened, page.matches(&format!("</{name}>")).count(), "{name}");
        assert!(opened > 0, "{name}");
    }
}

#[tokio::test]
async fn everybody_reads_the_document_and_the_page() {
    let service = Service::start().await;
    let get = |target: &'static str| {
        let request = axum::http::Request::builder().uri(target).header("host", "localhost");
        service.send(request.body(axum::body::Body::empty()).unwrap())
    };
    let document = get("/openapi.json").await;
    assert_eq!(document.json(), served());
    assert_eq!(document.headers["content-type"], "application/json");
    assert_eq!(document.headers["access-control-allow-origin"], "*");
    for target in ["/", "/redoc/"] {
        let page = get(target).await;
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(page.text.starts_with("<!doctype html>"));
    }
    let style = get("/openapi/style.css").await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    for (target, location) in [("/.json", "/openapi.json"), ("/redoc", "/redoc/")] {
        let redirect = get(target).await;
        assert_eq!(redirect.status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(redirect.headers["location"], location);
    }
    assert_eq!(get("/openapi/nothing").await.status, StatusCode::NOT_FOUND);
    let post = service.staff("POST", "/", &Value::Null).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}
