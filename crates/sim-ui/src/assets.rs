//! The files of the pages, as they lie in the program.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::Embed;
use serde_json::{Value, json};

use crate::{Site, session};

#[derive(Embed)]
#[folder = "assets"]
struct Files;

/// The place in the page where it is told who has logged in.
const SESSION: &str = "{{session}}";

/// A file in the forms in which it is sent.
struct Asset {
    kind: &'static str,
    plain: Vec<u8>,
    compressed: Vec<u8>,
    /// Changes with the content.
    tag: String,
}

impl Asset {
    fn new(name: &str, plain: Vec<u8>) -> Self {
        let kind = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        let compressed = compressed(&plain);
        Self { kind, tag: tag(&plain), compressed, plain }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // A browser asks each time, so that pages and service never differ in their version.
        let common = [
            ("content-type", self.kind),
            ("cache-control", "no-cache"),
            ("vary", "accept-encoding"),
            ("etag", &self.tag),
        ];
        if text("if-none-match") == Some(&self.tag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let gzip = text("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
        match gzip {
            true => {
                (common, [("content-encoding", "gzip")], self.compressed.clone()).into_response()
            }
            false => (common, self.plain.clone()).into_response(),
        }
    }
}

/// All files, compressed once.
static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    let read = |name: &str| Files::get(name).map(|file| file.data.into_owned());
    let named = Files::iter().filter_map(|name| Some((name.to_string(), read(&name)?)));
    named.map(|(name, data)| (name.clone(), Asset::new(&name, data))).collect()
});

pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.get(&name).filter(|asset| !asset.kind.starts_with("text/html")) {
        Some(asset) => asset.answer(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The page itself: it knows from the start who has logged in, and which run a join link opens.
pub(crate) async fn page(
    State(site): State<Arc<dyn Site>>,
    code: Option<Path<String>>,
    jar: CookieJar,
    extensions: Extensions,
) -> Response {
    let join = match code {
        Some(Path(code)) => {
            let run = site.run_of(session::address(&extensions), &code).await;
            json!({"code": code, "run": run})
        }
        None => Value::Null,
    };
    let begun = json!({"session": session::begin(&*site, &jar).await, "join": join});
    // Within a script element only this one character could end the element.
    let session = begun.to_string().replace('<', "\\u003c");
    let page = &ASSETS["index.html"];
    let html = String::from_utf8_lossy(&page.plain).replacen(SESSION, &session, 1);
    session::private(([("content-type", page.kind)], html))
}

/// A game's own module.
pub(crate) async fn view(
    State(site): State<Arc<dyn Site>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let module = file.strip_suffix(".js").and_then(|slug| site.view(slug));
    match module {
        Some(module) => Asset::new(&file, module.as_bytes().to_vec()).answer(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("writing to memory does not fail")
}

fn tag(plain: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    plain.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
