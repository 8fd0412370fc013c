//! A Games API that behaves like the original as far as these tests go: no units of work, no
//! journal, webhooks sent within the request, and a PATCH that fails.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use sim::types::{Resource, Timestamp};

/// The rows of all collections, and what is to go wrong.
#[derive(Default)]
pub(crate) struct Rows {
    rows: BTreeMap<(String, i64), Map<String, Value>>,
    next: i64,
    /// How many writes still succeed; none when all do.
    pub(crate) writes_left: Option<usize>,
    /// The webhooks that would have been sent, as texts.
    pub(crate) events: Vec<String>,
}

/// The fake; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<Rows>>);

impl Fake {
    pub(crate) fn router(&self) -> axum::Router {
        axum::Router::new()
            .route("/apis/authcheck/", post(authcheck))
            .route("/apis/{collection}/", get(list).post(create))
            .route("/apis/{collection}/{key}/", get(read).put(replace).delete(remove))
            .with_state(self.clone())
    }

    /// Stores a row past the API, and gives its key.
    pub(crate) fn insert(&self, collection: &str, fields: Value) -> i64 {
        let Value::Object(fields) = fields else { panic!("fields must be an object") };
        self.0.lock().unwrap().insert(collection, fields)
    }

    /// Changes a row past the API, and gives the body of the webhook that tells of it.
    pub(crate) fn change(&self, collection: &str, pk: i64, fields: Value) -> String {
        let Value::Object(fields) = fields else { panic!("fields must be an object") };
        let mut state = self.0.lock().unwrap();
        state.change(collection, pk, fields);
        state.events.pop().unwrap()
    }

    /// Deletes a row past the API, and gives the body of the webhook that tells of it.
    pub(crate) fn delete(&self, collection: &str, pk: i64) -> String {
        let mut state = self.0.lock().unwrap();
        state.delete(collection, pk);
        state.events.pop().unwrap()
    }

    pub(crate) fn rows(&self, collection: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let rows = state.rows.iter().filter(|((it, _), _)| it == collection);
        rows.map(|(_, row)| Value::Object(row.clone())).collect()
    }
}

impl Rows {
    fn insert(&mut self, collection: &str, mut fields: Map<String, Value>) -> i64 {
        self.next += 1;
        let now = Timestamp::now().to_string();
        fields.insert("id".into(), self.next.into());
        fields.insert("created".into(), now.clone().into());
        fields.insert("updated".into(), now.into());
        if collection == "runs" {
            fields.entry("active").or_insert(true.into());
        }
        for name in ["role", "world", "runuser"] {
            if matches!(collection, "decisions" | "results" | "runusers" | "scenarios") {
                fields.entry(name).or_insert(Value::Null);
            }
        }
        self.rows.insert((collection.to_owned(), self.next), fields);
        self.tell(collection, self.next, "created");
        self.next
    }

    fn change(&mut self, collection: &str, pk: i64, fields: Map<String, Value>) {
        let row = self.rows.get_mut(&(collection.to_owned(), pk)).unwrap();
        let created = row["created"].clone();
        row.extend(fields);
        row.insert("created".into(), created);
        row.insert("updated".into(), Timestamp::now().to_string().into());
        self.tell(collection, pk, "changed");
    }

    fn delete(&mut self, collection: &str, pk: i64) {
        self.tell(collection, pk, "deleted");
        self.rows.remove(&(collection.to_owned(), pk));
    }

    fn tell(&mut self, collection: &str, pk: i64, action: &str) {
        let resource = Resource::from_collection(collection).unwrap();
        let name = match resource {
            Resource::User => format!("user.{action}"),
            resource => format!("{}.{resource}.{action}", crate::support::SLUG),
        };
        let data = self.rows[&(collection.to_owned(), pk)].clone();
        let reference = format!("{}-{pk}-{action}", Timestamp::now().micros());
        self.events.push(json!({"event": name, "ref": reference, "data": data}).to_string());
    }

    /// Takes note of a write; an error when it is one too many.
    fn write(&mut self) -> Result<(), StatusCode> {
        match &mut self.writes_left {
            Some(0) => Err(StatusCode::INTERNAL_SERVER_ERROR),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, axum::Json(body)).into_response()
}

fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, json!({"detail": "Not found."}))
}

fn key(state: &Rows, collection: &str, key: &str) -> Option<i64> {
    let is_it = |row: &Map<String, Value>| match collection {
        "games" => row["slug"] == key,
        _ => row["id"].as_i64() == key.parse().ok(),
    };
    let mut found = state.rows.iter().filter(|((it, _), row)| it == collection && is_it(row));
    found.next().map(|((_, pk), _)| *pk)
}

async fn list(
    State(fake): State<Fake>,
    Path(collection): Path<String>,
    Query(filters): Query<HashMap<String, String>>,
) -> Response {
    if Resource::from_collection(&collection).is_none() {
        return (StatusCode::NOT_FOUND, "<html>").into_response();
    }
    let matches = |row: &Value| {
        filters.iter().all(|(name, value)| match row.get(name) {
            Some(Value::String(own)) => own == value,
            Some(Value::Bool(own)) => own.to_string() == value.to_lowercase(),
            Some(own) => own.as_i64() == value.parse().ok(),
            // Filters that are not known are ignored.
            None => true,
        })
    };
    let rows = fake.rows(&collection).into_iter().filter(matches).collect();
    answer(StatusCode::OK, Value::Array(rows))
}

async fn create(State(fake): State<Fake>, Path(collection): Path<String>, body: Bytes) -> Response {
    let mut state = fake.0.lock().unwrap();
    if let Err(error) = state.write() {
        return error.into_response();
    }
    let fields: Map<String, Value> = serde_json::from_slice(&body).unwrap();
    if collection == "hooks" {
        return answer(StatusCode::CREATED, Value::Object(fields));
    }
    let pk = state.insert(&collection, fields);
    let row = state.rows[&(collection, pk)].clone();
    answer(StatusCode::CREATED, Value::Object(row))
}

async fn read(
    State(fake): State<Fake>,
    Path((collection, path_key)): Path<(String, String)>,
) -> Response {
    let state = fake.0.lock().unwrap();
    match key(&state, &collection, &path_key) {
        Some(pk) => answer(StatusCode::OK, state.rows[&(collection, pk)].clone().into()),
        None => not_found(),
    }
}

async fn replace(
    State(fake): State<Fake>,
    Path((collection, path_key)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let mut state = fake.0.lock().unwrap();
    if let Err(error) = state.write() {
        return error.into_response();
    }
    let Some(pk) = key(&state, &collection, &path_key) else { return not_found() };
    state.change(&collection, pk, serde_json::from_slice(&body).unwrap());
    answer(StatusCode::OK, state.rows[&(collection, pk)].clone().into())
}

async fn remove(
    State(fake): State<Fake>,
    Path((collection, path_key)): Path<(String, String)>,
) -> Response {
    let mut state = fake.0.lock().unwrap();
    let Some(pk) = key(&state, &collection, &path_key) else { return not_found() };
    state.delete(&collection, pk);
    StatusCode::NO_CONTENT.into_response()
}

async fn authcheck(State(fake): State<Fake>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let user = fake.rows("users").into_iter().find(|user| {
        asked["authid"] == user["id"] || asked["email"].as_str() == user["email"].as_str()
    });
    match user {
        Some(user) if user["password"] == asked["password"] => {
            answer(StatusCode::OK, json!({"authid": user["id"], "email": user["email"]}))
        }
        Some(_) => {
            answer(StatusCode::BAD_REQUEST, json!(["Unable to log in with provided credentials."]))
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
