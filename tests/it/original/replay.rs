//! Sends recorded requests to a Games API and compares the answers.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use reqwest::header::{AUTHORIZATION, HOST};
use reqwest::{Client, Method, Response, Url, redirect};
use serde_json::{Map, Value};

/// The address under which the original was reached.
const RECORDED_HOST: &str = "127.0.0.1:8100";

/// The headers that must be the same.
const HEADERS: [&str; 2] = ["www-authenticate", "link"];

/// The fields that hold an id, and the collection that it belongs to.
const KEYS: [(&str, &str); 10] = [
    ("game", "games"),
    ("phase", "phases"),
    ("role", "roles"),
    ("run", "runs"),
    ("world", "worlds"),
    ("user", "users"),
    ("runuser", "runusers"),
    ("scenario", "scenarios"),
    ("period", "periods"),
    ("authid", "users"),
];

/// An answer that is not as recorded.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The position in the recording.
    pub(crate) position: usize,
    /// What differs, for people.
    #[expect(dead_code, reason = "it is shown")]
    what: String,
}

/// A Games API, and how the recorded ids are called there.
pub(crate) struct Replay {
    http: Client,
    base: Url,
    ids: BTreeMap<(String, u64), u64>,
}

impl Replay {
    pub(crate) fn new(api_url: &str) -> Result<Self> {
        // Made once for the provider of cryptography that it installs.
        black_box::Rest::staff(api_url)?;
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build()?;
        let ids = BTreeMap::from([(("users".to_owned(), 1), 1)]);
        Ok(Self { http, base: Url::parse(api_url)?, ids })
    }

    /// Sends all requests of a recording, in order.
    pub(crate) async fn play(&mut self, pairs: &[Value]) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        for (position, pair) in pairs.iter().enumerate() {
            let (request, expected) = (&pair["request"], &pair["response"]);
            let path = request["path"].as_str().context("no path")?;
            if is_abridged(request) {
                continue;
            }
            let answer = self.send(request, path).await.with_context(|| path.to_owned())?;
            if let Some(what) = self.compare(path, expected, answer).await? {
                let what = format!("{} {path}: {what}", request["method"]);
                differences.push(Difference { position, what });
            }
        }
        Ok(differences)
    }

    async fn send(&self, request: &Value, path: &str) -> Result<Response> {
        let method: Method = request["method"].as_str().context("no method")?.parse()?;
        let mut built = self.http.request(method, self.our_url(path)?);
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().context("a header is text")?;
            match (name.to_ascii_lowercase().as_str(), value) {
                ("authorization", "Basic <credentials>") => {
                    built = built.basic_auth("simpl@simpl.world", Some("simpl"));
                }
                ("authorization", value) => built = built.header(AUTHORIZATION, value),
                ("accept" | "content-type", value) => built = built.header(name, value),
                _ => {}
            }
        }
        if let Some([user, password]) = request["auth"].as_array().map(Vec::as_slice) {
            built = built.basic_auth(user.as_str().context("no user")?, password.as_str());
        }
        built = match &request["body"] {
            Value::Null => built,
            // A text is the body as it was sent.
            Value::String(text) => built.body(text.clone()),
            other => built.json(&self.ours(other, None)),
        };
        Ok(built.header(HOST, RECORDED_HOST).send().await?)
    }

    fn our_url(&self, recorded: &str) -> Result<Url> {
        let mut url = self.base.join(recorded)?;
        let segments: Vec<&str> =
            recorded.split('?').next().unwrap_or_default().split('/').collect();
        let ours: Vec<String> = segments
            .iter()
            .enumerate()
            .map(|(at, segment)| match (at.checked_sub(1), segment.parse()) {
                (Some(before), Ok(id)) => self.our_id(segments[before], id).to_string(),
                _ => (*segment).to_owned(),
            })
            .collect();
        url.set_path(&ours.join("/"));
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if !pairs.is_empty() {
            let ours = pairs.into_iter().map(|(name, value)| {
                let collection = collection_of(name.rsplit("__").next().unwrap_or_default());
                let id = value.parse().ok().zip(collection);
                let id = id.map(|(id, collection)| self.our_id(collection, id).to_string());
                (name, id.unwrap_or(value))
            });
            url.query_pairs_mut().clear().extend_pairs(ours);
        }
        Ok(url)
    }

    fn our_id(&self, collection: &str, recorded: u64) -> u64 {
        *self.ids.get(&(collection.to_owned(), recorded)).unwrap_or(&recorded)
    }

    /// What is recorded, with our ids, as far as it can be compared: without times, and of a list
    /// only what came into being while we watched.
    fn ours(&self, recorded: &Value, collection: Option<&str>) -> Value {
        match recorded {
            Value::Array(items) => {
                let is_known = |item: &&Value| {
                    let id = item["id"].as_u64().zip(collection);
                    id.is_none_or(|(id, it)| self.ids.contains_key(&(it.to_owned(), id)))
                };
                items.iter().filter(is_known).map(|item| self.ours(item, collection)).collect()
            }
            Value::Object(fields) => {
                let ours = fields.iter().map(|(name, value)| {
                    let of = if name == "id" { collection } else { collection_of(name) };
                    let id = value.as_u64().zip(of).map(|(id, of)| self.our_id(of, id).into());
                    (name.clone(), id.unwrap_or_else(|| value.clone()))
                });
                without_times(ours.collect())
            }
            other => other.clone(),
        }
    }

    /// Remembers which of our ids stands for a recorded one.
    fn learn(&mut self, collection: &str, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
                for (recorded, ours) in recorded.iter().zip(ours) {
                    self.learn(collection, recorded, ours);
                }
            }
            _ => {
                if let (Some(recorded), Some(ours)) = (recorded["id"].as_u64(), ours["id"].as_u64())
                {
                    self.ids.entry((collection.to_owned(), recorded)).or_insert(ours);
                }
            }
        }
    }

    async fn compare(
        &mut self,
        path: &str,
        expected: &Value,
        answer: Response,
    ) -> Result<Option<String>> {
        let status = u64::from(answer.status().as_u16());
        let headers = answer.headers().clone();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let segments = path.split(['/', '?']).filter(|it| !matches!(*it, "" | "apis" | "bulk"));
        let collection = segments.map(str::to_owned).next();
        if expected["status"] == 201
            && let Some(collection) = &collection
        {
            self.learn(collection, &expected["body"], &body);
        }
        if expected["status"] != status {
            return Ok(Some(format!("{} became {status} {body:.200}", expected["status"])));
        }
        for name in HEADERS {
            let ours = headers.get(name).map(|value| value.to_str()).transpose()?;
            let mut recorded = expected["headers"].as_object().into_iter().flatten();
            let recorded = recorded.find(|(it, _)| it.eq_ignore_ascii_case(name));
            let recorded = recorded.and_then(|(_, value)| value.as_str());
            if recorded != ours {
                return Ok(Some(format!("{name} {recorded:?} became {ours:?}")));
            }
        }
        let recorded = self.ours(&expected["body"], collection.as_deref());
        let ours = comparable(&body);
        let same = recorded == ours || is_page(&recorded) || both_parse_errors(&recorded, &ours);
        Ok((!same).then(|| format!("{recorded} became {ours}")))
    }
}

fn collection_of(field: &str) -> Option<&'static str> {
    KEYS.iter().find(|(it, _)| *it == field).map(|(_, collection)| *collection)
}

fn comparable(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Object(fields) => without_times(fields.clone()),
        other => other.clone(),
    }
}

fn without_times(mut fields: Map<String, Value>) -> Value {
    for time in ["created", "updated", "modified"] {
        if fields.contains_key(time) {
            fields.insert(time.to_owned(), "a time".into());
        }
    }
    Value::Object(fields)
}

/// Answers that are pages for people are not compared.
fn is_page(body: &Value) -> bool {
    body.as_str().is_some_and(|text| text.to_ascii_lowercase().contains("<!doctype"))
}

/// What a parser complains of is its own affair.
fn both_parse_errors(recorded: &Value, ours: &Value) -> bool {
    let is_one = |body: &Value| {
        body["detail"].as_str().is_some_and(|text| text.starts_with("JSON parse error - "))
    };
    is_one(recorded) && is_one(ours)
}

/// Whether the recorder left out what was too long to keep.
fn is_abridged(request: &Value) -> bool {
    request["body"].as_str().is_some_and(|text| text.starts_with("(501 rows"))
        || request["path"].as_str().is_some_and(|path| path.contains("results/?period=8"))
}
