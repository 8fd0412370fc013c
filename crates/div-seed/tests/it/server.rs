//! A server that replays the recorded answers to the original command.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

#[derive(Deserialize)]
struct Exchange {
    request: Asked,
    response: Answered,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    path: String,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    body: Value,
}

/// The original command in an empty database.
pub(crate) const FRESH: &str = include_str!("../data/fresh.json");

/// The same command a second time.
pub(crate) const AGAIN: &str = include_str!("../data/again.json");

/// Starts a server that gives each recorded answer once, in the recorded order.
pub(crate) async fn replaying(recording: &str) -> MockServer {
    let server = MockServer::start().await;
    replay(&server, recording).await;
    server
}

/// Mounts the recorded answers below whatever is mounted already.
pub(crate) async fn replay(server: &MockServer, recording: &str) {
    for exchange in serde_json::from_str::<Vec<Exchange>>(recording).unwrap() {
        let Answered { status, body } = exchange.response;
        let path = our_path(&exchange.request.path);
        let template = ResponseTemplate::new(status).set_body_json(body);
        answer_once(server, &exchange.request.method, &path, template).await;
    }
}

/// Answers one such request.
pub(crate) async fn answer_once(
    server: &MockServer,
    verb: &str,
    path: &str,
    template: ResponseTemplate,
) {
    let wanted = path.to_owned();
    Mock::given(method(verb))
        .and(move |request: &Request| path_of(request) == wanted)
        .respond_with(template)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

/// The look-up that we use instead of the original's: users by e-mail address alone, members by
/// user and run, phases by game and name.
fn our_path(recorded: &str) -> String {
    let mut url = Url::parse("http://host").unwrap().join(recorded).unwrap();
    let extra: &[&str] = match url.path() {
        "/apis/users/" => &["password", "first_name", "last_name"],
        "/apis/runusers/" => &["world", "role", "leader"],
        "/apis/phases/" => &["order"],
        _ => return recorded.to_owned(),
    };
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    if pairs.is_empty() {
        return recorded.to_owned();
    }
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().filter(|(field, _)| !extra.contains(&field.as_str())));
    url[url::Position::BeforePath..].to_owned()
}

fn path_of(request: &Request) -> String {
    request.url[url::Position::BeforePath..].to_owned()
}

/// Method, path and query of every request that the server got.
pub(crate) async fn requests(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|it| format!("{} {}", it.method, path_of(it))).collect()
}

/// The bodies of all requests with this method and path.
pub(crate) async fn bodies(server: &MockServer, verb: &str, path: &str) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let wanted = requests.iter().filter(|it| it.method.as_str() == verb && path_of(it) == path);
    wanted.map(|it| it.body_json().unwrap()).collect()
}

/// A run as the API shows it.
pub(crate) fn run(pk: i64, created: &str) -> Value {
    json!({
        "id": pk, "created": created, "updated": created, "name": "default", "active": true,
        "data": {}, "game": 1, "phase": 1,
    })
}
